"""R3GAN's objective: relativistic pairing, R1 and R2 at every step (Huang et al. 2024, arXiv:2501.05441, section 2).

Lazy penalties (every k steps) are not offered: the authors report that they lose modes of Stacked MNIST.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ganbench.api import Discriminator, Loss, Penalty


def squared_slopes(discriminator: Discriminator, x: Tensor) -> Tensor:
    """Return the squared norm of each sample's gradient, (N,), ready for a second differentiation."""
    x = x.detach().requires_grad_(True)
    (slopes,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slopes.flatten(1).square().sum(1)


class R1R2(Penalty):
    """Zero-centred gradient penalties on real and on generated samples, gamma / 2 each.

    Args:
        gamma: the weight; the paper's for Stacked MNIST is 1, for CIFAR-10 0.05 (annealed).
    """

    # On a critic of one slope everywhere the two halves add up to gamma times its square.
    formula = "gamma * mean(||grad D(x)||^2), half of it on x real, half on x fake"

    def __init__(self, gamma: float = 1.0) -> None:
        if gamma < 0:
            raise ValueError(f"gamma={gamma:g} must not be negative")
        self.gamma = gamma

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the sum of both."""
        r1, r2 = (squared_slopes(discriminator, x).mean() for x in (real, fake))
        return 0.5 * self.gamma * (r1 + r2)


class R3GAN(Loss):
    """The pairwise relativistic loss with R1 and R2.

    Args:
        gamma: weight of the penalties, gamma / 2 each.
    """

    formula = ("softplus(-(r - f)) + gamma * mean(||grad D(x)||^2), half on real, half on fake", "softplus(-(f - r))")
    recommends = {"beta1": 0.0, "beta2": 0.99}
    needs_real = True

    def __init__(self, gamma: float = 1.0) -> None:
        self.penalty = R1R2(gamma=gamma)

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Each real output above the fake one beside it."""
        return softplus(fake - real).mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Each fake output above the real one beside it."""
        if real is None:
            raise ValueError("r3gan's generator needs outputs on real samples")
        return softplus(real - fake).mean()
