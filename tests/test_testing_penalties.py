"""Penalties that are wrong on purpose: each is caught, in words that name the mistake."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of


class Right(Penalty):
    """The two-sided gradient penalty; the wrong ones below replace one of its steps."""

    formula = "10 * mean((||grad D(x)|| - 1)^2), x between real and fake"

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        position = torch.rand(len(real), *[1] * (real.dim() - 1), generator=rng, device=real.device, dtype=real.dtype)
        return (fake + position * (real - fake)).detach().requires_grad_(True)

    def slopes(self, discriminator: Any, x: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return found

    def norms(self, slopes: Tensor) -> Tensor:
        found: Tensor = slopes.flatten(1).norm(dim=1)
        return found

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        norms = self.norms(self.slopes(discriminator, self.points(real, fake, rng)))
        return 10 * (norms - 1).square().mean()


class OverTheBatch(Right):
    """The norm of the whole batch's gradient."""

    def norms(self, slopes: Tensor) -> Tensor:
        found: Tensor = slopes.norm()
        return found


class PerPixel(Right):
    """The norm over channels only."""

    def norms(self, slopes: Tensor) -> Tensor:
        found: Tensor = slopes.norm(dim=1)
        return found


class PerRow(Right):
    """The norm over columns only."""

    def norms(self, slopes: Tensor) -> Tensor:
        found: Tensor = slopes.norm(dim=-1)
        return found


class OnePosition(Right):
    """One position for the whole batch."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        position = torch.rand((), generator=rng, dtype=real.dtype)
        return (fake + position * (real - fake)).detach().requires_grad_(True)


class PositionPerPixel(Right):
    """A position for each pixel."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        position = torch.rand(real.shape, generator=rng, dtype=real.dtype)
        return (fake + position * (real - fake)).detach().requires_grad_(True)


class OnePositionOfPoints(OnePosition):
    """One position for the whole batch of points."""

    kinds = ("vector",)


class FixedPosition(Right):
    """The same positions at every step."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().points(real, fake, torch.Generator().manual_seed(0))


class Attached(Right):
    """The fake batch is not detached."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        position = torch.rand(len(real), *[1] * (real.dim() - 1), generator=rng, dtype=real.dtype)
        x = fake + position * (real.detach() - fake)
        return x if x.requires_grad else x.requires_grad_(True)


class OwnStep(Right):
    """An optimiser step of its own instead of a term of the loss."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        value = super().__call__(discriminator, real, fake, rng)
        if isinstance(discriminator, nn.Module) and value.requires_grad:
            optimiser = torch.optim.SGD(discriminator.parameters(), lr=0.1)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            optimiser.zero_grad()
        return torch.zeros(())


class OwnBackward(Right):
    """A backward of its own."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        value = super().__call__(discriminator, real, fake, rng)
        if value.requires_grad:
            value.backward(retain_graph=True)
        return value


class FirstOrder(Right):
    """No second differentiation."""

    def slopes(self, discriminator: Any, x: Tensor) -> Tensor:
        (found,) = torch.autograd.grad(discriminator(x).sum(), x)
        return found


class PartlyDetached(Right):
    """A factor without a gradient."""

    formula = ""

    def norms(self, slopes: Tensor) -> Tensor:
        norms: Tensor = slopes.flatten(1).norm(dim=1)
        return norms * norms.detach()


class MeanOfSquares(Penalty):
    """R1 with the mean over a sample's numbers in place of their sum."""

    formula = "1/2 * mean(||grad D(x)||^2), x real"

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = real.detach().requires_grad_(True)
        (found,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return found.square().mean() / 2


class WrongFactor(Right):
    """Half of what it says."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return 0.5 * super().__call__(discriminator, real, fake, rng)


class OneSided(Right):
    """One-sided, and says two."""

    def norms(self, slopes: Tensor) -> Tensor:
        return super().norms(slopes).clamp(min=1)


class RootOfSquares(Right):
    """A root without a derivative at zero."""

    def norms(self, slopes: Tensor) -> Tensor:
        return slopes.flatten(1).square().sum(1).sqrt()


class Unreduced(Right):
    """No mean."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return (self.norms(self.slopes(discriminator, self.points(real, fake, rng))) - 1).square()


class Freezes(Right):
    """Leaves the discriminator in eval mode."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        if isinstance(discriminator, nn.Module):
            discriminator.eval()
        return super().__call__(discriminator, real, fake, rng)


class InPlace(Right):
    """Switches on gradients of what it is given."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return real.requires_grad_(True)


class GlobalStream(Right):
    """Draws from torch's own stream."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        position = torch.rand(len(real), *[1] * (real.dim() - 1), dtype=real.dtype)
        return (fake + position * (real - fake)).detach().requires_grad_(True)


class WrongSignature(Right):
    """Knows no stream."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor) -> Tensor:  # type: ignore[override]
        return torch.zeros(())


class Nothing(Penalty):
    """Neither a term nor a projection."""

    differentiable = False


class Replaces(Penalty):
    """Puts new parameters in place of the old ones."""

    constrains, differentiable, double_backward = "weights", False, False

    def project(self, discriminator: nn.Module) -> None:
        for module in discriminator.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(parameter.detach().clamp(-0.1, 0.1)))


