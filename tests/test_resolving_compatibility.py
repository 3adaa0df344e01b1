"""Pairs that cannot work are refused by name, in one line, before anything trains."""

from typing import Any

import pytest
import torch

from ganbench.api import Penalty
from ganbench.errors import TooFewSteps
from ganbench.losses.hinge import Hinge
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import Wasserstein
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.path_length import PathLength
from ganbench.penalties.zero_centred import R1
from ganbench.resolving.compatibility import check_pair, check_recipe, doubts
from ganbench.spec import Recipe
from ganbench.training.replay import Replay
from tests.cells import Made, component, data
from tests.refusals import refusal


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (Recipe(smoothing_real=0.1), "loss 'hinge' has no labels to smooth"),
        (Recipe(smoothing_fake=0.1), "loss 'hinge' has no labels to smooth"),
        (Recipe(ada_target=0.6), "ada_target=0.6 adapts how often images are augmented, but augment is none"),
        (Recipe(classifier_d=0.5), "classifier_d=0.5 is the weight of an auxiliary classifier, but not every"),
        (Recipe(classifier_g=0), "separately, without classifier_g"),
        (Recipe(batch_size=51), "batch_size=51 in groups of 2 is more than the 100 training samples of 'cells'"),
    ],
)
def test_settings_that_nothing_here_has_a_use_for_are_refused(recipe: Recipe, words: str) -> None:
    assert words in refusal(check_recipe, "hinge", Hinge(), Made(pack=2), data(), recipe)


def test_a_loss_without_an_output_of_doubt_does_not_adapt_its_augmentation() -> None:
    recipe = Recipe(ada_target=0.6, augment="translation")
    words = refusal(check_recipe, "wgan", Wasserstein(), Made(), data(), recipe)
    assert "which means nothing for loss 'wgan'" in words
    check_recipe("lsgan", LSGAN(), Made(), data(), recipe)


@pytest.mark.parametrize("kinds", ["image", ("images",), ()])
def test_kinds_that_are_not_those_of_the_contract_are_refused(kinds: Any) -> None:
    """``("image")`` is a text to Python, and each of its letters a kind."""
    of_networks = Made()
    of_networks.kinds = kinds  # type: ignore[misc]
    words = f"declares kinds = {kinds!r}; it must be a tuple of 'image' and 'vector', such as ('image',)"
    pair = component("made"), data((2,)), Recipe()
    assert refusal(check_pair, "hinge", [], pair[0], of_networks, *pair[1:]) == f"architecture 'made' {words}"


def test_mirroring_is_for_images() -> None:
    words = refusal(check_recipe, "hinge", Hinge(), Made(), data((2,)), Recipe(mirror=0.5))
    assert words.startswith("mirror=0.5 mirrors images, but dataset 'cells' contains vectors")
    check_recipe("hinge", Hinge(), Made(), data((2,)), Recipe())
    check_recipe("hinge", Hinge(), Made(), data(), Recipe(mirror=0.5))


def test_settings_that_are_of_use_are_not() -> None:
    recipe = Recipe(batch_size=50, smoothing_real=0.1, ada_target=0.6, augment="translation")
    check_recipe("vanilla", Vanilla(), Made(pack=2), data(), recipe)

    class Classifying(Made):
        conditioning = "classifier"

    check_recipe("vanilla", Vanilla(), Classifying(), data(), Recipe(classifier_g=0.1))
    falling = Recipe(steps=10, batch_size=16, lr_schedule="linear", lr_decay_steps=6, lr_final=0.1)
    check_recipe("vanilla", Vanilla(), Made(), data(), falling)


