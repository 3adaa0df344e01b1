"""Weight clipping, the projection of the original Wasserstein GAN (Arjovsky et al. 2017, arXiv:1701.07875)."""

import torch
from torch import nn

from ganbench.api import Penalty


class WeightClip(Penalty):
    """Clips every parameter of the critic to [-clip, clip] after each of its updates (algorithm 1, line 7)."""

    constrains = "weights"
    differentiable = False
    double_backward = False
    formula = "weights clipped to [-clip, clip] after each update"

    def __init__(self, clip: float = 0.01) -> None:
        if clip <= 0:
            raise ValueError(f"clip={clip:g} must be positive")
        self.clip = clip

    @torch.no_grad()
    def project(self, discriminator: nn.Module) -> None:
        """Clip in place."""
        for parameter in discriminator.parameters():
            parameter.clamp_(-self.clip, self.clip)
