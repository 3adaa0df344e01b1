"""A loss is held to the formula it declares and to what the field calls by its name."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.losses import Margin, Right, Squares


class HalfOnTheDiscriminator(Squares):
    """The half is missing in the generator's objective."""

    factors = (0.5, 0.5, 1.0)


class HalfOnTheGenerator(Squares):
    """The half is missing in the discriminator's objective."""

    factors = (1.0, 1.0, 0.5)


class HalfOnReal(Squares):
    """The half is missing on fakes."""

    factors = (0.5, 1.0, 0.5)


class HalfMissing(Squares):
    """No half anywhere, against the formula."""

    formula = ("(r - 1)^2 / 2 + f^2 / 2", "(f - 1)^2 / 2")
    factors = (1.0, 1.0, 1.0)


class Minimax(Right):
    """Calls itself minimax and does not saturate."""

    formula = ("", "")


class SaysMinimax(Right):
    """Declares the saturating objective and computes the other."""

    formula = ("softplus(-r) + softplus(f)", "-softplus(f)")


class OneText(Right):
    """Declares the discriminator's objective alone, and forgot the comma."""

    formula = "softplus(-r) + softplus(f)"  # type: ignore[assignment]


class Epsilon(Right):
    """Saturates where the discriminator is sure."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -(torch.sigmoid(fake) + 1e-8).log().mean()


class SquaredMargin(Margin):
    """Its margin is squared, which nothing shows at 1."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(self.margin**2 - real).mean() + relu(self.margin**2 + fake).mean()


class StandingMargin(Margin):
    """Computes with its margin, and declares the formula of the usual one."""

    formula = ("relu(margin - r) + relu(1 + f)", "-f")


class Sharp(Loss):
    """Cross-entropy of sharpened outputs, whose formula cannot be computed as it stands if they are any sharper."""

    formula = ("-log(sigmoid(beta * r)) - log(sigmoid(-beta * f))", "-log(sigmoid(beta * f))")

    def __init__(self, beta: float = 10.0) -> None:
        self.beta = beta

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-self.beta * real).mean() + softplus(self.beta * fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-self.beta * fake).mean()


class SharpSquared(Sharp):
    """Its sharpness is squared where it is not the usual one."""

    def __init__(self, beta: float = 10.0) -> None:
        self.beta = beta if beta == 10.0 else beta**2


WRONG: list[tuple[type[Loss], str, str]] = [
    (HalfOnTheDiscriminator, "least-squares", "a 1/2 is present on one side only"),
    (HalfOnTheGenerator, "least-squares", "a 1/2 is present on one side only"),
    (HalfOnReal, "least-squares", "0.5 in the discriminator's on real, 1 in the discriminator's on fake"),
    (HalfMissing, "formula", "(2 times it)"),
    (Minimax, "convention", "is not a minimax game"),
    (SaysMinimax, "formula", "the declared '-softplus(f)' gives"),
    (OneText, "formula", "formula is 'softplus(-r) + softplus(f)', but must be two texts"),
    (SquaredMargin, "formula", "the declared 'relu(margin - r) + relu(margin + f)' with margin = 0.5 gives"),
    (StandingMargin, "formula", "the declared 'relu(margin - r) + relu(1 + f)' with margin = 0.5 gives"),
    (SharpSquared, "formula", "with beta = 5 gives"),
    (Epsilon, "formula", "an epsilon inside a logarithm makes a loss saturate"),
]


@pytest.mark.parametrize(("loss", "name", "words"), WRONG, ids=[loss.__name__ for loss, _, _ in WRONG])
def test_a_wrong_loss_is_caught_by_name(loss: type[Loss], name: str, words: str) -> None:
    assert_caught(loss, name, words)


def test_a_formula_is_held_at_the_parameters_that_are_given() -> None:
    assert outcome_of("formula", Margin, parameters={"margin": 0.3}).status == "ok"


def test_a_formula_that_other_parameters_make_too_large_to_compute_is_held_where_it_can_be() -> None:
    assert outcome_of("formula", Sharp).status == "ok"


def test_a_name_of_the_field_is_held_to_its_meaning() -> None:
    words = "what the field calls 'hinge', 'relu(1 - r) + relu(1 + f)'"
    assert_caught(Squares, "convention", words, name="hinge")


class RelativisticAverage(Loss):
    """Each output against the mean of the other side, with a factor for each player."""

    needs_real = True
    factors: ClassVar[tuple[float, float]] = (1.0, 1.0)

    def gaps(self, high: Tensor, low: Tensor) -> Tensor:
        return softplus(low.mean() - high).mean() + softplus(low - high.mean()).mean()

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.factors[0] * self.gaps(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return self.factors[1] * self.gaps(fake, real)


@pytest.mark.parametrize("factors", [(1.0, 1.0), (0.5, 0.5)])
def test_relativistic_averages_have_the_factor_of_the_paper_or_that_of_its_code(factors: tuple[float, float]) -> None:
    loss = type("RaGAN", (RelativisticAverage,), {"__doc__": "Either.", "factors": factors})
    assert outcome_of("convention", loss, name="ragan").status == "ok"


@pytest.mark.parametrize(("factors", "words"), [((1.0, 0.5), "0.5 times it"), ((2.0, 2.0), "2 times it")])
def test_any_other_factor_is_another_loss(factors: tuple[float, float], words: str) -> None:
    loss = type("RaGAN", (RelativisticAverage,), {"__doc__": "Neither.", "factors": factors})
    assert_caught(loss, "convention", "what the field calls 'ragan', 'softplus(", name="ragan")
    assert_caught(loss, "convention", words, name="ragan")


class SquaresOfSigmoid(Loss):
    """Least squares on probabilities, as the large-scale studies have it."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (0.5 * (real.sigmoid() - 1) ** 2).mean() + (0.5 * fake.sigmoid() ** 2).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (0.5 * (fake.sigmoid() - 1) ** 2).mean()


def test_squares_of_the_sigmoid_are_another_loss_than_lsgan() -> None:
    assert_caught(SquaresOfSigmoid, "convention", "what the field calls 'lsgan'", name="lsgan")
    assert failed(check(SquaresOfSigmoid, name="lsgan-sigmoid")) == {}


def test_without_a_formula_the_report_says_that_none_is_held() -> None:
    outcome = outcome_of("formula", Squares)
    assert outcome.status == "skipped"
    assert "declare one" in outcome.message
