"""The relativistic pairing GAN, RSGAN (Jolicoeur-Martineau 2019, arXiv:1807.00734, section 4.1).

A real sample should look more real than the fake one beside it. R3GAN trains it with R1 and R2, and another recipe.
"""

from torch import Tensor
from torch.nn.functional import softplus

from ganbench.api import Loss


def wins(first: Tensor, second: Tensor) -> Tensor:
    """Return -log sigmoid(first - second), averaged over pairs: raw outputs (N,) and (N,) to a scalar.

    Raises:
        ValueError: the shapes differ; (N,) against (N, 1) would compare everything with everything.
    """
    if first.shape != second.shape:
        raise ValueError(f"outputs of shapes {tuple(first.shape)} and {tuple(second.shape)} cannot be paired")
    return softplus(second - first).mean()


class RpGAN(Loss):
    """Each real sample against one fake: the discriminator ranks pairs, the generator turns the ranking round."""

    formula = ("softplus(-(r - f))", "softplus(-(f - r))")
    recommends = {"beta1": 0.5, "beta2": 0.999}
    needs_real = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real should win."""
        return wins(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Fake should win."""
        if real is None:
            raise ValueError("rpgan's generator needs outputs on real samples")
        return wins(fake, real)
