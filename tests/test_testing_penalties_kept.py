"""Penalties on outputs, or with memory, that are wrong: each is caught, in words that name the mistake."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed


class Right(Penalty):
    """Outputs kept near their moving average."""

    constrains, double_backward, of_outputs = "outputs", False, True
    formula = "mean((r - a)^2) + mean(f^2), a the moving average of r"

    def __init__(self) -> None:
        self.average: Any = torch.zeros(())

    def reduced(self, distances: Tensor) -> Tensor:
        return distances.mean()

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        value = self.reduced((real - self.average).square()) + self.reduced(fake.square())
        self.average = 0.9 * self.average + 0.1 * real.detach().mean()
        return value

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.on_outputs(discriminator(real.detach()), discriminator(fake.detach()))

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.average = state["average"]


class Plain(Right):
    """As a number and text."""

    def state_dict(self) -> dict[str, Any]:
        return {"average": [float(self.average)], "of": "real"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.average = torch.tensor(state["average"][0])


class Upcasts(Right):
    """Computes in float32 whatever it gets."""

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_outputs(real.float(), fake.float())


class Late(Right):
    """Adds nothing at first."""

    updates = 0

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        self.updates += 1
        return super().on_outputs(real, fake) * (self.updates > 1000)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.updates = state["updates"]


class Missing(Penalty):
    """Is said to be of outputs, and called with samples alone."""

    constrains, double_backward, of_outputs = "outputs", False, True

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        outputs: Tensor = discriminator(real.detach())
        return outputs.square().mean()


class OtherSign(Right):
    """Right where samples are given, and the other sign on outputs."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return -super().__call__(discriminator, real, fake, rng)


class Paid(Right):
    """The other sign in both ways."""

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        return -super().on_outputs(real, fake)


class Summed(Right):
    """A sum over the batch."""

    def reduced(self, distances: Tensor) -> Tensor:
        return distances.sum()


class Norm(Right):
    """The norm of a batch."""

    def reduced(self, distances: Tensor) -> Tensor:
        return distances.sum().sqrt()


class SummedOnOutputs(Right):
    """A sum over the batch, and a mean where samples are given."""

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_outputs(real, fake) * len(real)

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(discriminator, real, fake, rng) / len(real)


class UnreducedOnOutputs(Right):
    """No mean, and one where samples are given."""

    def reduced(self, distances: Tensor) -> Tensor:
        return distances

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(discriminator, real, fake, rng).mean()


class DetachedOnOutputs(Right):
    """Outputs cut off."""

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_outputs(real.detach(), fake.detach())


class SummedOfSamples(Penalty):
    """A sum over the batch, called with samples."""

    constrains, double_backward = "outputs", False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        outputs: Tensor = discriminator(
            real.detach() + torch.randn(real.shape, generator=rng, device=real.device).to(real)
        )
        return outputs.square().sum()


class MeanOfSamples(SummedOfSamples):
    """The same with a mean, and noise."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(discriminator, real, fake, rng) / len(real)


class LoadsNothing(Right):
    """Its state is not taken up."""

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class NoState(Right):
    """It remembers, and does not say what."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class HoldsItself(Right):
    """An object, which no checkpoint may hold."""

    def state_dict(self) -> dict[str, Any]:
        return {"m": self}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.average = state["m"].average


class OtherKey(Right):
    """Looks for what it did not store."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.average = state["mean"]


class NoDictionary(Right):
    """A state as a list."""

    def state_dict(self) -> Any:
        return [self.average]


class Attached(Right):
    """Remembers a tensor with the graph that it came from."""

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        value = super().on_outputs(real, fake)
        self.average = self.average + 0.1 * (real.mean() - real.detach().mean())
        return value


class CountsProjections(Penalty):
    """Clips ever less, and forgets how far it was."""

    constrains, differentiable, double_backward = "weights", False, False
    calls = 0

    @torch.no_grad()
    def project(self, discriminator: nn.Module) -> None:
        self.calls += 1
        for parameter in discriminator.parameters():
            parameter.clamp_(-1 / self.calls, 1 / self.calls)


WRONG: list[tuple[type[Penalty], str, str]] = [
    (Missing, "on-outputs", "on_outputs() is not implemented"),
    (OtherSign, "on-outputs", "the training loop uses the first"),
    (Paid, "on-outputs", "its sign is wrong"),
    (Summed, "reduction", "is summed over the batch"),
    (Summed, "on-outputs", "is summed over the batch"),
    (Norm, "reduction", "depends on the batch size"),
    (SummedOnOutputs, "on-outputs", "is summed over the batch"),
    (
        UnreducedOnOutputs,
        "on-outputs",
        "not a scalar tensor; the first discriminator update would fail in backward(); use .mean()",
    ),
    (DetachedOnOutputs, "on-outputs", "has no gradient by the outputs"),
    (SummedOfSamples, "reduction", "is summed over the batch"),
    (LoadsNothing, "memory", "differs from what was loaded"),
    (NoState, "memory", "it remembers something that its state_dict() does not contain"),
    (HoldsItself, "memory", "contains what a checkpoint cannot"),
    (OtherKey, "memory", "load_state_dict() fails on what state_dict() returned (KeyError: 'mean')"),
    (NoDictionary, "memory", "returns list, not a dictionary"),
    (Attached, "memory", "the backward pass of its update 2 goes back into an update before"),
    (CountsProjections, "memory", "project() gives other weights"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[f"{one.__name__}-{name}" for one, name, _ in WRONG])
def test_a_wrong_penalty_is_caught_by_name(penalty: type[Penalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Right, Plain, Upcasts, MeanOfSamples])
def test_a_right_penalty_passes(penalty: type[Penalty]) -> None:
    assert failed(check(penalty)) == {}


def test_nothing_is_said_of_what_counts_later() -> None:
    assert not {"on-outputs", "reduction", "memory"} & failed(check(Late)).keys()
