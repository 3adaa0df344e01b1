"""Differentiable augmentation: what translation does, how transforms follow each other, and what the loop shows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ganbench.api import Augmentation, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.augmentations.translation import Translation
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.zero_centred import R1
from ganbench.spec import Recipe
from ganbench.training.augment import Augment
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Notes, Paired


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 6, channels: int = 3, side: int = 16) -> Tensor:
    return torch.rand((n, channels, side, side), generator=stream(1)) * 1.8 - 0.9


class Brighter(Augmentation):
    """A draw added to each image."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return images + torch.rand((len(images), 1, 1, 1), generator=rng, device=images.device).to(images.dtype)


def test_no_policy_returns_the_images_and_draws_nothing() -> None:
    rng, x = stream(), images()
    before = rng.get_state()
    assert Augment((), rng)(x) is x
    assert torch.equal(rng.get_state(), before)


@settings(deadline=None, max_examples=30)
@given(side=st.sampled_from([8, 15, 16, 32]), channels=st.integers(1, 3), seed=st.integers(0, 1000))
def test_translation_shifts_each_image_by_at_most_an_eighth(side: int, channels: int, seed: int) -> None:
    x = images(5, channels, side) + 2.0  # nothing is 0, so what moved in can be told
    y = Translation()(x, stream(seed))
    reach = int(side / 8 + 0.5)
    for before, after in zip(x, y, strict=True):
        found = []
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                shifted = torch.zeros_like(before)
                rows, columns = slice(max(0, down), side + min(0, down)), slice(max(0, right), side + min(0, right))
                source = before[:, max(0, -down) : side - max(0, down), max(0, -right) : side - max(0, right)]
                shifted[:, rows, columns] = source
                found.append(torch.equal(shifted, after))
        assert sum(found) == 1


def test_translation_reaches_every_shift_equally_often() -> None:
    x = torch.zeros(5000, 1, 16, 16)
    x[:, 0, 8, 8] = 1.0
    places = Translation()(x, stream()).flatten(1).argmax(1)
    rows, counts = (places // 16).unique(return_counts=True)
    assert rows.tolist() == [6, 7, 8, 9, 10]
    assert counts.min() > 900
    assert (places % 16).unique().tolist() == [6, 7, 8, 9, 10]


@pytest.mark.parametrize(("shift", "reach"), [(0.25, 4), (1.0, 16)])
def test_the_shift_can_be_chosen(shift: float, reach: int) -> None:
    x = torch.zeros(2000, 1, 33, 33)
    x[:, 0, 16, 16] = 1.0
    y = Translation(shift=shift if shift == 1 else reach / 33)(x, stream())
    rows = y.flatten(1).argmax(1)[y.flatten(1).any(1)] // 33
    assert rows.unique().tolist() == list(range(16 - reach, 17 + reach))


@pytest.mark.parametrize("shift", [0.0, -0.1, 1.5, float("nan")])
def test_a_shift_out_of_range_is_refused(shift: float) -> None:
    with pytest.raises(ValueError, match="shift"):
        Translation(shift=shift)


def test_transforms_follow_each_other_in_the_order_they_are_named_in() -> None:
    """What moves in is 0 only where translation comes last."""
    x = torch.full((50, 1, 16, 16), 2.0)
    last, first = (Augment(order, stream())(x) for order in ((Brighter(), Translation()), (Translation(), Brighter())))
    assert (last == 0).any()
    assert not (first == 0).any()


def test_gradients_pass_and_every_image_has_a_draw_of_its_own() -> None:
    x = images(1).expand(16, 3, 16, 16).clone().requires_grad_()
    y = Augment((Brighter(), Translation()), stream())(x)
    assert y.shape == x.shape
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.abs().flatten(1).sum(1).min() > 0
    assert len({tuple(image.flatten().tolist()) for image in y.detach()}) > 8


def test_the_same_stream_gives_the_same_images() -> None:
    first, second = (Augment((Brighter(), Translation()), stream(3))(images()) for _ in range(2))
    assert torch.equal(first, second)


# In the loop


RECIPE = Recipe(steps=4, batch_size=4, latent_dim=4, augment="brighter+translation")
TRANSFORMS = (Brighter(), Translation())
GOAL = Objective(loss=Vanilla(), penalties=(R1(gamma=1.0),))


def small_state(recipe: Recipe = RECIPE) -> State:
    data = (images(20, 1) * 127 + 128).to(torch.uint8)
    architecture = DCGAN(width=4, norm_d="none")
    return State(
        architecture=architecture,
        samples=Samples(data=data),
        recipe=recipe,
        seed=0,
        device=torch.device("cpu"),
        augmentations=() if recipe.augment == "none" else TRANSFORMS,
    )


def spied(goal: Objective) -> tuple[list[Tensor], list[Tensor]]:
    """Train one step; return what augmentation returned, and what the discriminator was called with."""
    state = small_state()
    shown: list[Tensor] = []
    seen: list[Tensor] = []
    transform = state.augment

    def remember(batch: Tensor) -> Tensor:
        shown.append(transform(batch))
        return shown[-1]

    state.augment = remember  # type: ignore[assignment]
    state.discriminator.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    train(state, goal, RECIPE, Notes(stop_after=1), evaluate_every=0)
    return shown, seen


def test_both_players_and_the_penalty_see_transformed_images_only() -> None:
    shown, seen = spied(GOAL)
    # Real, fake and, for the penalty, the same real again; then the generator's fakes.
    assert len(shown) == 3
    assert [any(torch.equal(x, y) for y in shown) for x in seen] == [True] * 4
    assert shown[2].requires_grad


def test_real_images_in_the_generators_objective_are_transformed_too() -> None:
    shown, seen = spied(Objective(loss=Paired(), penalties=()))
    assert len(seen) == len(shown) == 4
    assert all(any(torch.equal(x, y) for y in shown) for x in seen)


def test_without_a_policy_training_is_what_it_was() -> None:
    """Augmentation has a stream of its own: turned off, nothing else is drawn differently."""
    plain, same = Recipe(steps=2, batch_size=4, latent_dim=4), small_state(RECIPE)
    same.augment = Augment((), stream())
    other = small_state(plain)
    train(other, GOAL, plain, Notes(), evaluate_every=0)
    train(same, GOAL, RECIPE.model_copy(update={"steps": 2}), Notes(), evaluate_every=0)
    for a, b in zip(other.generator.parameters(), same.generator.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_recipe_that_names_augmentations_is_not_trained_without_them() -> None:
    with pytest.raises(ValueError, match=r"augment=translation, and 0 augmentations were built"):
        State(
            architecture=DCGAN(width=4),
            samples=Samples(data=torch.zeros(8, 1, 16, 16, dtype=torch.uint8)),
            recipe=Recipe(augment="translation"),
            seed=0,
            device=torch.device("cpu"),
        )
