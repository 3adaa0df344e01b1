"""Relativistic average GANs (Jolicoeur-Martineau 2019, arXiv:1807.00734, section 4.2 and table 1 of its appendix).

A real sample should look more real than fakes do on average, and the other way round. Both sides are halved, as in the
paper's code, so that the loss of an undecided discriminator is that of the non-relativistic one on one batch.
"""

from torch import Tensor
from torch.nn.functional import relu, softplus

from ganbench.api import Loss


class _Average(Loss):
    """What the three share: each output against the mean of the other side."""

    recommends = {"beta1": 0.5, "beta2": 0.999}
    needs_real = True

    def positive(self, gap: Tensor) -> Tensor:
        """The cost of a gap (N,) that should be large."""
        raise NotImplementedError

    def negative(self, gap: Tensor) -> Tensor:
        """The cost of a gap (N,) that should be small."""
        raise NotImplementedError

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Real above the mean fake, fake below the mean real."""
        return 0.5 * (self.positive(real - fake.mean()).mean() + self.negative(fake - real.mean()).mean())

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """The same with the sides exchanged."""
        if real is None:
            raise ValueError("a relativistic generator needs outputs on real samples")
        return self.discriminator(fake, real)


class RaGAN(_Average):
    """Cross-entropy of the gaps."""

    formula = (
        "1/2 * (softplus(-(r - mean(f))) + softplus(f - mean(r)))",
        "1/2 * (softplus(-(f - mean(r))) + softplus(r - mean(f)))",
    )

    def positive(self, gap: Tensor) -> Tensor:
        return softplus(-gap)

    def negative(self, gap: Tensor) -> Tensor:
        return softplus(gap)


class RaLSGAN(_Average):
    """Squared distances of the gaps from 1 and -1."""

    formula = (
        "1/2 * ((r - mean(f) - 1)^2 + (f - mean(r) + 1)^2)",
        "1/2 * ((f - mean(r) - 1)^2 + (r - mean(f) + 1)^2)",
    )

    def positive(self, gap: Tensor) -> Tensor:
        return (gap - 1).square()

    def negative(self, gap: Tensor) -> Tensor:
        return (gap + 1).square()


class RaHinge(_Average):
    """Hinges of the gaps at 1 and -1."""

    formula = (
        "1/2 * (relu(1 - (r - mean(f))) + relu(1 + (f - mean(r))))",
        "1/2 * (relu(1 - (f - mean(r))) + relu(1 + (r - mean(f))))",
    )

    def positive(self, gap: Tensor) -> Tensor:
        return relu(1 - gap)

    def negative(self, gap: Tensor) -> Tensor:
        return relu(1 + gap)
