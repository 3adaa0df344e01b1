"""Penalties that are not what they declare: each is caught, in words that name the mistake."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import GeneratorPenalty, Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of


class Slopes(Penalty):
    """R1."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = real.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return found.flatten(1).square().sum(1).mean()


class OnGradients(Slopes):
    """A word too long."""

    constrains = "gradients"  # type: ignore[assignment]


class OnOutputs(Slopes):
    """Says that it is of outputs, which would be accepted where a penalty on the gradient is not."""

    constrains = "outputs"


class OneKind(Slopes):
    """No tuple."""

    kinds = "image"  # type: ignore[assignment]


class NoText(Slopes):
    """Text where a truth value is due."""

    double_backward = "no"  # type: ignore[assignment]


class Once(Slopes):
    """Says that it differentiates once."""

    double_backward = False


class OnceByFunction(Penalty):
    """Says that it differentiates once, and does so twice by a transform."""

    double_backward = False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        found: Tensor = torch.func.grad(lambda x: discriminator(x).sum())(real.detach())
        return found.flatten(1).square().sum(1).mean()


class Differences(Penalty):
    """Slopes by differences: nothing is differentiated twice."""

    double_backward = False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        way = real.detach() - fake.detach()
        slopes: Tensor = (discriminator(real.detach()) - discriminator(fake.detach())) / way.flatten(1).norm(dim=1)
        return slopes.square().mean()


class Forwards(Penalty):
    """The slope along the batch's differences, by forward differentiation."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        way = (real - fake).detach()
        slopes: Tensor = torch.func.jvp(discriminator, (real.detach(),), (way / way.flatten(1).norm(),))[1]
        return slopes.square().mean()

    double_backward = False


class SquaredWeight(Slopes):
    """Its weight is squared, which nothing shows at 1."""

    formula = "gamma * mean(||grad D(x)||^2), x real"

    def __init__(self, gamma: float = 1.0) -> None:
        self.gamma = gamma

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.gamma**2 * super().__call__(discriminator, real, fake, rng)


class Lazy(Slopes):
    """At the last of every so many updates, and as much stronger."""

    formula = "gamma * every * mean(||grad D(x)||^2), x real"

    def __init__(self, gamma: float = 1.0, every: int = 1) -> None:
        if every < 1:
            raise ValueError(f"every must be at least 1, not {every}")
        self.gamma, self.every, self.updates = gamma, every, 0

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        if self.updates % self.every:
            return real.new_zeros(())
        return self.gamma * self.every * super().__call__(discriminator, real, fake, rng)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class LazyAndSquared(Lazy):
    """Its weight is squared, which shows where it counts no updates."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.gamma * super().__call__(discriminator, real, fake, rng)


WRONG: list[tuple[type[Penalty], str, str]] = [
    (
        OnGradients,
        "declared",
        "declares constrains = 'gradients', which is not a valid value; did you",
    ),
    (SquaredWeight, "closed-form", "x real' with gamma = 0.5 gives"),
    (LazyAndSquared, "closed-form", "x real' with gamma = 0.5 gives"),
    (OneKind, "declared", "kinds = 'image'"),
    (NoText, "declared", "double_backward is 'no'"),
    (OnOutputs, "once-differentiated", "declare constrains = 'gradient'"),
    (Once, "once-differentiated", "differentiates the discriminator by its samples with create_graph=True"),
    (OnceByFunction, "once-differentiated", "double_backward is False"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_penalty_is_caught_by_name(penalty: type[Penalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Slopes, Lazy])
def test_a_right_penalty_passes(penalty: type[Penalty]) -> None:
    assert failed(check(penalty)) == {}


def test_where_one_that_begins_very_late_looks_is_not_asked() -> None:
    for every, why in ((3, "it does not look between real and fake samples"),
                       (30, "it does not call the discriminator in its first update")):  # fmt: skip
        found = outcome_of("positions", Lazy, parameters={"every": every})
        assert (found.status, found.message) == ("skipped", why)


@pytest.mark.parametrize("penalty", [Differences, Forwards])
def test_slopes_can_be_had_without_a_second_differentiation(penalty: type[Penalty]) -> None:
    assert outcome_of("once-differentiated", penalty).status == "ok"


class Both(Slopes, GeneratorPenalty):
    """A term for either player, of which the discriminator would not get its own."""


def test_a_penalty_joins_one_players_objective() -> None:
    words = "Both is a Penalty and a GeneratorPenalty, but each joins one player's objective; write one class for each"
    assert_caught(Both, "parameters", f"penalty 'both' cannot be used: {words}")
