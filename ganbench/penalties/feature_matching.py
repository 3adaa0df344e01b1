"""Feature matching (Salimans, Goodfellow, Zaremba, Cheung, Radford & Chen 2016, arXiv:1606.03498, section 3.1)."""

from torch import Tensor

from ganbench.api import FeaturePenalty


class FeatureMatching(FeaturePenalty):
    """weight * ||mean h(x) - mean h(y)||^2, h(x) and h(y) the discriminator's features of real samples and of fakes.

    In the paper this is all that the generator minimises, for an intermediate layer; here it joins the loss, for what
    the discriminator's last layer gets, as in the authors' code, which has the mean absolute difference for CIFAR-10.
    The sum over features is the paper's: the term grows with how many there are, and with their scale.

    Args:
        weight: of the term, not negative.

    Raises:
        ValueError: the weight is negative.
    """

    formula = "weight * ||mean h(x) - mean h(y)||^2, h = features, x real, y fake"

    def __init__(self, weight: float = 1.0) -> None:
        if weight < 0:
            raise ValueError(f"weight={weight:g} must not be negative")
        self.weight = weight

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty on two batches of features (N, F)."""
        return self.weight * (real.mean(0) - fake.mean(0)).square().sum()
