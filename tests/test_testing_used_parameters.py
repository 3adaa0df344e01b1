"""A parameter that does nothing is named, whatever the kind; one that acts only here or there is not."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Augmentation, Evidence, Networks, Penalty
from ganbench.testing import Outcome, check, checks_of
from ganbench.testing.kit import judge, subject_of
from tests.kit import assert_caught
from tests.kit.architectures import Right as RightNetworks
from tests.kit.components import RightMetric
from tests.kit.losses import Margin, Right

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


def outcome(component: Any, **options: Any) -> Outcome:
    subject = subject_of(component, **options)
    (one,) = (one for one in checks_of(subject.kind) if one.name == "used-parameters")
    return judge(one, subject)


class Forgotten(Right):
    """A margin that is taken, checked and kept, and not used."""

    def __init__(self, margin: float = 1.0) -> None:
        if margin < 0:
            raise ValueError("no margin below 0")
        self.margin = margin


class Both(Margin):
    """One parameter that is used, and two that are not."""

    def __init__(self, margin: float = 1.0, slack: float = 0.0, halved: bool = False) -> None:
        super().__init__(margin)


class Weightless(Penalty):
    """Squared outputs, without the weight that it takes."""

    constrains, double_backward = "outputs", False

    def __init__(self, gamma: float = 10.0) -> None:
        self.gamma = gamma

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return discriminator(real.detach()).square().mean()


class Mirror(Augmentation):
    """A probability that is not asked for."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        draw = torch.rand((len(images), 1, 1, 1), generator=rng, device=images.device)
        return torch.where(draw < 0.5, images.flip(3), images)


class OneWidth(RightNetworks):
    """The width is that of the class."""

    def __init__(self, width: int = 64) -> None:
        self.width = width


class Neighbourless(RightMetric):
    """A number of neighbours of which nothing depends."""

    def __init__(self, nearest: int = 5) -> None:
        self.nearest = nearest


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Forgotten, "margin changes nothing (margin = 1, 0.5, 2, "),
        (Both, "slack and halved change nothing (slack = 0, 1, 0.5, "),
        (Both, "; halved = false, true): "),
        (Weightless, "gamma changes nothing (gamma = 10, 5, 20, "),
        (Mirror, "p changes nothing"),
        (OneWidth, "width changes nothing (width = 64, 1, 2, "),
        (Neighbourless, "nearest changes nothing"),
    ],
)
def test_a_parameter_that_does_nothing_is_named(component: type, words: str) -> None:
    assert_caught([outcome(component)], "used-parameters", words)


def test_values_that_are_refused_are_not_said_to_have_been_tried() -> None:
    assert "-1" not in outcome(Forgotten).message


def test_it_is_one_of_the_checks() -> None:
    assert_caught(check(Forgotten), "used-parameters", "users would compare rows that are one and the same trial")


class Bound(Right):
    """Outputs are held below a bound that few are beyond."""

    formula = ("", "")

    def __init__(self, bound: float = 40.0) -> None:
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


class Late(Weightless):
    """It waits for some updates."""

    def __init__(self, start: int = 100) -> None:
        super().__init__()
        self.start, self.updates = start, 0

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        return (self.updates > self.start) * super().__call__(discriminator, real, fake, rng)


class Clip(Penalty):
    """A bound beyond all ordinary weights."""

    constrains, differentiable, double_backward = "weights", False, False

    def __init__(self, clip: float = 20.0) -> None:
        self.clip = clip

    @torch.no_grad()
    def project(self, discriminator: nn.Module) -> None:
        for parameter in discriminator.parameters():
            parameter.clamp_(-self.clip, self.clip)


class Carrying(Right):
    """What it takes is for the penalty that it carries."""

    def __init__(self, clip: float = 0.01) -> None:
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


class Sure(RightMetric):
    """A quantile that shows in worse samples."""

    def __init__(self, level: float = 0.999) -> None:
        if not 0 < level < 1:
            raise ValueError("level must be between 0 and 1")
        self.level = level

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        return {"gap": float(torch.quantile(fake.features.double(), self.level))}


@pytest.mark.parametrize(
    "component",
    [Margin, Bound, Switched, Named, Late, Clip, Carrying, Dropping, LargeOnly, Asking, Sure],
)
def test_a_parameter_that_acts_somewhere_is_used(component: type) -> None:
    found = outcome(component)
    assert (found.status, found.message) == ("ok", "")


class Guarded(Right):
    """A bound that nobody would guess."""

    def __init__(self, guard: float = 1e30) -> None:
        self.guard = guard

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real, fake) + float(self.guard == 77)


def test_an_author_may_name_a_value_that_acts() -> None:
    assert_caught([outcome(Guarded)], "used-parameters", "expected = {'other_values': {'guard': ...}}")
    assert outcome(Guarded, other_values={"guard": 77.0}).status == "ok"


class Only(Right):
    """Takes one value."""

    def __init__(self, order: int = 2) -> None:
        if order != 2:
            raise ValueError("order must be 2")


class Unready(RightNetworks):
    """Another order is taken, and refused when networks are built."""

    def __init__(self, order: int = 2) -> None:
        self.order = order

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        if self.order != 2:
            raise ValueError("order must be 2")
        return super().build(shape, latent_dim)


@pytest.mark.parametrize("component", [Only, Unready])
def test_a_parameter_of_one_value_is_left_alone(component: type) -> None:
    found = outcome(component)
    assert (found.status, found.message) == ("ok", "no other value of order could be tried")


class Restless(Right):
    """Draws from where nobody looks: nothing of it can be compared."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real, fake) * torch.rand((), generator=STREAM)


STREAM = torch.Generator().manual_seed(0)


def test_chance_is_not_taken_for_an_effect() -> None:
    assert_caught([outcome(Restless)], "used-parameters", "seed changes nothing")


def test_what_has_no_such_parameters_is_left_out() -> None:
    assert outcome(Right).message == "no parameter of it is a number or a truth value"
    assert "used-parameters" not in {one.name for one in checks_of("dataset")}


@pytest.mark.parametrize(
    ("folder", "target", "parameters"),
    [
        ("ganbench-diffaugment", "ganbench_diffaugment.color:Color", {}),
        ("ganbench-diffaugment", "ganbench_diffaugment.cutout:Cutout", {}),
        ("ganbench-r3gan", "ganbench_r3gan.loss:R3GAN", {}),
        ("ganbench-r3gan", "ganbench_r3gan.loss:R1R2", {}),
        ("ganbench-r3gan", "ganbench_r3gan.networks:R3GANNetworks", {"width": 4, "max_width": 8, "group_size": 4}),
        ("ganbench-spiral", "ganbench_spiral.metric:PointCoverage", {}),
    ],
)
def test_the_packages_beside_ganbench_use_theirs(
    folder: str, target: str, parameters: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(PLUGINS / folder)
    module, _, name = target.partition(":")
    try:
        found = outcome(getattr(import_module(module), name), parameters=parameters)
    finally:
        package = module.partition(".")[0]
        for one in [one for one in sys.modules if one.partition(".")[0] == package]:
            del sys.modules[one]
    assert (found.status, found.message) == ("ok", "")
