"""Seeds trained as one batched model: each goes the way that it goes alone."""

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Augmentation, Loss, Networks, Samples
from ganbench.architectures.dcgan5x5 import DCGAN5x5
from ganbench.architectures.pacgan import PacGAN
from ganbench.augmentations.translation import Translation
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGANGP
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.spec import Recipe
from ganbench.training import batched as module
from ganbench.training import checkpoint
from ganbench.training.batchable import obstacle_to_batching
from ganbench.training.batched import train_together
from ganbench.training.batched_model import BatchedModel, Member
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.state import State
from tests.batches import SEEDS, assert_same, assert_same_content, build, ended, members, recipe, together
from tests.goals import GOALS
from tests.loops import Notes, flat, objective

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize(("settings", "goal"), GOALS.values(), ids=GOALS.keys())
def test_every_seed_goes_the_way_it_goes_alone(settings: dict[str, Any], goal: Callable[[], Objective]) -> None:
    chosen = recipe(**settings)
    group = members(chosen, goal)
    errors = together(group, chosen, every=15)
    assert list(errors.values()) == [None] * 3
    for seed, member in zip(SEEDS, group, strict=True):
        alone, notes = build(chosen, seed), Notes()
        assert train(alone, goal(), chosen, notes, evaluate_every=15)
        assert_same(member.state, alone)
        assert isinstance(member.observer, Notes)
        assert member.observer.evaluations == notes.evaluations == [15, 30, 40]
        for found, expected in zip(member.observer.reports, notes.reports, strict=True):
            assert found == pytest.approx(expected, abs=1e-9)


class Normed(Architecture):
    """Batch norm in both networks: statistics that every call of a network moves."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        def network(inputs: int, outputs: int) -> list[nn.Module]:
            # A bias here would have no gradient but rounding, which Adam makes a step of.
            return [nn.Linear(inputs, 8, bias=False), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, outputs)]

        return Networks(
            nn.Sequential(*network(latent_dim, shape[0])), nn.Sequential(*network(shape[0], 1), nn.Flatten(0))
        )


ARCHITECTURES: dict[str, tuple[Architecture, dict[str, Any], Callable[[], Objective]]] = {
    "batch norm": (Normed(), {"n_critic": 2, "ema_decay": 0.9}, lambda: objective(Vanilla())),
    "batch norm, joint": (Normed(), {"discriminator_batch": "joint"}, lambda: objective(LSGAN())),
    "batch norm, a penalty that calls the network": (Normed(), {"steps": 10}, lambda: objective(WGANGP())),
    "batch norm, features": (Normed(), {"n_generator": 2}, lambda: objective(Vanilla(), FeatureMatching())),
    "packed, features": (PacGAN(pack=2, hidden=16, hidden_d=8), {}, lambda: objective(Vanilla(), FeatureMatching())),
    "packed maxout": (PacGAN(pack=2, hidden=16, hidden_d=8), {}, lambda: objective(Vanilla())),
    "packed maxout, replay": (PacGAN(pack=2, hidden=16, hidden_d=8), {"replay": 12}, lambda: objective(Vanilla())),
    "packed images": (DCGAN5x5(pack=2, width=2), {"n_generator": 2, "steps": 8}, lambda: objective(Vanilla())),
}


@pytest.mark.parametrize(("architecture", "settings", "goal"), ARCHITECTURES.values(), ids=ARCHITECTURES.keys())
def test_statistics_of_batch_norm_are_each_seeds_own(
    architecture: Architecture, settings: dict[str, Any], goal: Callable[[], Objective]
) -> None:
    chosen = recipe(**({"steps": 30} | settings))
    states = [build(chosen, seed, architecture) for seed in SEEDS]
    assert obstacle_to_batching(architecture, states, chosen) == ""
    group = members(chosen, goal, architecture)
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed, architecture)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def test_seeds_differ_from_each_other() -> None:
    group = members(recipe(), lambda: objective(Vanilla()))
    together(group, recipe())
    first, second = (next(member.state.generator.parameters()) for member in group[:2])
    assert (first - second).abs().max() > 1e-2


def test_going_on_from_checkpoints_of_different_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One seed's checkpoint is older than the others': it catches up, then all go on together; each ends as alone."""
    chosen = recipe()

    def goal() -> Objective:
        return objective(Vanilla())

    group = members(chosen, goal, stop_after=17)
    group[0].observer = Notes(stop_after=9)
    assert train_together(group, chosen, evaluate_every=0, end=ended({})) is False
    assert [member.state.step for member in group] == [9, 9, 9]
    checkpoint.save(tmp_path / "0.pt", "t", group[0].state.state_dict())
    rest = group[1:]
    assert train_together(rest, chosen, evaluate_every=0, end=ended({})) is False
    for number, member in enumerate(rest, start=1):
        assert member.state.step == 17
        checkpoint.save(tmp_path / f"{number}.pt", "t", member.state.state_dict())

    resumed = members(chosen, goal)
    for number, member in enumerate(resumed):
        member.state.load_state_dict(checkpoint.load(tmp_path / f"{number}.pt", "t"))
    sizes: list[int] = []

    def noted(group: Sequence[Member], settings: Recipe) -> BatchedModel:
        sizes.append(len(group))
        return BatchedModel(group, settings)

    monkeypatch.setattr(module, "BatchedModel", noted)
    together(resumed, chosen)
    assert sizes == [1, 3]
    for seed, member in zip(SEEDS, resumed, strict=True):
        alone = build(chosen, seed)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


