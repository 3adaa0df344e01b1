"""Path length regularisation (StyleGAN2; Karras et al. 2020, arXiv:1912.04958): a step in latent space shall change
the sample by as much everywhere."""

import math
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Generator, GeneratorPenalty


class PathLength(GeneratorPenalty):
    """gamma_pl * mean((||J^T y|| - a)^2), J = dG/dz at each z, y ~ N(0, 1 / (H * W)), a the moving mean of ||J^T y||.

    Equation 4 of the paper, where the latent space is that of StyleGAN's mapped w; generators here have z alone. For
    points, y ~ N(0, 1). As in the authors' code, a starts at 0, takes the batch's mean in before it is compared with,
    and passes the gradient on through that share of it. The code does all this in one step of four and four times as
    strongly, on half a batch; here a recipe's ``g_penalty_every`` says in how many steps it is a term of the loss. The
    generator runs once more and is differentiated twice.

    With batch norm in the generator the gradient at a latent point is that of the whole batch by it.

    Args:
        gamma_pl: the weight, not negative; 2 in the authors' code. The paper has ln 2 / (r^2 (ln r - ln 2)) for images
            of side r, where all layers' shares are counted apart.
        decay: the share of the batch in the moving mean, above 0 and at most 1.

    Raises:
        ValueError: a parameter is out of range.
    """

    formula = "gamma_pl * mean((||J^T y|| - a)^2), J = dG/dz, y ~ N(0, 1 / (H * W)), a the moving mean of ||J^T y||"

    def __init__(self, gamma_pl: float = 2.0, decay: float = 0.01) -> None:
        if gamma_pl < 0:
            raise ValueError(f"gamma_pl={gamma_pl:g} must not be negative")
        if not 0 < decay <= 1:
            raise ValueError(f"decay={decay:g} must be above 0 and at most 1")
        self.gamma_pl = gamma_pl
        self.decay = decay
        self.mean = torch.zeros(())

    def __call__(self, generator: Generator, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty at the latent points of the batch, and move the mean."""
        z = z.detach().requires_grad_(True)
        samples = generator(z)
        noise = torch.randn(samples.shape, generator=rng, device=z.device, dtype=z.dtype)
        noise = noise / math.sqrt(math.prod(samples.shape[2:]))
        (slopes,) = torch.autograd.grad((samples * noise).sum(), z, create_graph=True)
        lengths: Tensor = slopes.norm(2, dim=1)
        mean = self.mean.to(lengths).lerp(lengths.mean(), self.decay)
        self.mean = mean.detach()
        return self.gamma_pl * (lengths - mean).square().mean()

    def state_dict(self) -> dict[str, Any]:
        """Return the moving mean."""
        return {"mean": self.mean.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the moving mean."""
        self.mean = state["mean"]
