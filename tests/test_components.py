"""Components on the worker's side: contracts, parameters and their types, labels, and the hash of their code."""

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from ganbench import components, plugins
from ganbench.api import (
    Architecture,
    Augmentation,
    Dataset,
    Extractor,
    FeaturePenalty,
    GeneratorPenalty,
    Loss,
    Metric,
    Networks,
    Penalty,
    Samples,
)
from ganbench.components import build, rebuild, resolve
from ganbench.errors import DataError, UsageError
from ganbench.grid import ComponentRequest
from ganbench.parameters import defaults
from ganbench.provenance.sources import source_files, source_hash
from ganbench.registry import Entry, Registry


class Sample(Loss):
    def __init__(self, count: int = 3, rate: float = 0.5, on: bool = False, mode: str = "a", path: str = "") -> None:
        if count == 13:
            raise ValueError("count=13\nis unlucky")
        if count == 14:
            raise DataError("no data")
        if count == 15:
            raise KeyError
        self.given = {"count": count, "rate": rate, "on": on, "mode": mode, "path": path}

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake.mean()


def entry(target: str, kind: str = "loss", argument: str = "", version: str = "1.0") -> Entry:
    return Entry(
        kind=kind,
        name="sample",
        target=target,
        summary="",
        paper="",
        argument=argument,
        distribution="ganbench-x",
        version=version,
    )


def registry(**fields: Any) -> Registry:
    found = Registry()
    found.add(entry(f"{__name__}:Sample", **fields))
    return found


def request(**parameters: Any) -> ComponentRequest:
    return ComponentRequest(
        kind="loss", name="sample", distribution="ganbench-x", version="1.0", target="", parameters=parameters
    )


# Not imported from tests.refusals: what this file imports is part of Sample's code, whose hash is tested.
def refusal(function: Callable[..., Any], *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_class_of_its_kind_is_loaded() -> None:
    assert components.load_class(entry(f"{__name__}:Sample")) is Sample


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("penalty", f"{__name__}:Sample"),
        ("loss", "json:JSONDecoder"),
        ("loss", "json:loads"),
        ("loss", "json:__name__"),
    ],
)
def test_what_is_no_class_of_its_kind_is_refused(kind: str, target: str) -> None:
    message = refusal(components.load_class, entry(target, kind))
    assert f"{target} must be a subclass of ganbench.api.{'Loss' if kind == 'loss' else 'Penalty'}" in message


def test_the_classes_of_a_kind_are_those_that_can_be_loaded() -> None:
    found = registry()
    found.add(dataclasses.replace(entry("json:loads"), name="broken"))
    assert list(components.classes("loss", found)) == [("sample", Sample)]


def test_a_constructor_that_refuses_is_the_users_to_mend() -> None:
    assert refusal(build, "loss", "sample", Sample, {"count": 13}) == "loss 'sample': count=13 is unlucky"
    assert refusal(build, "loss", "sample", Sample, {"count": 15}) == "loss 'sample': KeyError"
    with pytest.raises(DataError, match="no data"):
        build("loss", "sample", Sample, {"count": 14})


@pytest.mark.parametrize(
    ("kind", "contract", "missing"),
    [
        ("loss", Loss, "discriminator() and generator()"),
        ("penalty", Penalty, "__call__()"),
        ("penalty", FeaturePenalty, "on_features()"),
        ("augmentation", Augmentation, "__call__()"),
        ("architecture", Architecture, "build()"),
        ("dataset", Dataset, "load()"),
        ("metric", Metric, "compute()"),
        ("extractor", Extractor, "sha256() and build()"),
    ],
)
def test_a_method_that_is_missing_is_named(kind: str, contract: type[Any], missing: str) -> None:
    bare = type("Bare", (contract,), {})
    assert refusal(build, kind, "bare", bare, {}) == f"{kind} 'bare' cannot be used: Bare does not define {missing}"


def test_what_stands_in_for_a_method_is_enough() -> None:
    class Projects(Penalty):
        differentiable = False

    class OfOutputs(Penalty):
        def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
            return real.mean()

    class Conditional(Architecture):
        def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
            raise ValueError

    for kind, stands in (("penalty", Projects), ("penalty", OfOutputs), ("architecture", Conditional)):
        assert isinstance(build(kind, "stands", stands, {}), stands)


def test_resolving_records_all_parameters_and_shows_what_differs() -> None:
    component, instance = resolve(request(rate=1, count=3, on=True), registry())
    assert component.label == "sample[rate=1,on=true]"
    assert component.parameters == {"count": 3, "rate": 1.0, "on": True, "mode": "a", "path": ""}
    assert (component.plugin, component.version) == ("ganbench-x", "1.0")
    assert instance.given == component.parameters
    assert resolve(request(), registry())[0].label == "sample"


def test_what_the_context_settles_is_recorded_but_not_shown() -> None:
    component, instance = resolve(request(), registry(), lambda cls, parameters: parameters | {"mode": "b"})
    assert component.label == "sample"
    assert component.parameters["mode"] == instance.given["mode"] == "b"


def test_a_text_that_looks_like_a_number_is_as_it_was_typed() -> None:
    typed = request(mode=1.1).model_copy(update={"texts": {"mode": "1.10"}})
    component, instance = resolve(typed, registry())
    assert component.label == "sample[mode=1.10]"
    assert component.parameters["mode"] == instance.given["mode"] == "1.10"


def test_an_argument_is_shown_after_a_colon() -> None:
    component, _ = resolve(request(path="/data", count=4), registry(argument="path"))
    assert component.label == "sample:/data[count=4]"