@pytest.mark.parametrize(
    ("enough", "too_far", "words"),
    [
        # Of 10 updates the last one comes after 9 · 8 fakes, for any number of critic updates in a step.
        (
            {"replay": 72},
            {"replay": 73},
            "only 72 fakes are added before the last update (steps=10, n_critic=1, 8 of each batch)",
        ),
        ({"replay": 72, "steps": 2, "n_critic": 5}, {"replay": 73}, "use at most 72, or more steps"),
        ({"replay": 8, "steps": 2}, {"steps": 1}, "use more steps, or leave replay out"),
        (
            {"replay": 8},
            {"replay": 7},
            "replay=7 keeps fewer fakes than the 8 that replay_share=0.5 of batch_size=16 draws",
        ),
        (
            {"replay": 9, "replay_share": 0.032},
            {"replay_share": 0.03125},
            "use more than 0.03125, or leave replay out",
        ),
        ({"ema_decay": 0.9, "ema_start": 9}, {"ema_start": 10}, "ema_start=10 is not before the last step, 10"),
        (
            {"lr_schedule": "linear", "lr_decay_start": 8},
            {"lr_decay_start": 9},
            "lr_decay_start=9 keeps the whole learning rate to the last step, 10; use at most 8, or more steps",
        ),
        ({"lr_schedule": "linear", "lr_decay_start": 1}, {"steps": 2}, "use more steps, or leave lr_decay_start out"),
        ({"lr_schedule": "cosine", "lr_decay_start": 8}, {"lr_decay_start": 9}, "use at most 8, or more steps"),
        (
            {"lr_schedule": "linear", "lr_final": 0.5, "steps": 2},
            {"steps": 1},
            "lr_schedule=linear has no effect in a single step, which has the whole learning rate; use more steps, or",
        ),
        (
            {"lr_schedule": "cosine", "lr_decay_start": 3, "lr_decay_steps": 7},
            {"lr_decay_steps": 6},
            "lr_decay_steps=6 would leave a learning rate of zero after step 9 of 10; set lr_final",
        ),
        (
            {"penalty_final": 0.1, "penalty_every": 9},
            {"penalty_every": 10},
            "penalty_final=0.1 has no effect in the first step, and penalties are terms of no other (steps=10, ",
        ),
        ({"penalty_final": 0.1, "steps": 2}, {"steps": 1}, "penalty_final=0.1 has no effect in the first step"),
        # Two steps of 5 updates and eight of 1.
        (
            {"replay": 136, "n_critic_boost": 5, "boost_first": 2},
            {"replay": 137},
            "only 136 fakes are added before the last update",
        ),
        (
            {"n_critic": 4, "n_critic_boost": 5, "boost_first": 2},
            {"n_critic": 5},
            "n_critic_boost=5 is not more than n_critic=5",
        ),
        ({"n_critic_boost": 5, "boost_first": 1}, {"boost_first": 0}, "set boost_first or boost_every"),
        (
            {"n_critic_boost": 5, "boost_first": 9},
            {"boost_first": 10},
            "boost_first=10 and boost_every=0 boost every step of 10, so n_critic=1 would have no effect",
        ),
        ({"n_critic_boost": 5, "boost_every": 1}, {"boost_first": 1}, "boost every step of 10"),
        (
            {"n_critic_boost": 5, "boost_first": 3, "boost_every": 9},
            {"boost_every": 10},
            "boost_every=10 has no effect before step 11, and there are 10",
        ),
        (
            {"n_critic_boost": 5, "boost_first": 5, "boost_every": 4},
            {"boost_first": 9},
            "boost_every=4 has no effect before step 13, and there are 10",
        ),
    ],
)
def test_what_would_be_recorded_and_change_nothing_is_refused(
    enough: dict[str, Any], too_far: dict[str, Any], words: str
) -> None:
    settings = {"steps": 10, "batch_size": 16, **enough}
    for pack in (1, 2):
        check_recipe("vanilla", Vanilla(), Made(pack=pack), data(), Recipe(**settings))
        recipe = Recipe(**(settings | too_far))
        assert words in refusal(check_recipe, "vanilla", Vanilla(), Made(pack=pack), data(), recipe)


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({"replay": 73}, 11),
        ({"ema_decay": 0.9, "ema_start": 10}, 11),
        ({"lr_schedule": "linear", "lr_decay_start": 9}, 11),
        ({"penalty_final": 0.1, "penalty_every": 12}, 13),
        ({"n_critic_boost": 5, "boost_first": 10}, 11),
        ({"n_critic_boost": 5, "boost_first": 12, "boost_every": 4}, 14),
        ({"n_critic_boost": 5, "boost_first": 3, "boost_every": 30}, 31),
    ],
)
def test_a_refusal_for_want_of_steps_says_how_many_are_enough(settings: dict[str, Any], needed: int) -> None:
    def check(steps: int) -> None:
        recipe = Recipe(steps=steps, batch_size=16, **settings)
        check_recipe("vanilla", Vanilla(), Made(), data(), recipe)

    for steps in (10, needed - 1):
        with pytest.raises(TooFewSteps) as refused:
            check(steps)
        assert refused.value.needed == needed
    check(needed)


@pytest.mark.parametrize("replay", [72, 73, 7, 8])
def test_a_history_is_refused_exactly_where_a_run_would_draw_nothing_or_less(replay: int) -> None:
    recipe = Recipe(steps=5, n_critic=2, batch_size=16, replay=replay)
    history = Replay(recipe.replay, recipe.replay_share, torch.Generator())
    batches = torch.arange(10 * 16.0).view(10, 16, 1)
    earlier = [16 - int(torch.isin(history.mix(batch), batch).sum()) for batch in batches]
    if max(earlier) == 8:
        check_recipe("vanilla", Vanilla(), Made(), data(), recipe)
    else:
        refusal(check_recipe, "vanilla", Vanilla(), Made(), data(), recipe)


