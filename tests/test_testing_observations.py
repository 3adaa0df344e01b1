"""What a parameter does is seen, be it at some inputs only, late, or beside another parameter."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Evidence, Networks, Penalty
from tests.kit import outcome_of
from tests.kit.architectures import Right as RightNetworks
from tests.kit.components import RightMetric
from tests.kit.losses import Margin, Right

outcome = partial(outcome_of, "used-parameters")


class Bound(Right):
    """Outputs are held below a bound that few are beyond."""

    formula = ("", "")

    def __init__(self, bound: float = 40.0) -> None:
        if bound < 30:
            raise ValueError("at least 30")
        self.bound = bound

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real.clamp(max=self.bound), fake)


class Switched(Margin):
    """A margin that is used where it is switched on."""

    def __init__(self, wide: bool = False, margin: float = 1.0) -> None:
        super().__init__(margin if wide else 1.0)


class Named(Margin):
    """A margin that is used under one of two names."""

    def __init__(self, style: str = "fixed", margin: float = 1.0) -> None:
        if style not in ("fixed", "free"):
            raise ValueError(f"style must be one of fixed, free, not {style!r}")
        super().__init__(margin if style == "free" else 1.0)


class Late(Penalty):
    """Squared outputs, after some updates."""

    constrains, double_backward = "outputs", False

    def __init__(self, start: int = 100) -> None:
        if start < 2:
            raise ValueError("at least 2")
        self.start, self.updates = start, 0

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        found: Tensor = (self.updates > self.start) * discriminator(real.detach()).square().mean()
        return found


class Clip(Penalty):
    """A bound beyond all ordinary weights."""

    constrains, differentiable, double_backward = "weights", False, False

    def __init__(self, clip: float = 20.0) -> None:
        if clip < 10:
            raise ValueError("at least 10")
        self.clip = clip

    @torch.no_grad()
    def project(self, discriminator: nn.Module) -> None:
        for parameter in discriminator.parameters():
            parameter.clamp_(-self.clip, self.clip)


class Carrying(Right):
    """What it takes is for the penalty that it carries."""

    def __init__(self, clip: float = 20.0) -> None:
        self.penalty = Clip(clip)


class Dropping(RightNetworks):
    """Dropout, of which neither weights nor shapes tell."""

    def __init__(self, p: float = 0.0) -> None:
        self.p = p

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(nn.Dropout(self.p), super().discriminator(shape))


class LargeOnly(Architecture):
    """A width that is reached at the larger of two sizes."""

    sizes, power_of_two = (8, 16), True

    def __init__(self, most: int = 200) -> None:
        if most < 100:
            raise ValueError("at least 100")
        self.most = most

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        inner = min(shape[-1] ** 2, self.most)
        size = shape[0] * shape[1] * shape[2]
        generator = nn.Sequential(nn.Linear(latent_dim, inner), nn.Linear(inner, size), nn.Unflatten(1, shape))
        return Networks(generator, nn.Sequential(nn.Flatten(), nn.Linear(size, 1), nn.Flatten(0)))


class Asking(RightMetric):
    """It asks for a number of samples."""

    def __init__(self, least: int = 500) -> None:
        self.least = least

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        return "too few" if min(fakes, reference) < self.least else None


class Far(RightMetric):
    """The share of features beyond a distance, where no good samples are."""

    def __init__(self, beyond: float = 9.0) -> None:
        if beyond < 9:
            raise ValueError("at least 9")
        self.beyond = beyond

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        return {"gap": float((fake.features > self.beyond).double().mean())}


@pytest.mark.parametrize(
    "component",
    [Margin, Bound, Switched, Named, Late, Clip, Carrying, Dropping, LargeOnly, Asking, Far],
)
def test_a_parameter_that_acts_somewhere_is_used(component: type) -> None:
    found = outcome(component)
    assert (found.status, found.message) == ("ok", "")
