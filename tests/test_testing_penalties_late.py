"""Penalties that begin late, as one that counts its updates can: they are looked at when they act."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import FeaturePenalty, GeneratorPenalty, Penalty
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


class LateOnFeatures(FeaturePenalty):
    """Matches mean features from the third update on."""

    def __init__(self) -> None:
        self.updates = 0

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        self.updates += 1
        return self.cost(real, fake) if self.updates > 2 else 0 * fake.mean()

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real.mean(0) - fake.mean(0)).square().mean()

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class LateInPlace(LateOnFeatures):
    """Centres the real samples' features where they are, at first not."""

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().cost(real.sub_(real.mean(0)), fake)


class LateSwitchingOn(LateOnFeatures):
    """Lets the features it is given require gradients, at first not."""

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().cost(real.requires_grad_(), fake)


class LateDrawsOnFeatures(LateOnFeatures):
    """Draws from torch's own stream, at first not."""

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().cost(real, fake * torch.rand_like(fake))


class LateChance(LateOnFeatures):
    """Draws from nowhere that can be repeated, at first not."""

    count = 0

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        type(self).count += 1
        return super().cost(real, fake) * (1 + self.count % 7)


class LateOnTheHost(LateOnFeatures):
    """Makes a tensor on the CPU, at first not."""

    def cost(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().cost(real, fake * torch.ones(fake.shape[1]))


def test_so_it_is_with_those_on_features() -> None:
    assert failed(check(LateOnFeatures)) == {}
    assert_caught(LateInPlace, "undisturbed", "it changes the features it is given in place")
    assert_caught(LateSwitchingOn, "undisturbed", "it switches on gradients of the real samples' features")
    assert_caught(LateDrawsOnFeatures, "deterministic", "it draws from torch's own random stream or seeds it")
    assert_caught(LateChance, "deterministic", "the same features give another value when it is called again")
    assert_caught(LateOnTheHost, "devices", "a tensor that it makes stays on the CPU; make it with device=fake.device")
