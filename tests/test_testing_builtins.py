"""Every built-in component is held by the kit that third-party components are held by."""

from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.registry import KINDS
from ganbench.testing import check
from tests.kit import failed, outcome_of
from tests.kit.architectures import NO_EXPORT

# Small networks: what the kit asks of an architecture does not depend on its width.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": 16},
    "dcgan": {"width": 4},
    "dcgan5x5": {"width": 4},
    "pacdcgan": {"width": 4},
    "resnet": {"width": 4},
    "sagan": {"width": 4},
    "upsample": {"width": 4},
    "vgg": {"width": 4, "hidden": 16},
    "sndcgan": {"width": 4},
    "infogan": {"width": 4, "hidden": 16},
}

REGISTRY = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
BUILT_IN = [f"{kind}/{entry.name}" for kind in KINDS for entry in REGISTRY.entries(kind)]


@pytest.fixture(autouse=True)
def _without_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and data that are not there are left out, not fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", _refuse)
    monkeypatch.setattr("urllib.request.urlopen", _refuse)


def _refuse(*arguments: Any, **options: Any) -> None:
    raise OSError("no downloads in this test")


@pytest.mark.parametrize("component", BUILT_IN)
def test_a_built_in_conforms(component: str) -> None:
    kind, _, name = component.partition("/")
    small = {"parameters": SMALL.get(name, {}), "skip": NO_EXPORT} if kind == "architecture" else {}
    assert failed(check(component, **small)) == {}
    if kind == "loss":
        # Whatever a built-in loss says of itself is held against its code.
        assert outcome_of("formula", component).status == "ok"


@pytest.mark.parametrize("condition", ["projection", "classifier"])
@pytest.mark.parametrize("name", ["mlp", "sagan"])
def test_a_conditional_built_in_conforms(name: str, condition: str) -> None:
    skip = NO_EXPORT | {"shapes": "tried at every size of the unconditional networks"}
    assert failed(check(f"architecture/{name}", parameters=SMALL[name] | {"condition": condition}, skip=skip)) == {}


def test_the_kit_says_why_data_that_are_not_here_are_left_out() -> None:
    samples = outcome_of("samples", "dataset/mnist")
    assert samples.status == "skipped"
    assert samples.message.startswith("its files are not here: mnist")
    assert outcome_of("provenance", "dataset/mnist").status == "ok"
