"""ADA: how the probability moves, and what it does to images."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Augmentation, Loss, Networks, Samples
from ganbench.architectures.mlp import MLP
from ganbench.augmentations.translation import Translation
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.spec import Recipe
from ganbench.training.ada import INTERVAL, Adaptation
from ganbench.training.augment import Augment
from ganbench.training.batched import train_together
from ganbench.training.batched_model import Member
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.loops import Notes

CPU = torch.device("cpu")


class Brighter(Augmentation):
    """A draw from [1, 2) added to each image."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return images + 1 + torch.rand((len(images), 1, 1, 1), generator=rng)


class Corner(Augmentation):
    """The first number of each image is 0."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        mask = torch.zeros(images.shape[1:], dtype=torch.bool)
        mask[0, 0, 0] = True
        return images.masked_fill(mask, 0.0)


def outputs(positive: int, negative: int) -> Tensor:
    return torch.cat([torch.full((positive,), 0.3), torch.full((negative,), -7.0)])


@pytest.mark.parametrize(("positive", "expected"), [(90, 0.4), (81, 0.4), (79, 0.0), (10, 0.0)])
def test_p_rises_by_the_share_of_images_where_the_mean_sign_is_above_the_target(positive: int, expected: float) -> None:
    """The mean sign of k positive of 100 is (2k - 100) / 100; the target of 0.6 is at k = 80."""
    adaptation = Adaptation(0.6, 1000, CPU)
    for update in range(INTERVAL):
        assert adaptation.p.item() == 0  # only after four updates
        adaptation.observe(outputs(positive, 100 - positive), 100)
        assert adaptation.p.item() == pytest.approx(expected if update == INTERVAL - 1 else 0)


def test_p_falls_again_and_stays_between_0_and_1() -> None:
    adaptation = Adaptation(0.6, 1000, CPU)
    path = []
    for positive in [100] * 4 + [0] * 4:
        for _ in range(INTERVAL):
            adaptation.observe(outputs(positive, 100 - positive), 100)
        path.append(round(adaptation.p.item(), 6))
    assert path == [0.4, 0.8, 1.0, 1.0, 0.6, 0.2, 0.0, 0.0]


@pytest.mark.parametrize(("positive", "expected"), [(21, 0.4), (19, 0.0)])
def test_groups_count_as_the_images_in_them(positive: int, expected: float) -> None:
    """25 groups of four are a hundred images; the mean sign is that of the groups, (2k - 25) / 25 against 0.6."""
    adaptation = Adaptation(0.6, 1000, CPU)
    for _ in range(INTERVAL):
        adaptation.observe(outputs(positive, 25 - positive), 100)
    assert adaptation.p.item() == pytest.approx(expected)


def test_only_signs_count() -> None:
    one, other = Adaptation(0.3, 1000, CPU), Adaptation(0.3, 1000, CPU)
    for _ in range(INTERVAL):
        one.observe(torch.tensor([1e-3, 2.0, -5.0]), 3)
        other.observe(torch.tensor([70.0, 1e4, -1e-6]), 3)
    assert one.p.item() == other.p.item() == pytest.approx(0.012)


@pytest.mark.parametrize("updates", range(1, 4 * INTERVAL))
def test_going_on_from_a_checkpoint_moves_p_as_before(updates: int) -> None:
    """Also where it was written between two adjustments: what was observed since the last one counts."""
    # Little above the target, so that less would be below it; p is far from where it is clamped.
    batches = [(outputs(positive, 100 - positive), 100) for positive in [81] * 8 + [70] * 4 + [81] * 4]
    whole, first, second = (Adaptation(0.6, 10_000, CPU) for _ in range(3))
    for batch in batches:
        whole.observe(*batch)
    for batch in batches[:updates]:
        first.observe(*batch)
    second.load_state_dict(first.state_dict())
    for batch in batches[updates:]:
        second.observe(*batch)
    assert second.state_dict() == whole.state_dict()
    assert whole.p.item() == pytest.approx(0.08)


def test_p_lies_where_the_outputs_are_also_after_a_checkpoint() -> None:
    """The meta device stands for a GPU: it, too, refuses to mix with what lies on the CPU."""
    adaptation = Adaptation(0.6, 1000, torch.device("meta"))
    adaptation.load_state_dict(Adaptation(0.6, 1000, CPU).state_dict())
    for _ in range(INTERVAL + 1):
        adaptation.observe(torch.zeros(8, device="meta"), 8)
        assert adaptation.p.device.type == adaptation._signs.device.type == "meta"


@pytest.mark.parametrize(("p", "low", "high"), [(0.0, 0.0, 0.0), (0.3, 0.26, 0.34), (1.0, 0.999, 1.0)])
def test_each_image_is_transformed_with_probability_p(p: float, low: float, high: float) -> None:
    adaptation = Adaptation(0.6, 1000, CPU)
    adaptation.p = torch.tensor(p)
    augment = Augment([Brighter()], torch.Generator().manual_seed(0), adaptation)
    images = torch.rand(2000, 1, 4, 4) * 2 - 1
    changed = (augment(images) != images).flatten(1).any(1).double().mean().item()
    assert low <= changed <= high


def test_transforms_are_chosen_independently() -> None:
    adaptation = Adaptation(0.6, 1000, CPU)
    adaptation.p = torch.tensor(0.5)
    augment = Augment([Brighter(), Corner()], torch.Generator().manual_seed(0), adaptation)
    images = torch.rand(4000, 1, 8, 8) * 0.5 + 0.2
    found = augment(images)
    holes = (found == 0).flatten(1).any(1)
    coloured = ((found != images) & (found != 0)).flatten(1).any(1)
    for one in (True, False):
        for other in (True, False):
            assert ((holes == one) & (coloured == other)).double().mean().item() == pytest.approx(0.25, abs=0.04)


def test_which_images_are_transformed_is_drawn_from_the_stream_of_augmentation_alone() -> None:
    adaptation = Adaptation(0.6, 1000, CPU)
    adaptation.p = torch.tensor(0.5)
    images, found = torch.rand(50, 1, 8, 8) + 0.1, list[Tensor]()
    for _ in range(2):
        before = torch.get_rng_state()
        found.append(Augment([Corner()], torch.Generator().manual_seed(0), adaptation)(images))
        assert torch.equal(torch.get_rng_state(), before)
        torch.rand(7)  # whatever others draw meanwhile
    assert torch.equal(*found)
    assert 0 < (found[0][:, 0, 0, 0] == 0).sum() < 50


def test_gradients_pass_where_an_image_is_left_alone() -> None:
    adaptation = Adaptation(0.6, 1000, CPU)
    images = torch.rand(3, 1, 8, 8, requires_grad=True)
    Augment([Corner()], torch.Generator(), adaptation)(images).sum().backward()
    assert images.grad is not None
    assert (images.grad == 1).all()


def make(architecture: Architecture | None = None, **settings: Any) -> tuple[State, Recipe]:
    recipe = Recipe(
        **({"steps": 15, "batch_size": 10, "latent_dim": 4, "augment": "brighter+translation", "ada_target": 0.1,
            "ada_images": 100} | settings)
    )  # fmt: skip
    images = torch.randint(0, 100, (40, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    architecture = architecture or MLP(hidden=16, layers=2, init="kaiming")
    transforms = (Brighter(), Translation())
    state = State(
        architecture=architecture, samples=Samples(data=images), recipe=recipe, seed=0, device=CPU,
        augmentations=transforms,
    )  # fmt: skip
    return state, recipe


class Pairs(Architecture):
    """A discriminator that judges two images at once."""

    pack = 2

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        generator = nn.Sequential(nn.Linear(latent_dim, 64), nn.Unflatten(1, (1, 8, 8)))
        critic = nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 128)), nn.Linear(128, 1), nn.Flatten(0))
        return Networks(generator, critic)


def trained(state: State, recipe: Recipe, goal: Objective, *, alone: bool) -> None:
    if alone:
        train(state, goal, recipe, Notes(), evaluate_every=0)
    else:
        member = Member(state=state, objective=goal, observer=Notes())
        train_together([member], recipe, evaluate_every=0, end=lambda member, error: None)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
def test_every_image_of_a_group_is_counted(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(Adaptation, "observe", lambda self, outputs, images: seen.append((len(outputs), images)))
    state, recipe = make(Pairs(), steps=1)
    trained(state, recipe, Objective(loss=Vanilla(), penalties=()), alone=alone)
    assert seen == [(10, 20)]
    assert state.real_images == 20


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
def test_every_update_of_a_boosted_step_is_observed(alone: bool) -> None:
    state, recipe = make(steps=4, n_critic_boost=5, boost_first=2)
    trained(state, recipe, Objective(loss=Vanilla(), penalties=()), alone=alone)
    assert state.adaptation is not None
    assert state.adaptation.state_dict()["updates"] == 2 * 5 + 2
    assert state.real_images == 10 * (2 * 5 + 2)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
def test_updates_of_the_generator_are_not(alone: bool) -> None:
    state, recipe = make(steps=4, n_generator=3)
    trained(state, recipe, Objective(loss=Vanilla(), penalties=()), alone=alone)
    assert state.adaptation is not None
    assert state.adaptation.state_dict()["updates"] == 4
    assert state.real_images == 40


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "together"])
@pytest.mark.parametrize(("loss", "level"), [(Vanilla(), 0.0), (LSGAN(), 0.5)])
def test_training_tells_where_the_loss_is_in_doubt(loss: Loss, level: float, alone: bool) -> None:
    state, recipe = make(steps=1)
    trained(state, recipe, Objective(loss=loss, penalties=()), alone=alone)
    assert state.adaptation is not None
    assert state.adaptation.level == level


def test_outputs_count_from_where_the_loss_is_in_doubt() -> None:
    doubtful, sure = Adaptation(0.6, 1000, CPU), Adaptation(0.6, 1000, CPU)
    doubtful.level = 0.5
    for adaptation in (doubtful, sure):
        for _ in range(INTERVAL):
            adaptation.observe(torch.full((100,), 0.4), 100)
    assert doubtful.p.item() == 0.0
    assert sure.p.item() == pytest.approx(0.4)


def test_without_a_target_every_image_is_transformed() -> None:
    state, _ = make(ada_target=0.0)
    assert state.adaptation is None
    images = torch.rand(50, 1, 8, 8)
    assert (state.augment(images) != images).flatten(1).any(1).all()