class Shrinks(Penalty):
    """Halves the weights at every call."""

    constrains, differentiable, double_backward = "weights", False, False

    @torch.no_grad()
    def project(self, discriminator: nn.Module) -> None:
        for parameter in discriminator.parameters():
            parameter.mul_(0.5)


class Perturbed(Right):
    """DRAGAN's points: around real samples, not between real and fake."""

    def points(self, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        noise = torch.rand(real.shape, generator=rng, device=real.device, dtype=real.dtype)
        return (real + 0.5 * real.std() * noise).detach().requires_grad_(True)


class OnOutputs(Penalty):
    """A term on the raw outputs, without any gradient by the samples."""

    constrains, double_backward = "outputs", False
    formula = "mean(D(real)^2) / 100"

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        outputs: Tensor = discriminator(real.detach())
        return outputs.square().mean() / 100


WRONG: list[tuple[type[Penalty], str, str]] = [
    (OverTheBatch, "batch-size", "it takes the norm over the whole batch, not per sample"),
    (OverTheBatch, "neighbours", "depend on which others are in its batch"),
    (PerPixel, "all-dimensions", "not taken over all dimensions of a sample"),
    (PerRow, "all-dimensions", "not taken over all dimensions of a sample"),
    (OnePosition, "positions", "share one position between real and fake"),
    (OnePositionOfPoints, "positions", "share one position between real and fake"),
    (PositionPerPixel, "positions", "differs within one sample"),
    (FixedPosition, "positions", "the same at every step"),
    (Attached, "detached", "the fake batch is not detached"),
    (OwnStep, "undisturbed", "takes an optimiser step of its own"),
    (OwnStep, "double-backward", "an optimiser step of its own"),
    (OwnBackward, "undisturbed", "a backward() of its own"),
    (FirstOrder, "double-backward", "create_graph=True is missing"),
    (PartlyDetached, "double-backward", "part of it is detached"),
    (WrongFactor, "closed-form", "the declared '10 * mean((||grad D(x)|| - 1)^2), x between real and fake' gives"),
    (MeanOfSquares, "closed-form", "the declared '1/2 * mean(||grad D(x)||^2), x real' gives"),
    (OneSided, "closed-form", "on a critic of slope 0.3 it is 0 "),
    (RootOfSquares, "flat-critic", "NaN or infinite where the critic's gradient is 0"),
    (Unreduced, "scalar", "not a scalar"),
    (Freezes, "undisturbed", "leaves it in eval mode"),
    (InPlace, "undisturbed", "switches on gradients of the samples"),
    (GlobalStream, "repeatable", "torch's own random stream"),
    (WrongSignature, "scalar", "positional argument"),
    (Nothing, "projection", "it would have no effect"),
    (Replaces, "projection", "the optimiser would continue with the old ones"),
    (Shrinks, "projection", "they would drift with n_critic"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[f"{one.__name__}-{name}" for one, name, _ in WRONG])
def test_a_wrong_penalty_is_caught_by_name(penalty: type[Penalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Right, Perturbed, OnOutputs])
def test_a_right_penalty_passes(penalty: type[Penalty]) -> None:
    assert failed(check(penalty)) == {}


def test_points_around_real_samples_are_not_taken_for_points_between() -> None:
    assert outcome_of("positions", Perturbed).status == "skipped"
    assert outcome_of("closed-form", Perturbed).status == "ok"
