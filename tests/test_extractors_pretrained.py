"""torch-fidelity's networks: where weights are looked for, and that they fit. Plumbing only, never a score."""

import os
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

import ganbench.extractors
from ganbench.api import Extractor
from ganbench.errors import DataError
from ganbench.extractors.clip import ClipRn50
from ganbench.extractors.dinov2 import Dinov2VitS14
from ganbench.extractors.inception import Inception
from ganbench.extractors.vgg16 import VGG16
from ganbench.files import file_sha256
from tests.inception import random_weights, varied_images

VARIABLE = "GANBENCH_INCEPTION_WEIGHTS"


@pytest.fixture(autouse=True)
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, no variable set and no network."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))

    def unreachable(url: str, *_args: Any, **_options: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state dict of the right shapes with meaningless values."""
    path = random_weights(tmp_path_factory.mktemp("weights") / "inception.pth")
    yield path
    path.unlink()


def registered() -> dict[str, type[Extractor]]:
    found: dict[str, type[Extractor]] = {}

    def register(name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        module, _, attribute = target.partition(":")
        found[name] = getattr(import_module(module), attribute)

    ganbench.extractors.register_extractors(register)
    return found


def test_every_name_is_torch_fidelitys_and_its_layers_exist() -> None:
    ganbench.extractors.register_with_torch_fidelity()
    assert len(registered()) == 19
    for name, cls in registered().items():
        network = FEATURE_EXTRACTORS_REGISTRY[cls.registered_name]
        assert cls.feature_layer == network.get_default_feature_layer_for_metric("fid"), name
        assert cls.logits_layer in ("", *network.get_provided_features_list())
        assert cls.dimension > 0
        assert cls.domain


def test_names_of_files_and_hashes() -> None:
    assert Inception.file_name == "weights-inception-2015-12-05-6726825d.pth"
    assert Inception.hash_prefix == "6726825d"
    assert VGG16.hash_prefix == "397923af"
    assert len(ClipRn50.hash_prefix) == 64
    assert ClipRn50.variable == "GANBENCH_CLIP_RN50_WEIGHTS"
    assert Dinov2VitS14.file_name == "dinov2_vits14_pretrain.pth"


def test_nowhere_to_be_found_says_where_it_looked(hub: Path) -> None:
    with pytest.raises(DataError) as failure:
        Inception().sha256()
    text = str(failure.value)
    assert "\n" not in text
    for part in (f"{VARIABLE} is not set", str(hub / Inception.file_name), Inception.url, "no route to host"):
        assert part in text
    assert "put it there, or name it with GANBENCH_INCEPTION_WEIGHTS" in text
    assert Inception().files() == ()
    with pytest.raises(DataError, match=r"put it there$"):
        Dinov2VitS14().sha256()


def test_a_named_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "gone.pth"))
    with pytest.raises(DataError, match=r"GANBENCH_INCEPTION_WEIGHTS names .*gone.pth, which is not a file"):
        Inception().build(["2048"])


def test_a_cached_file_with_another_hash_is_refused_before_it_is_opened(hub: Path) -> None:
    hub.mkdir(parents=True)
    (hub / Inception.file_name).write_bytes(b"half a download")
    for use in (Inception().sha256, lambda: Inception().build(["2048"])):
        with pytest.raises(DataError, match=r"is damaged: its SHA-256 begins .* expected 6726825d; remove it"):
            use()


@pytest.mark.slow
def test_a_file_of_the_users_own(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(fresh))
    extractor = Inception()
    assert extractor.sha256() == file_sha256(fresh)
    assert extractor.files() == (str(fresh),)
    network = extractor.build(["2048", "logits_unbiased"])
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    features, logits = network(varied_images(2))
    assert features.shape == (2, 2048)
    assert logits.shape == (2, 1008)
    for outputs in (features, logits):  # it is these weights that are used, and they tell images apart
        assert float((outputs[0] - outputs[1]).abs().mean()) > 0.1 * float(outputs.abs().mean())


def test_weights_of_another_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "other.pth"
    torch.save({"layer.weight": torch.zeros(3, 3)}, path)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(DataError) as failure:
        Inception().build(["2048"])
    told = r"(tensor \S+ and \d+ more are missing; layer\.weight is unknown)"
    assert re.fullmatch(
        rf"{re.escape(str(path))} contains the weights of another network than inception-v3-compat \({told}\)",
        str(failure.value),
    )


class Attack:
    """What a weights file may hold if nobody looks."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path(Attack.target),))

    target = ""


def test_a_file_that_would_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, Attack.target = tmp_path / "evil.pth", str(tmp_path / "ran")
    torch.save({"layer": Attack()}, path)
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(DataError, match="cannot be read as weights"):
        Inception().build(["2048"])
    assert not Path(Attack.target).exists()


def test_text_is_not_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.pth"
    path.write_text("<html>404</html>")
    monkeypatch.setenv(VARIABLE, str(path))
    with pytest.raises(DataError, match=r"page.pth cannot be read as weights of inception-v3-compat"):
        Inception().build(["2048"])


def test_a_file_is_hashed_again_when_it_has_changed_and_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []

    def noting(path: Path) -> str:
        hashed.append(path)
        return file_sha256(path)

    monkeypatch.setattr("ganbench.extractors.pretrained.file_sha256", noting)
    path = tmp_path / "own.pth"
    monkeypatch.setenv(VARIABLE, str(path))
    path.write_bytes(b"one")
    os.utime(path, ns=(10**18, 10**18))
    extractor = Inception()
    first = extractor.sha256()
    assert extractor.sha256() == first == file_sha256(path)
    assert len(hashed) == 1
    path.write_bytes(b"two")  # as long as before
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))
    assert extractor.sha256() == file_sha256(path) != first
    path.write_bytes(b"three")
    os.utime(path, ns=(10**18 + 1, 10**18 + 1))  # of the same time
    assert extractor.sha256() == file_sha256(path)
    assert len(hashed) == 3
