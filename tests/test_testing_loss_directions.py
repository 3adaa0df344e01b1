"""Losses that push the wrong way, each caught in words that name the mistake, and unusual ones that are right."""

from typing import ClassVar

import pytest
from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.losses import Pairwise, Right, Squares


class Upcasts(Right):
    """Computes in float32 whatever it gets, and is right in that: the loop's outputs have no more digits."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real.float()).mean() + softplus(fake.float()).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return softplus(-fake.float()).mean()


class UpcastsProbabilities(Squares):
    """Least squares on probabilities in float32, whose slopes are small and of few digits where they are sure."""

    formula: ClassVar[tuple[str, str]] = ("(sigmoid(r) - 1)^2 / 2 + sigmoid(f)^2 / 2", "(sigmoid(f) - 1)^2 / 2")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real.float().sigmoid(), fake.float().sigmoid())

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return super().generator(fake.float().sigmoid(), real)


class DetachesReal(Pairwise):
    """The generator does not move outputs on real samples."""

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return softplus(real.detach() - fake).mean()


class BetweenLabels(Loss):
    """LSGAN with labels -1 and 1 and the target 0 (Mao et al., equation 8)."""

    formula = ("1/2 * (r - 1)^2 + 1/2 * (f + 1)^2", "1/2 * f^2")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * (real - 1).square().mean() + 0.5 * (fake + 1).square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return 0.5 * fake.square().mean()


class Hinged(Right):
    """No gradient beyond the margins, on any side."""

    formula = ("relu(1 - r) + relu(1 + f)", "relu(1 - f)")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return relu(1 - real).mean() + relu(1 + fake).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return relu(1 - fake).mean()


class FakesUp(Right):
    """The wrong sign on fakes, with a smaller weight than that on real samples."""

    formula = ("", "")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + 0.5 * softplus(-fake).mean()


class RealDown(Right):
    """The wrong sign on real samples, with a smaller weight than that on fakes."""

    formula = ("", "")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return 0.5 * softplus(real).mean() + softplus(fake).mean()


class Bump(Right):
    """Gives up fakes that are far behind, and drives them further."""

    formula = ("", "")

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return -(fake * (-fake.square() / 2).exp()).mean()


class TurnsFarOff(Right):
    """The wrong sign on fakes that look real for sure."""

    formula = ("", "")

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return softplus(-real).mean() + (softplus(fake) - 2 * softplus(fake - 4)).mean()


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


class NotSmoothable(Right):
    """Says it is smoothable."""

    smoothable = True


class SmoothsNothing(Right):
    """Takes labels and ignores them."""

    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        return softplus(-real).mean() + softplus(fake).mean()


class SmoothsReal(Right):
    """Smooths the label of real samples alone."""

    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        smoothed = real_label * softplus(-real) + (1 - real_label) * softplus(real)
        return smoothed.mean() + softplus(fake).mean()


class Smoothed(Right):
    """Cross-entropy with the labels that it is given."""

    smoothable = True

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        of_real = real_label * softplus(-real) + (1 - real_label) * softplus(real)
        return (of_real + fake_label * softplus(-fake) + (1 - fake_label) * softplus(fake)).mean()


class Sharpens(Smoothed):
    """Takes a label of 0.9 for one of 1.1."""

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        return super().discriminator(real, fake, 2 - real_label, fake_label)


class SharpensFakes(Smoothed):
    """Takes a label of 0.1 for one of -0.1."""

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        return super().discriminator(real, fake, real_label, -fake_label)


class ShiftsTheCurve(Smoothed):
    """The label is in the value alone."""

    def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
        return super().discriminator(real, fake) + (1 - real_label) + fake_label


WRONG: list[tuple[type[Loss], str, str]] = [
    (DiscriminatorReversed, "direction", "learn to call fakes real"),
    (GeneratorReversed, "direction", "learn to be caught"),
    (FakesUp, "direction", "raises the output on fake samples wherever it is"),
    (RealDown, "direction", "lowers the output on real samples wherever it is"),
    (Bump, "direction", "r = -50, f = -5 a gradient step of the generator lowers the output on its fakes"),
    (TurnsFarOff, "direction", "raises the output on fake samples, and elsewhere it does not"),
    (BlindToFakes, "direction", "does not depend on its outputs on fake samples"),
    (NotSmoothable, "smoothing", "does not take real_label and fake_label"),
    (SmoothsNothing, "smoothing", "a real label of 0.9 changes nothing"),
    (SmoothsReal, "smoothing", "a fake label of 0.1 changes nothing; --set smoothing_fake=0.1"),
    (Sharpens, "smoothing", "as one of 1.1 would"),
    (SharpensFakes, "smoothing", "as one of -0.1 would"),
    (ShiftsTheCurve, "smoothing", "changes the value but does not limit the output on real samples"),
]


@pytest.mark.parametrize(("loss", "name", "words"), WRONG, ids=[loss.__name__ for loss, _, _ in WRONG])
def test_a_wrong_loss_is_caught_by_name(loss: type[Loss], name: str, words: str) -> None:
    assert_caught(loss, name, words)


@pytest.mark.parametrize("loss", [Upcasts, UpcastsProbabilities, DetachesReal, Hinged, Smoothed, BetweenLabels])
def test_an_unusual_loss_that_is_right_passes(loss: type[Loss]) -> None:
    assert failed(check(loss)) == {}


@pytest.mark.parametrize("divergence", ["kl", "reverse-kl", "pearson", "hellinger", "js"])
def test_a_game_that_is_played_as_written_has_the_right_direction(divergence: str) -> None:
    """Pearson's turns round at f = -2, for both players."""
    assert "direction" not in failed(check(f"loss/fgan-{divergence}", parameters={"saturating": True}))