def test_a_checkpoint_holds_one_seed_and_not_the_stack(tmp_path: Path) -> None:
    chosen, sizes = recipe(steps=2), []

    class Saving(Notes):
        def after_step(self, state: State) -> bool:
            checkpoint.save(tmp_path / "c.pt", "t", state.state_dict())
            sizes.append((tmp_path / "c.pt").stat().st_size)
            return False

    group = members(chosen, lambda: objective(Vanilla()))
    for member in group:
        member.observer = Saving()
    together(group, chosen)
    alone = build(chosen, 0)
    train(alone, objective(Vanilla()), chosen, Saving(), evaluate_every=0)
    assert max(sizes[:6]) < 1.05 * max(sizes[6:])


class Doubled(nn.Module):
    """Takes float32 images into a network of float64."""

    def forward(self, x: Tensor) -> Tensor:
        return x.double()


class OfImages(Architecture):
    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        layers = (Doubled(), nn.Flatten(1), nn.Linear(64, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), nn.Flatten(0))
        return Networks(nn.Sequential(nn.Linear(latent_dim, 64), nn.Unflatten(1, (1, 8, 8))), nn.Sequential(*layers))


def pictured(settings: Recipe, seed: int) -> State:
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=torch.Generator().manual_seed(5), dtype=torch.uint8)
    return State(
        architecture=OfImages(), samples=Samples(data=images), recipe=settings, seed=seed,
        device=torch.device("cpu"), augmentations=[Translation()],
    )  # fmt: skip


@pytest.mark.parametrize(("ada_target", "loss"), [(0.0, Vanilla), (0.1, Vanilla), (0.1, LSGAN)])
def test_every_seed_augments_as_it_does_alone(ada_target: float, loss: type[Loss]) -> None:
    """Real and fake images, by draws of the seed's own, in both players' updates and where features are compared; doubt
    has the loss's own level."""
    chosen = recipe(steps=12, augment="translation", ada_target=ada_target, ada_images=100, mirror=0.5)
    group = [
        Member(state=pictured(chosen, seed), objective=objective(loss(), FeatureMatching()), observer=Notes())
        for seed in SEEDS
    ]
    assert list(together(group, chosen).values()) == [None] * 3
    for seed, member in zip(SEEDS, group, strict=True):
        alone = pictured(chosen, seed)
        train(alone, objective(loss(), FeatureMatching()), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


class Failing(Augmentation):
    """Translates, and raises when it is called for the fifth time: in the second step, for the fakes."""

    def __init__(self) -> None:
        self._left = 5

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        self._left -= 1
        if not self._left:
            raise ValueError("mine alone")
        return Translation()(images, rng)


def test_a_seed_whose_augmentation_fails_leaves_the_others_as_they_would_be() -> None:
    chosen = recipe(steps=6, augment="translation")
    group = [Member(state=pictured(chosen, seed), objective=objective(Vanilla()), observer=Notes()) for seed in SEEDS]
    group[1].state.augment.transforms = (Failing(),)
    errors = together(group, chosen)
    assert str(errors[group[1]]) == "mine alone"
    assert group[1].state.step == 1
    for index in (0, 2):
        assert errors[group[index]] is None
        alone = pictured(chosen, SEEDS[index])
        train(alone, objective(Vanilla()), chosen, Notes(), evaluate_every=0)
        assert_same(group[index].state, alone)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop", "sgd"])
def test_what_is_written_down_on_the_way_is_each_seeds_own(optimizer: Any) -> None:
    """Weights, moments and rates of the moment, and not those with which the batch began."""
    chosen = recipe(steps=8, optimizer=optimizer, beta1=0.5, lr_schedule="linear", ema_decay=0.9)

    class Writing(Notes):
        written: dict[str, Any]

        def after_step(self, state: State) -> bool:
            if state.step == 5:
                self.written = flat(copy.deepcopy(state.state_dict()))
            return False

    group = members(chosen, lambda: objective(Vanilla()))
    for member in group:
        member.observer = Writing()
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        train(build(chosen, seed), objective(Vanilla()), chosen, notes := Writing(), evaluate_every=0)
        assert isinstance(member.observer, Writing)
        assert_same_content(member.observer.written, notes.written)
