"""Pairs that cannot work are refused by name, in one line, before anything trains."""

from collections.abc import Callable
from typing import Any

import pytest

from ganbench.api import Architecture
from ganbench.compatibility import check_recipe, doubts
from ganbench.errors import UsageError
from ganbench.losses.hinge import Hinge
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import Wasserstein
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.zero_centred import R1
from ganbench.spec import Component, DataSpec, Recipe


def component(name: str) -> Component:
    return Component(name=name, label=name, plugin="ganbench-mine", version="1", source="0")


def data(shape: tuple[int, ...] = (3, 8, 8), classes: int = 0) -> DataSpec:
    kind: Any = "image" if len(shape) == 3 else "vector"
    return DataSpec(component=component("cells"), kind=kind, shape=shape, size=100, fingerprint="0", classes=classes)


class Made(Architecture):
    """Declares how many samples its discriminator judges together; nothing is built."""

    def __init__(self, *, pack: int = 1) -> None:
        self.pack = pack


def refusal(function: Callable[..., None], *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(smoothing_real=0.1), "loss 'hinge' has no labels to smooth"),
        (Recipe(smoothing_fake=0.1), "loss 'hinge' has no labels to smooth"),
        (Recipe(ada_target=0.6), "ada_target=0.6 adapts how often images are augmented, and augment is none"),
        (Recipe(classifier_d=0.5), "classifier_d=0.5 weighs the term of an auxiliary classifier, and not every"),
        (Recipe(classifier_g=0), "leave classifier_g out for those without"),
        (Recipe(batch_size=51), "batch_size=51 in groups of 2 is more than the 100 training samples of 'cells'"),
    ],
)
def test_settings_that_nothing_here_has_a_use_for_are_refused(recipe: Recipe, words: str) -> None:
    assert words in refusal(check_recipe, "hinge", Hinge(), Made(pack=2), data(), recipe)


def test_a_loss_without_an_output_of_doubt_does_not_adapt_its_augmentation() -> None:
    recipe = Recipe(ada_target=0.6, augment="translation")
    words = refusal(check_recipe, "wgan", Wasserstein(), Made(), data(), recipe)
    assert "loss 'wgan' has no output that means in doubt" in words
    check_recipe("lsgan", LSGAN(), Made(), data(), recipe)


def test_settings_that_are_of_use_are_not() -> None:
    recipe = Recipe(batch_size=50, smoothing_real=0.1, ada_target=0.6, augment="translation")
    check_recipe("vanilla", Vanilla(), Made(pack=2), data(), recipe)

    class Classifying(Made):
        conditioning = "classifier"

    check_recipe("vanilla", Vanilla(), Classifying(), data(), Recipe(classifier_g=0.1))


def test_a_penalty_on_gradients_that_a_batch_norm_mixes_is_doubted() -> None:
    class Normed(Made):
        batch_norm_in_discriminator = True

    mine = component("mine")
    (line,) = doubts("hinge+r1", [R1()], mine, Normed())
    assert line.endswith("but 'mine' has batch norm in its discriminator, which mixes them")
    assert doubts("hinge+lecam", [LeCam()], mine, Normed()) == []
    assert doubts("hinge+r1", [R1()], mine, Made()) == []


def test_a_critic_that_spectral_norm_and_a_penalty_bound_is_doubted() -> None:
    class Bounded(Made):
        spectral_norm_in_discriminator = True

    mine = component("mine")
    twice = "the critic is bounded twice: by spectral norm in 'mine' and by the "
    assert doubts("hinge+r1", [R1()], mine, Bounded()) == [f"{twice}gradient penalty of 'hinge+r1'"]
    assert doubts("wgan", [WeightClip()], mine, Bounded()) == [
        f"{twice}clipping of 'wgan', whose weights are not those that it computes with"
    ]
    assert doubts("hinge+lecam", [LeCam()], mine, Bounded()) == []
    assert doubts("wgan", [WeightClip()], mine, Made()) == []
