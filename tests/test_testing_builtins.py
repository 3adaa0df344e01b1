"""Every built-in component is held by the kit that third-party components are held by."""

from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.testing import check
from ganbench.testing.kit import Outcome

# Small networks: what the kit asks of an architecture does not depend on its width.
SMALL: dict[str, dict[str, Any]] = {
    "mlp": {"hidden": 16},
    "dcgan": {"width": 4},
    "pacdcgan": {"width": 4},
    "resnet": {"width": 4},
    "sagan": {"width": 4},
    "upsample": {"width": 4},
    "vgg": {"width": 4, "hidden": 16},
    "sndcgan": {"width": 4},
    "infogan": {"width": 4, "hidden": 16},
}

KINDS = ("loss", "penalty", "augmentation", "architecture", "dataset", "metric", "extractor", "executor", "tracker")
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


def outcomes(component: str) -> list[Outcome]:
    kind, _, name = component.partition("/")
    skip = {"export": "slow, and only a note"} if kind == "architecture" else {}
    return check(component, parameters=SMALL.get(name, {}) if kind == "architecture" else {}, skip=skip)


@pytest.mark.parametrize("component", BUILT_IN)
def test_a_built_in_conforms(component: str) -> None:
    found = outcomes(component)
    failed = {outcome.check: outcome.message for outcome in found if outcome.status == "failed"}
    assert not failed
    if component.startswith("loss/"):
        # Whatever a built-in loss says of itself is held against its code.
        assert {outcome.check: outcome.status for outcome in found}["formula"] == "ok"


@pytest.mark.parametrize("condition", ["projection", "classifier"])
@pytest.mark.parametrize("name", ["mlp", "sagan"])
def test_a_conditional_built_in_conforms(name: str, condition: str) -> None:
    found = check(
        f"architecture/{name}",
        parameters=SMALL[name] | {"condition": condition},
        skip={"export": "said of the unconditional networks above", "shapes": "likewise, at every size"},
    )
    assert {outcome.check: outcome.message for outcome in found if outcome.status == "failed"} == {}


def test_the_kit_says_why_data_that_are_not_here_are_left_out() -> None:
    statuses = {outcome.check: (outcome.status, outcome.message) for outcome in outcomes("dataset/mnist")}
    status, message = statuses["samples"]
    assert status == "skipped"
    assert message.startswith("its files are not here: mnist")
    assert statuses["provenance"][0] == "ok"


def test_an_argument_that_was_not_given_is_asked_for() -> None:
    statuses = {outcome.check: (outcome.status, outcome.message) for outcome in outcomes("dataset/folder")}
    assert statuses["samples"] == ("skipped", "it needs a path (folder:PATH), but none was given")
