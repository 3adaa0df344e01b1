"""Which output is that of a discriminator in doubt, and how often a discriminator runs."""

import pytest
import torch
from torch import Tensor

from ganbench import components, plugins
from ganbench.api import Loss, Penalty
from ganbench.spec import Recipe
from ganbench.training.adversarial import g_passes, passes, undecided

REGISTRY = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry


def loss(name: str) -> Loss:
    found = components.load_class(REGISTRY.find("loss", name))()
    assert isinstance(found, Loss)
    return found


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("vanilla", 0.0),
        ("minimax", 0.0),
        ("hinge", 0.0),
        ("lsgan", 0.5),
        ("lsgan-sigmoid", 0.0),
        ("fgan-kl", 1.0),
        ("wgan", None),
        ("wgan-gp", None),
    ],
)
def test_the_level_of_the_losses(name: str, level: float | None) -> None:
    assert undecided(loss(name), Recipe()) == level


def test_every_level_is_where_the_loss_is_least() -> None:
    """Of all built-in losses, by differentiation: no slope there, whichever way it was found."""
    found = 0
    for entry in REGISTRY.entries("loss"):
        one = loss(entry.name)
        level = undecided(one, Recipe())
        if level is None:
            continue
        found += 1
        at = torch.full((2,), level, dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(one.discriminator(at, at), at)
        assert abs(slope.sum()) < 2e-3, entry.name
    assert found >= 6


def test_smoothed_labels_move_it() -> None:
    """One-sided smoothing by s: the logit of (1 - s) / 2."""
    moved = undecided(loss("vanilla"), Recipe(smoothing_real=0.2))
    assert moved == pytest.approx(torch.logit(torch.tensor(0.4)).item(), abs=1e-3)


class Relative(Loss):
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return torch.nn.functional.softplus(fake - real).mean()


class Endless(Loss):
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real + fake).mean()


class EndlessUpwards(Loss):
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -(real + fake).mean()


class Undefined(Loss):
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - fake).mean() * torch.nan


class Broad(Loss):
    """Costs nothing over most of what is looked at, on both sides of zero."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real.abs() - 6).relu().mean()


class OfPositives(Loss):
    """Is defined for outputs above zero alone, and costs least at 2."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real / 2).log().square().mean() + (fake / 2).log().square().mean()


def test_where_a_loss_is_not_defined_it_does_not_cost_nothing() -> None:
    assert undecided(OfPositives(), Recipe()) == 2.0


@pytest.mark.parametrize("kind", [Relative, Endless, EndlessUpwards, Undefined, Broad])
def test_a_loss_that_prefers_no_output_has_no_level(kind: type[Loss]) -> None:
    assert undecided(kind(), Recipe()) is None


@pytest.mark.parametrize(
    ("names", "every", "expected"),
    [
        ((), 4, 1.0),
        (("r1",), 1, 2.0),
        (("r1",), 4, 1.25),
        (("r1", "r2"), 4, 1.5),
        # What is no penalty on gradients is a term in every step, and another pass only where it calls the critic.
        (("consistency",), 4, 2.0),
        (("lecam",), 4, 1.0),
        (("weight-clip",), 4, 1.0),
        (("gp", "lecam", "consistency"), 4, 2.25),
    ],
)
def test_a_discriminator_runs_for_the_loss_and_for_each_penalty_that_calls_it(
    names: tuple[str, ...], every: int, expected: float
) -> None:
    penalties: list[Penalty] = [components.load_class(REGISTRY.find("penalty", name))() for name in names]
    assert passes(penalties, Recipe(penalty_every=every)) == expected


@pytest.mark.parametrize(
    ("calls", "every", "expected"),
    [((), 4, 1.0), ((1,), 1, 2.0), ((1,), 4, 1.25), ((1, 0, 1), 4, 1.5), ((2,), 1, 3.0)],
)
def test_a_generator_runs_for_the_loss_and_as_often_as_penalties_call_it(
    calls: tuple[int, ...], every: int, expected: float
) -> None:
    assert g_passes(calls, Recipe(g_penalty_every=every)) == expected
