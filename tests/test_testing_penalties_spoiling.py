"""Penalties that spoil what they are given: weights, samples, or the digits of their own value."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from tests.kit import assert_caught, outcome_of


class Outputs(Penalty):
    """A term on the raw outputs, with which nothing is wrong."""

    constrains, double_backward = "outputs", False

    def of(self, outputs: Tensor) -> Tensor:
        return outputs.square().mean()

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.of(discriminator(real.detach()))


class Cancels(Outputs):
    """Adds a large number and takes it away again."""

    def of(self, outputs: Tensor) -> Tensor:
        return super().of((outputs + 1000) - 1000)


class Overflows(Outputs):
    """Too large for what computes with few bits."""

    def of(self, outputs: Tensor) -> Tensor:
        value = super().of(outputs)
        return value if outputs.dtype != torch.bfloat16 else value * math.inf


class NotANumber(Outputs):
    """Undefined for a batch of one."""

    def of(self, outputs: Tensor) -> Tensor:
        return (outputs - outputs.mean()).square().sum() / (len(outputs) - 1)


class Shifts(Outputs):
    """Changes the fakes it is given."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        with torch.no_grad():
            fake.add_(1)
        return super().__call__(discriminator, real, fake, rng)


class IntoReal(Outputs):
    """Real samples get a gradient."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.of(discriminator(real))


class SeedsTorch(Outputs):
    """Seeds torch's own stream, always to the same state."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        torch.manual_seed(0)
        return super().__call__(discriminator, real, fake, rng)


class SeedsItsStream(Outputs):
    """Draws at every step what it has drawn in the first."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        rng.manual_seed(0)
        near = real + 0.1 * torch.randn(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        return super().__call__(discriminator, near, fake, rng)


class SeedsItsStreamAfterwards(Outputs):
    """Draws other numbers in the first step alone."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        near = real + 0.1 * torch.randn(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        rng.manual_seed(0)
        return super().__call__(discriminator, near, fake, rng)


class SetsItsStreamBack(Outputs):
    """Leaves the stream as it was before it has drawn from it."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        state = rng.get_state()
        near = real + 0.1 * torch.randn(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        rng.set_state(state)
        return super().__call__(discriminator, near, fake, rng)


class DrawsFromACopy(Outputs):
    """Draws from a copy of its stream."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        noise = torch.randn(real.shape, generator=rng.clone_state(), device=real.device, dtype=real.dtype)
        return super().__call__(discriminator, real + 0.1 * noise, fake, rng)


class DrawsTheSameTwice(Outputs):
    """Moves real samples and fakes by the same noise, and draws on from there; nothing is wrong with it."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        state = rng.get_state()
        near = real + 0.1 * torch.randn(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        rng.set_state(state)
        made = fake + 0.1 * torch.randn(fake.shape, generator=rng, device=fake.device, dtype=fake.dtype)
        value: Tensor = (discriminator(near.detach()) - discriminator(made.detach())).square().mean()
        return value


class Projects(Penalty):
    """No term of the loss; the wrong ones differ in what they do to weights."""

    differentiable = False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return torch.zeros(())

    def project(self, discriminator: nn.Module) -> None:
        with torch.no_grad():
            for weight in discriminator.parameters():
                self.change(weight)

    def change(self, weight: Tensor) -> None:
        weight.clamp_(-0.1, 0.1)


class DividesByZero(Projects):
    def change(self, weight: Tensor) -> None:
        weight.div_(weight - weight)


class FreezesWeights(Projects):
    def change(self, weight: Tensor) -> None:
        weight.requires_grad_(False)


WRONG: list[tuple[type[Penalty], str, str]] = [
    (Cancels, "half-precision", "in float32; it loses its digits there"),
    (Overflows, "half-precision", "precision=bfloat16 would end as diverged"),
    (NotANumber, "scalar", "it is nan on 1 samples of shape (3,); a trial would end as diverged"),
    (Shifts, "undisturbed", "it changes the samples it is given in place"),
    (SeedsTorch, "repeatable", "it draws from torch's own random stream or seeds it"),
    (SeedsItsStream, "repeatable", "it seeds the random stream that it is given"),
    (SeedsItsStreamAfterwards, "repeatable", "it seeds the random stream that it is given"),
    (SetsItsStreamBack, "repeatable", "it draws from the random stream that it is given and sets it back"),
    (DrawsFromACopy, "repeatable", "it draws from the random stream that it is given and sets it back"),
    (IntoReal, "detached", "the penalty's gradient flows into the real samples"),
    (DividesByZero, "projection", "project() makes weights NaN or infinite"),
    (FreezesWeights, "projection", "project() freezes parameters"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_penalty_is_caught_by_name(penalty: type[Penalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Outputs, DrawsTheSameTwice])
def test_one_that_draws_nothing_or_the_same_twice_uses_its_stream_as_it_should(penalty: type[Penalty]) -> None:
    assert outcome_of("repeatable", penalty).status == "ok"