def test_two_components_with_different_parameters_have_different_labels() -> None:
    first, _ = resolve(request(rate=0.1234567), registry())
    second, _ = resolve(request(rate=0.12345671), registry())
    assert first.label != second.label


class Placed(Dataset):
    """A dataset that says where its samples lie."""

    locations = ("path",)

    def __init__(self, size: int = 0, path: str = "") -> None:
        self.path = path

    def load(self, split: str, *, root: Path) -> Samples:
        raise DataError(f"nothing at {self.path}")


def test_a_place_is_set_apart_and_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    known = Registry()
    known.add(entry(f"{__name__}:Placed", kind="dataset", argument="path"))

    def asked(**parameters: Any) -> ComponentRequest:
        return request(**parameters).model_copy(update={"kind": "dataset"})

    found = [
        components.set_apart(resolve(wanted, known)[0], known)
        for wanted in (asked(path="d", size=8), asked(path=str(tmp_path / "d"), size=8.0))
    ]
    assert found[0] == found[1]
    part, data_at = found[0]
    assert (part.label, part.parameters, data_at) == ("sample[size=8]", {"size": 8}, {"path": str(tmp_path / "d")})
    assert rebuild("dataset", part, known, data_at=data_at).path == str(tmp_path / "d")
    assert components.set_apart(resolve(asked(), known)[0], known)[1] == {}
    for wrong in ("path", ("size",), ("nowhere",)):
        monkeypatch.setattr(Placed, "locations", wrong)
        words = refusal(components.set_apart, part, known)
        assert "dataset 'sample' declares locations = " in words


def test_rebuilding_gives_the_same_component() -> None:
    component, _ = resolve(request(rate=0.25), registry())
    assert rebuild("loss", component, registry()).given == component.parameters


@pytest.mark.parametrize("change", [{"version": "2.0"}, {"source": "0" * 12}])
def test_another_version_or_other_code_is_refused(change: dict[str, str]) -> None:
    component, _ = resolve(request(), registry())
    message = refusal(rebuild, "loss", component.model_copy(update=change), registry())
    assert "planned with" in message
    assert next(iter(change.values())) in message


def test_another_version_with_the_same_code_is_accepted_where_nothing_is_trained() -> None:
    component, _ = resolve(request(rate=0.25), registry())
    said: list[str] = []
    older = component.model_copy(update={"version": "0.9"})
    assert rebuild("loss", older, registry(), warn=said.append).given == component.parameters
    assert said == [
        "loss 'sample' of ganbench-x is 1.0 here, with the same code as the 0.9 that the trial was planned with"
    ]
    assert rebuild("loss", component, registry(), warn=said.append).given == component.parameters
    edited = older.model_copy(update={"source": "0" * 12})
    with pytest.raises(UsageError, match=r"planned with 0\.9 \(000000000000\); install that version"):
        rebuild("loss", edited, registry(), warn=said.append)
    assert len(said) == 1


def test_a_missing_package_is_named() -> None:
    component, _ = resolve(request(), registry())
    words = "loss 'ganbench-x:sample' comes with the package ganbench-x 1.0, which is not installed; install it"
    assert refusal(rebuild, "loss", component, Registry()) == words
    disabled = Registry()
    disabled.disabled.append("ganbench-x")
    assert "not in use (disabled: ganbench-x;" in refusal(rebuild, "loss", component, disabled)


def test_the_hash_changes_with_the_code_of_a_class_and_of_its_bases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, derived = tmp_path / "ganbench_fake_base.py", tmp_path / "ganbench_fake_derived.py"
    base.write_text("from ganbench.api import Loss\nclass Base(Loss):\n    pass\n")
    derived.write_text("from ganbench_fake_base import Base\nclass Derived(Base):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    from ganbench_fake_derived import Derived  # type: ignore[import-not-found]

    assert set(source_files(Derived)) == {str(base.resolve()), str(derived.resolve())}
    hashes = {source_hash(Derived)}
    base.write_text(base.read_text() + "# edited\n")
    hashes.add(source_hash(Derived))
    derived.write_text(derived.read_text() + "# edited\n")
    hashes.add(source_hash(Derived))
    assert len(hashes) == 3
    for name in ("ganbench_fake_base", "ganbench_fake_derived"):
        del sys.modules[name]


def test_the_hash_covers_the_penalty_a_loss_carries() -> None:
    """Whoever edits the gradient penalty edits WGAN-GP: the trials cached before are another question's."""
    from ganbench.losses.wgan import WGAN, WGANGP

    assert any(file.endswith("penalties/gradient.py") for file in source_files(WGANGP))
    assert any(file.endswith("penalties/clip.py") for file in source_files(WGAN))


def test_contracts_and_torch_are_not_part_of_the_hash() -> None:
    names = {Path(file).name for file in source_files(Sample)}
    assert names == {Path(__file__).name}


def test_every_built_in_component_can_be_loaded_and_built_without_parameters() -> None:
    found = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    for kind in components.CONTRACTS:
        for each in found.entries(kind):
            cls = components.load_class(each)
            parameters = defaults(kind, cls)
            assert all(isinstance(value, bool | int | float | str) for value in parameters.values())
            if not each.argument:
                build(kind, each.name, cls, parameters)
            assert each.summary, each.qualified
            if kind == "loss":
                assert issubclass(cls, Loss)
            elif kind == "penalty":
                assert issubclass(cls, Penalty | GeneratorPenalty)
