"""A parameter that does nothing is named, whatever the kind, and what cannot be tried is left alone."""

from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Augmentation, Networks, Penalty
from ganbench.testing import check, checks_of
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.architectures import Right as RightNetworks
from tests.kit.components import RightMetric
from tests.kit.losses import Margin, Right

outcome = partial(outcome_of, "used-parameters")


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


class Unswitched(Right):
    """A switch that switches nothing."""

    def __init__(self, halved: bool = False) -> None:
        self.halved = halved


class Weightless(Penalty):
    """Squared outputs, without the weight that it takes."""

    constrains, double_backward = "outputs", False

    def __init__(self, gamma: float = 10.0) -> None:
        self.gamma = gamma

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        found: Tensor = discriminator(real.detach()).square().mean()
        return found


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
        (Unswitched, "halved changes nothing (halved = false, true)"),
        (Weightless, "gamma changes nothing (gamma = 10, 5, 20, "),
        (Mirror, "p changes nothing"),
        (OneWidth, "width changes nothing (width = 64, 1, 2, "),
        (Neighbourless, "nearest changes nothing"),
    ],
)
def test_a_parameter_that_does_nothing_is_named(component: type, words: str) -> None:
    assert_caught(component, "used-parameters", words)


def test_a_truth_value_has_no_third_value_to_be_named() -> None:
    assert "other_values" not in outcome(Unswitched).message


def test_values_that_are_refused_are_not_said_to_have_been_tried() -> None:
    assert "-1" not in outcome(Forgotten).message


def test_it_is_one_of_the_checks() -> None:
    words = "two rows of a table would differ by name and be one and the same trial"
    assert words in failed(check(Forgotten))["used-parameters"]


class Guarded(Right):
    """A bound that nobody would guess."""

    def __init__(self, guard: float = 1e30) -> None:
        self.guard = guard

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real, fake) + float(self.guard == 77)


def test_an_author_may_name_a_value_that_acts() -> None:
    assert_caught(Guarded, "used-parameters", "expected = {'other_values': {'guard': ...}}")
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
    assert_caught(Restless, "used-parameters", "seed changes nothing")


class Failing(Margin):
    """Uses its margin where it fails."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        raise RuntimeError(f"no margin of {self.margin}")


class FailingNetworks(OneWidth):
    """Networks that fail at work, whose weights can be seen all the same."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        networks = super().build(shape, latent_dim)
        networks.generator.register_forward_pre_hook(self._fail)
        return networks

    def _fail(self, *_: Any) -> None:
        raise RuntimeError(f"no width of {self.width}")


@pytest.mark.parametrize(("component", "why"), [(Failing, "no margin of 1.0"), (FailingNetworks, "no width of 64")])
def test_of_what_fails_it_is_not_said_that_a_parameter_does_nothing(component: type, why: str) -> None:
    found = outcome(component)
    assert found.status == "failed"
    assert found.message.startswith(f"raises RuntimeError: {why}")


def test_what_has_no_such_parameters_is_left_out() -> None:
    assert outcome(Right).message == "no parameter of it is a number or a truth value"
    assert "used-parameters" not in {one.name for one in checks_of("dataset")}
