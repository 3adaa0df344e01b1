"""Losses that are wrong on purpose: each is caught, by the check that is for it, in words that name the mistake."""

from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganbench.api import Loss, Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.losses import Pairwise, Right


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
    """Computes in half precision whatever it gets."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake.half()).mean()


class DetachesRealOfTheDiscriminator(Pairwise):
    """The discriminator does."""

    formula = ("", "")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean() + softplus(fake - real.detach()).mean()


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


class ConstantFormula(Right):
    """Its formula names neither side."""

    formula: ClassVar[tuple[str, str]] = ("1", "softplus(-f)")


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


class StartsLate(Right):
    """Changes after many calls."""

    calls = 0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls += 1
        return softplus(-fake).mean() if self.calls < 1000 else softplus(-2 * fake).mean()


class Lazy(Right):
    """Keeps a constant from its first call on, and one that is not a number."""

    slope = 0.0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.slope, self.unset = self.slope or 1.0, float("nan")
        return softplus(-self.slope * fake).mean()


class Seeds(Right):
    """Seeds torch's own stream, always to the same state."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        torch.manual_seed(0)
        return softplus(-fake).mean()


class InPlace(Right):
    """Shifts the outputs it is given."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        with torch.no_grad():
            real.sub_(1)
        return super().discriminator(real, fake)


class LearnsItsScale(torch.nn.Module, Right):
    """A scale that nobody trains."""

    formula = ("", "")

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-self.scale * fake).mean()


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
        norm: Tensor = slope.norm()
        return (norm - 1).square()


class CarriesWrongPenalty(Right):
    """Its penalty takes the norm over the batch."""

    def __init__(self) -> None:
        self.penalty = Slope()


WRONG: list[tuple[type[Loss], str, str]] = [
    (LogOfSigmoid, "finite", "use softplus or log-sigmoid"),
    (EveryPair, "pairing", "(N,) was broadcast against (N, 1)"),
    (PairsOfColumns, "shape", "a network that forgets to squeeze"),
    (Sum, "batch-size", "is summed over the batch"),
    (Unreduced, "scalar", "take the mean over the batch"),
    (Number, "scalar", "returns float, not a tensor"),
    (CutOff, "scalar", "the generator would never learn"),
    (OneLogit, "batch-size", "depends on the order of the samples"),
    (PartlyDetached, "gradient", "is not the derivative of its value"),
    (DetachesRealOfTheDiscriminator, "gradient", "the discriminator's gradient is not the derivative"),
    (Casts, "gradient", "it casts inside"),
    (Cancels, "bfloat16", "loses digits that bfloat16 does not have"),
    (NeedsRealUnsaid, "real-samples", "the training loop passes None"),
    (NeedsRealInVain, "real-samples", "for nothing"),
    (ConstantFormula, "formula", "the declared '1' gives 0"),
    (Noisy, "repeatable", "gives another value when called again"),
    (Counts, "repeatable", "a resumed trial would not repeat itself"),
    (StartsLate, "repeatable", "generator() changes the loss's own calls at each call"),
    (InPlace, "repeatable", "discriminator() changes the outputs it is given"),
    (LearnsItsScale, "nothing-to-learn", "generator() depends on a tensor of its own that requires a gradient"),
    (WrongRecipe, "recommendation", "did you mean 'n_critic'?"),
    (WrongSignature, "scalar", "positional argument"),
    (NoDefault, "parameters", "so that the component can be used without parameters"),
    (CarriesWrongPenalty, "carried-penalty", "its Slope: on D(x) = w.x"),
]


@pytest.mark.parametrize(("loss", "name", "words"), WRONG, ids=[loss.__name__ for loss, _, _ in WRONG])
def test_a_wrong_loss_is_caught_by_name(loss: type[Loss], name: str, words: str) -> None:
    assert_caught(loss, name, words)


def test_a_constant_that_is_kept_counts_nothing() -> None:
    assert failed(check(Lazy)) == {}


def test_a_stream_that_is_seeded_at_each_call_is_noticed_after_the_other_checks() -> None:
    assert "or seeds it" in failed(check(Seeds))["repeatable"]


class Unbounded(Loss):
    """WGAN's objective without anything that bounds the critic."""

    formula = ("f - r", "-f")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -fake.mean()


def test_a_name_that_promises_a_penalty_has_one() -> None:
    assert_caught(Unbounded, "convention", "'wgan-gp' has no penalty", name="wgan-gp")
    assert outcome_of("convention", Unbounded, name="my-critic").status == "skipped"


def test_a_need_that_is_not_declared_is_told_before_what_fails_by_it() -> None:
    told = [one.check for one in check(NeedsRealUnsaid) if one.status == "failed"]
    assert told[0] == "real-samples"
    assert len(told) > 1
