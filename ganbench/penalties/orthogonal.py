"""Orthogonal regularisation of the generator as in BigGAN (Brock, Donahue & Simonyan 2019, arXiv:1809.11096)."""

import torch
from torch import Tensor

from ganbench.api import Generator, GeneratorPenalty


class Orthogonal(GeneratorPenalty):
    """beta * sum over weights W of ||W W^T without its diagonal||_F^2: rows that are orthogonal, of any length.

    Equation 3 of the paper, without which few of its large models could be sampled with truncated latents. As in the
    authors' code, W is each weight of two dimensions or more, with all but the first flattened: the rows of a
    convolution belong to its output channels, those of a transposed one to its input channels. The code adds the
    gradient of half of this sum, so that its 1e-4 is 5e-5 here.

    A weight is a parameter with ``weight`` in its name, as in torch's layers. The scales and shifts that a conditional
    batch norm has for each class are none: scales begin at 1 for all classes (the code's at 0, and it adds 1), and if
    they had to be orthogonal, no two classes could use the same channels.

    Args:
        beta: the weight, not negative; 1e-4 in the paper.

    Raises:
        ValueError: the weight is negative.
    """

    formula = "beta * sum(||W W^T * (1 - I)||^2), W each weight of two dimensions or more"

    def __init__(self, beta: float = 1e-4) -> None:
        if beta < 0:
            raise ValueError(f"beta={beta:g} must not be negative")
        self.beta = beta

    def __call__(self, generator: Generator, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty on all weights."""
        value = torch.zeros((), device=fake.device, dtype=fake.dtype)
        for name, weight in generator.named_parameters():
            if "weight" in name and weight.dim() > 1:
                rows = weight.flatten(1)
                products = rows @ rows.t()
                value = value + (products - products.diag().diag()).square().sum()
        return self.beta * value