def test_a_penalty_on_gradients_that_a_batch_norm_mixes_is_doubted() -> None:
    class Normed(Made):
        batch_norm_in_discriminator = True

    mine = component("mine")
    (line,) = doubts("hinge+r1", [R1()], mine, Normed())
    assert line.endswith("but 'mine' has batch norm in its discriminator, which mixes the samples")
    assert doubts("hinge+lecam", [LeCam()], mine, Normed()) == []
    assert doubts("hinge+r1", [R1()], mine, Made()) == []


@pytest.mark.parametrize(("name", "value"), [("penalty_every", 16), ("penalty_final", 0.1)])
def test_penalties_of_which_recipes_speak_are_those_on_gradients(name: str, value: float) -> None:
    recipe = Recipe(**{name: value})
    without: list[tuple[str, list[Penalty]]] = [("hinge", []), ("hinge+lecam", [LeCam()]), ("wgan", [WeightClip()])]
    for label, penalties in without:
        words = refusal(check_pair, label, penalties, component("mine"), Made(), data(), recipe)
        about = f"{name}={value:g} is about penalties on the discriminator's gradients"
        assert words.startswith(f"{about}, but loss '{label}' has none; add one")
        check_pair(label, penalties, component("mine"), Made(), data(), Recipe())
    check_pair("hinge+lecam+r1", [LeCam(), R1()], component("mine"), Made(), data(), recipe)


def test_a_seldom_penalty_on_the_generator_is_refused_where_there_is_none() -> None:
    recipe, mine = Recipe(g_penalty_every=4), component("mine")
    words = refusal(check_pair, "hinge+r1", [R1()], mine, Made(), data(), recipe)
    assert words.startswith(
        "g_penalty_every=4 is about penalties on the generator, but loss 'hinge+r1' has none; add one, as in "
    )
    check_pair("hinge+path-length", [], mine, Made(), data(), recipe, [PathLength()])
    check_pair("hinge+r1", [R1()], mine, Made(), data(), Recipe())


def test_a_critic_that_spectral_norm_and_a_penalty_bound_is_doubted() -> None:
    class Bounded(Made):
        spectral_norm_in_discriminator = True

    mine = component("mine")
    twice = "the critic is constrained twice: by spectral norm in 'mine' and by the "
    assert doubts("hinge+r1", [R1()], mine, Bounded()) == [f"{twice}gradient penalty of 'hinge+r1'"]
    assert doubts("wgan", [WeightClip()], mine, Bounded()) == [
        f"{twice}weight clipping of 'wgan', which clips other weights than those the network computes with"
    ]
    assert len(doubts("hinge+r1+clip", [R1(), WeightClip()], mine, Bounded())) == 2
    assert doubts("hinge+lecam", [LeCam()], mine, Bounded()) == []
    assert doubts("wgan", [WeightClip()], mine, Made()) == []


def test_a_penalty_that_an_architecture_does_not_take_is_refused_by_the_names_of_both() -> None:
    class Once(Made):
        double_backward = False

    words = refusal(check_pair, "hinge+r1", [R1()], component("mine"), Once(), data(), Recipe())
    assert "loss 'hinge+r1' differentiates the discriminator twice, which architecture 'mine' does not support" in words
    words = refusal(check_pair, "hinge+r1", [R1()], component("mine"), Made(pack=2), data(), Recipe())
    assert "the discriminator of architecture 'mine' judges 2 samples at once; use pack=1" in words
    check_pair("wgan+lecam", [WeightClip(), LeCam()], component("mine"), Made(pack=2), data(), Recipe())


def test_images_have_the_sizes_that_an_architecture_makes() -> None:
    class Sized(Made):
        sizes, power_of_two = (16, 64), False

    class Doubling(Sized):
        power_of_two = True

    def pair(architecture: Made, height: int, width: int) -> tuple[Any, ...]:
        return "hinge", [], component("mine"), architecture, data((3, height, width)), Recipe()

    for sides in ((16, 64), (64, 16), (17, 40)):
        check_pair(*pair(Sized(), *sides))
        words = refusal(check_pair, *pair(Doubling(), *sides))
        wanted = "square images with a power-of-two side from 16 to 64"
        assert words.startswith(f"architecture 'mine' makes {wanted}, but dataset 'cells' is {sides[0]}x{sides[1]};")
    for sides in ((15, 16), (16, 15), (65, 64), (64, 65)):
        words = refusal(check_pair, *pair(Sized(), *sides))
        assert "makes images with sides from 16 to 64, but dataset 'cells' is" in words
    for side in (16, 32, 64):
        check_pair(*pair(Doubling(), side, side))
    for side in (8, 24, 128):
        refusal(check_pair, *pair(Doubling(), side, side))
