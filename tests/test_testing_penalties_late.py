"""Penalties that begin late, as one that counts its updates can: they are looked at when they act."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import GeneratorPenalty, Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of


class LateSlopes(Penalty):
    """R1 from its third update on."""

    formula = "1/2 * mean(||grad D(x)||^2), x real"
    waits = 2

    def __init__(self) -> None:
        self.updates = 0

    def slopes(self, discriminator: Any, x: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return found

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        if self.updates <= self.waits:
            return real.new_zeros(())
        return self.cost(self.slopes(discriminator, self.near(real, rng).requires_grad_()))

    def near(self, real: Tensor, rng: torch.Generator) -> Tensor:
        return real.detach()

    def cost(self, slopes: Tensor) -> Tensor:
        return slopes.flatten(1).square().sum(1).mean() / 2

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class LateWithoutGradient(LateSlopes):
    """Whose slopes are cut off."""

    def slopes(self, discriminator: Any, x: Tensor) -> Tensor:
        return super().slopes(discriminator, x).detach()


class VeryLate(LateSlopes):
    """Longer than anybody would wait."""

    waits = 1000


class EverySecond(LateSlopes):
    """In its second update, its fourth and so on."""

    waits = 1

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        if self.updates % 2 == 0:
            self.updates += 1
            return real.new_zeros(())
        return super().__call__(discriminator, real, fake, rng)


class LateSum(LateSlopes):
    """Summed over the batch."""

    def cost(self, slopes: Tensor) -> Tensor:
        return slopes.square().sum() / 2


class OtherThanDeclared(LateSlopes):
    """Twice what it says."""

    def cost(self, slopes: Tensor) -> Tensor:
        return 2 * super().cost(slopes)


class LateDraws(LateSlopes):
    """Draws from torch's own stream, at first not."""

    def near(self, real: Tensor, rng: torch.Generator) -> Tensor:
        return real.detach() + 0.1 * torch.randn_like(real)


class LateAttached(LateSlopes):
    """Reaches into the real samples."""

    def near(self, real: Tensor, rng: torch.Generator) -> Tensor:
        return real + 0.0


WRONG: list[tuple[type[Penalty], str, str]] = [
    (LateWithoutGradient, "double-backward", "the penalty has no gradient by the discriminator's weights"),
    (LateSum, "batch-size", "it depends on the batch size"),
    (LateSum, "closed-form", "a run would not train what it says"),
    (OtherThanDeclared, "closed-form", "a run would not train what it says"),
    (LateDraws, "repeatable", "it draws from torch's own random stream"),
    (LateAttached, "detached", "the penalty's gradient flows into the real samples"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[f"{one.__name__}-{name}" for one, name, _ in WRONG])
def test_a_wrong_one_is_caught_by_name(penalty: type[Penalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [LateSlopes, EverySecond, VeryLate])
def test_a_right_one_passes(penalty: type[Penalty]) -> None:
    assert failed(check(penalty)) == {}


def test_what_cannot_be_said_of_a_very_late_one_is_skipped_with_the_reason() -> None:
    for late in (LateSlopes, EverySecond):
        assert [outcome_of(name, late).status for name in ("closed-form", "double-backward")] == ["ok", "ok"]
    assert "it has no term in its first update" in outcome_of("closed-form", VeryLate).message
    assert outcome_of("double-backward", VeryLate).message.startswith("it is 0 in its first 20 updates; check it with")


class LateOnTheGenerator(GeneratorPenalty):
    """How large samples are, from the third update on."""

    def __init__(self) -> None:
        self.updates = 0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        return self.cost(fake.flatten(1).square().sum(1)) if self.updates > 2 else fake.new_zeros(())

    def cost(self, sizes: Tensor) -> Tensor:
        return sizes.mean()

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class LateSumOnTheGenerator(LateOnTheGenerator):
    """Summed over the batch."""

    def cost(self, sizes: Tensor) -> Tensor:
        return sizes.sum()


class LateDrawsOnTheGenerator(LateOnTheGenerator):
    """Draws from torch's own stream, at first not."""

    def cost(self, sizes: Tensor) -> Tensor:
        return (sizes * torch.rand_like(sizes)).mean()


def test_so_it_is_with_those_on_the_generator() -> None:
    assert failed(check(LateOnTheGenerator)) == {}
    assert_caught(LateSumOnTheGenerator, "reduction", "it is summed over samples")
    assert_caught(LateDrawsOnTheGenerator, "repeatable", "it draws from torch's own random stream")
