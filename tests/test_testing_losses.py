"""Losses that are wrong on purpose: each is caught, by the check that is for it, in words that name the mistake."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss, Penalty
from ganbench.testing import Outcome, check


class Right(Loss):
    """The non-saturating loss; every wrong one below differs from it in one place."""

    formula: ClassVar[tuple[str, str]] = ("softplus(-r) + softplus(f)", "softplus(-f)")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake).mean()


class Squares(Loss):
    """Least squares with a factor for each side."""

    factors: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.factors[0] * (real - 1).square().mean() + self.factors[1] * fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return self.factors[2] * (fake - 1).square().mean()


class Pairwise(Loss):
    """Relativistic pairing."""

    formula = ("softplus(-(r - f))", "softplus(-(f - r))")
    needs_real = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return softplus(real - fake).mean()


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


class Epsilon(Right):
    """Saturates where the discriminator is sure."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -(torch.sigmoid(fake) + 1e-8).log().mean()


class LogOfSigmoid(Right):
    """Infinite where the sigmoid rounds to 1."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return -torch.sigmoid(real).log().mean() - (1 - torch.sigmoid(fake)).log().mean()


class EveryPair(Pairwise):
    """(N,) against (N, 1)."""

    formula = ("", "")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake.unsqueeze(1) - real).mean()


class PairsOfColumns(Pairwise):
    """(N,) against (N, 1) as soon as the discriminator returns columns."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake.squeeze() - real).mean()


class Sum(Right):
    """Summed over the batch."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).sum() + softplus(fake).sum()


class Unreduced(Right):
    """No mean."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake)


class Number(Right):
    """A number, not a tensor."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Any:
        return softplus(-fake).mean().item()


class CutOff(Right):
    """Detached."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake.detach()).mean()


class DiscriminatorReversed(Right):
    """Real and fake exchanged."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(real).mean() + softplus(-fake).mean()


class GeneratorReversed(Right):
    """The generator wants to be caught."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(fake).mean()


class BlindToFakes(Right):
    """The discriminator never looks at fakes."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean()


class OneLogit(Right):
    """Looks at the first sample twice."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean() + 0.1 * softplus(fake[0])


class PartlyDetached(Right):
    """A factor that depends on the output and has no gradient."""

    formula = ("", "")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (softplus(-fake) * (1 + torch.sigmoid(fake).detach())).mean()


