"""A component that cannot be built says so once, and one whose defaults do is checked with them."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Augmentation, Dataset, Networks, Penalty, Samples
from ganbench.api.architecture import Conditioning
from ganbench.api.objectives import Discriminator
from ganbench.errors import UsageError
from ganbench.registry import Entry
from ganbench.testing import Outcome, check, checks_of, run
from ganbench.testing.architectures import refusals
from ganbench.testing.kit import subject_of, subject_of_entry
from ganbench.testing.package import check_package
from tests.kit import failed
from tests.kit.components import RightData
from tests.kit.losses import Right

SAID = "it cannot be built, as the check 'parameters' says"


class Unbuilt(Right):
    """A loss whose constructor always fails."""

    def __init__(self, margin: float = 1.0) -> None:
        raise RuntimeError(f"no margin {margin:g}")


class Particular(Right):
    """A loss that refuses a margin."""

    def __init__(self, margin: float = 1.0) -> None:
        if margin < 0:
            raise ValueError("no margin below 0")


class Weighed(Penalty):
    """A penalty that refuses a weight."""

    def __init__(self, margin: float = 1.0) -> None:
        if margin < 0:
            raise ValueError("no margin below 0")

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return discriminator(real).mean()


class Padded(Augmentation):
    """An augmentation that refuses a margin."""

    def __init__(self, margin: float = 1.0) -> None:
        if margin < 0:
            raise ValueError("no margin below 0")

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return images


@pytest.mark.parametrize(
    ("component", "parameters", "words"),
    [
        (Unbuilt, {}, "no margin 1, with its own defaults"),
        (Particular, {"margin": -1.0}, "no margin below 0; `--losses particular` would be refused"),
        (Weighed, {"margin": -1.0}, "no margin below 0; `--losses vanilla+weighed` would be refused"),
        (Padded, {"margin": -1.0}, "no margin below 0; `--set augment=padded` would be refused"),
    ],
)
def test_that_a_component_cannot_be_built_is_said_once(
    component: type, parameters: dict[str, float], words: str
) -> None:
    outcomes = check(component, parameters=parameters)
    assert list(failed(outcomes)) == ["parameters"]
    assert words in failed(outcomes)["parameters"]
    assert sum(outcome.message == SAID for outcome in outcomes) > 5
    statuses = {outcome.check: outcome.status for outcome in outcomes}
    assert statuses["documentation"] == "ok"


def test_it_is_not_hidden_where_the_check_that_says_so_is_left_out() -> None:
    outcomes = check(Unbuilt, skip={"parameters": "I know better"})
    assert len(failed(outcomes)) > 5
    assert SAID not in {outcome.message for outcome in outcomes}


class Kinds(RightData):
    """Data of a kind that users give after a colon."""

    def __init__(self, kindof: str = "plain") -> None:
        if not kindof:
            raise ValueError("it needs a kind")


class Asking(RightData):
    """Data that ask for a kind only when they are loaded."""

    def __init__(self, kindof: str = "") -> None:
        self.kindof = kindof

    def load(self, split: str, *, root: Path) -> Samples:
        if not self.kindof:
            raise UsageError("which kind?")
        return super().load(split, root=root)


class Required(Kinds):
    """Data that cannot do without."""

    def __init__(self, kindof: str = "") -> None:
        super().__init__(kindof)


def outcomes_of(dataset: type[Dataset]) -> dict[str, Outcome]:
    entry = Entry(
        kind="dataset",
        name="mine",
        target=f"{__name__}:{dataset.__name__}",
        summary="",
        paper="",
        argument="kindof",
        distribution="ganbench-mine",
        version="1",
    )
    return {outcome.check: outcome for outcome in run(subject_of_entry(entry))}


def test_an_argument_that_has_a_default_is_not_asked_for() -> None:
    found = outcomes_of(Kinds)
    assert {name for name, outcome in found.items() if outcome.status == "failed"} == set()
    assert found["samples"].status == found["parameters"].status == "ok"


@pytest.mark.parametrize("dataset", [Required, Asking])
def test_an_argument_that_is_needed_is_asked_for(dataset: type[Dataset]) -> None:
    found = outcomes_of(dataset)
    assert found["samples"].status == "skipped"
    assert found["samples"].message == "it needs a kindof (mine:KINDOF), but none was given"
    assert found["refusals"].status == ("skipped" if dataset is Required else "ok")
    assert "failed" not in {outcome.status for outcome in found.values()}


def test_names_that_are_many_are_listed_by_a_command() -> None:
    with pytest.raises(UsageError, match=r"^ganbench registers no 'zzz'; 'ganbench list' lists what there is$"):
        list(check_package("ganbench", only={"zzz": {}}))


def test_an_argument_is_given_as_users_type_it() -> None:
    (_, report) = check_package("ganbench", only={"dataset/folder:no-such-folder": {}})
    (samples,) = (outcome for outcome in report.outcomes if outcome.check == "samples")
    assert samples.message.startswith("its files are not here: ")
    assert "no-such-folder" in samples.message


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (3, "3 is not a component: it must be a subclass of one of ganbench.api.Loss, "),
        (Entry, "ganbench.api.Extractor, ganbench.executors.Executor, ganbench.trackers.Tracker"),
        ("vanilas", "there is no component 'vanilas'"),
        ("lose/vanilla", "there is no component 'lose/vanilla'"),
        ("dragan", "'dragan' names a loss and a penalty; write 'loss/dragan'"),
    ],
)
def test_what_is_no_component_is_refused(component: object, words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        subject_of(component)


class Conditional(Architecture):
    """Networks that take labels, and no others."""

    kinds = ("vector",)

    @property
    def conditioning(self) -> Conditioning:
        return "labels"

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        if len(shape) != 1:
            raise ValueError("it makes vectors")
        return Networks(nn.Embedding(classes, *shape), nn.Linear(*shape, 1))


class Careless(Conditional):
    """The same, and nothing is refused in words."""

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        raise TypeError(f"{torch.Size(shape)}")


def test_an_architecture_without_unconditional_networks_refuses_shapes_as_it_builds() -> None:
    (one,) = (one for one in checks_of("architecture") if one.function is refusals)
    assert one.function(subject_of(Conditional)) is None
    with pytest.raises(AssertionError, match="raises TypeError; it must raise a ValueError"):
        one.function(subject_of(Careless))