class Casts(Right):
    """Computes in float32 whatever it gets."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake.float()).mean()


class Cancels(Right):
    """Adds a large number and takes it away again."""

    formula = ("", "")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (softplus(-fake) + 1000).mean() - 1000


class NeedsRealUnsaid(Pairwise):
    """Needs real samples and does not say so."""

    needs_real = False


class NeedsRealInVain(Right):
    """Says that it needs real samples."""

    needs_real = True


class NotSmoothable(Right):
    """Says it is smoothable."""

    smoothable = True


class SmoothsNothing(Right):
    """Takes labels and ignores them."""

    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()


class Noisy(Right):
    """Instance noise on the outputs."""

    formula = ("", "")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake - torch.randn_like(fake)).mean()


class Counts(Right):
    """Changes with every call."""

    formula = ("", "")
    calls = 0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls += 1
        return softplus(-fake).mean() / self.calls


class WrongRecipe(Right):
    """Recommends what no recipe has."""

    recommends: ClassVar[dict[str, Any]] = {"n_critc": 5}


class WrongSignature(Right):
    """Takes one batch of outputs."""

    def discriminator(self, outputs: Tensor) -> Tensor:  # type: ignore[override]
        return softplus(-outputs).mean()


class NoDefault(Right):
    """Cannot be used by its name alone."""

    def __init__(self, margin: float) -> None:
        self.margin = margin


class Slope(Penalty):
    """Over the whole batch."""

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = real.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
        return (slope.norm() - 1).square()


class CarriesWrongPenalty(Right):
    """Its penalty takes the norm over the batch."""

    def __init__(self) -> None:
        self.penalty = Slope()


class Margin(Loss):
    """A hinge whose margin is a parameter, and whose formula names it."""

    formula = ("relu(margin - r) + relu(margin + f)", "-f")

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(self.margin - real).mean() + relu(self.margin + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake.mean()


WRONG: list[tuple[type[Loss], str, str]] = [
    (HalfOnTheDiscriminator, "least-squares", "a 1/2 is present on one side only"),
    (HalfOnTheGenerator, "least-squares", "a 1/2 is present on one side only"),
    (HalfOnReal, "least-squares", "0.5 in the discriminator's on real, 1 in the discriminator's on fake"),
    (HalfMissing, "formula", "(2 times it)"),
    (Minimax, "convention", "is no minimax game"),
    (SaysMinimax, "formula", "the declared '-softplus(f)' gives"),
    (Epsilon, "formula", "an epsilon inside a logarithm makes a loss saturate"),
    (LogOfSigmoid, "finite", "use softplus or log-sigmoid"),
    (EveryPair, "pairing", "(N,) was broadcast against (N, 1)"),
    (PairsOfColumns, "shape", "a network that forgets to squeeze"),
    (Sum, "batch-size", "is summed over the batch"),
    (Unreduced, "scalar", "take the mean over the batch"),
    (Number, "scalar", "returns float, not a tensor"),
    (CutOff, "scalar", "the generator would never learn"),
    (DiscriminatorReversed, "direction", "learn to call fakes real"),
    (GeneratorReversed, "direction", "learn to be caught"),
    (BlindToFakes, "direction", "does not depend on its outputs on fake samples"),
    (OneLogit, "batch-size", "depends on the order of the samples"),
    (PartlyDetached, "gradient", "is not the derivative of its value"),
    (Casts, "gradient", "it casts inside"),
    (Cancels, "bfloat16", "cancels digits that bfloat16 does not have"),
    (NeedsRealUnsaid, "real-samples", "the training loop passes None"),
    (NeedsRealInVain, "real-samples", "for nothing"),
    (NotSmoothable, "smoothing", "does not take real_label and fake_label"),
    (SmoothsNothing, "smoothing", "change nothing"),
    (Noisy, "repeatable", "gives another value when called again"),
    (Counts, "repeatable", "a resumed trial would not repeat itself"),
    (WrongRecipe, "recommendation", "did you mean 'n_critic'?"),
    (WrongSignature, "scalar", "positional argument"),
    (NoDefault, "parameters", "a component must be usable without parameters"),
    (CarriesWrongPenalty, "carried-penalty", "its Slope: on D(x) = w.x"),
]


def failed(outcomes: list[Outcome]) -> dict[str, str]:
    return {outcome.check: outcome.message for outcome in outcomes if outcome.status == "failed"}


@pytest.mark.parametrize(("loss", "name", "words"), WRONG, ids=[loss.__name__ for loss, _, _ in WRONG])
def test_a_wrong_loss_is_caught_by_name(loss: type[Loss], name: str, words: str) -> None:
    found = failed(check(loss))
    assert name in found, found
    assert words in found[name]
    assert "\n" not in found[name]


@pytest.mark.parametrize("loss", [Right, Squares, Pairwise, Margin])
def test_a_right_loss_passes(loss: type[Loss]) -> None:
    assert failed(check(loss)) == {}


def test_a_formula_is_held_at_the_parameters_that_are_given() -> None:
    held = {outcome.check: outcome.status for outcome in check(Margin, parameters={"margin": 0.3})}
    assert held["formula"] == "ok"


def test_a_name_of_the_field_is_held_to_its_meaning() -> None:
    found = failed(check(Squares, name="hinge"))
    assert "what the field calls 'hinge', 'relu(1 - r) + relu(1 + f)'" in found["convention"]


class SquaresOfSigmoid(Loss):
    """Least squares on probabilities, as the large-scale studies have it."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (0.5 * (real.sigmoid() - 1) ** 2).mean() + (0.5 * fake.sigmoid() ** 2).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return (0.5 * (fake.sigmoid() - 1) ** 2).mean()


def test_squares_of_the_sigmoid_are_another_loss_than_lsgan() -> None:
    assert "what the field calls 'lsgan'" in failed(check(SquaresOfSigmoid, name="lsgan"))["convention"]
    assert failed(check(SquaresOfSigmoid, name="lsgan-sigmoid")) == {}


def test_without_a_formula_the_report_says_that_none_is_held() -> None:
    (outcome,) = [one for one in check(Squares) if one.check == "formula"]
    assert outcome.status == "skipped"
    assert "declare one" in outcome.message
