"""A small generator for metrics that query one: a smooth way from z to points around known modes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ganbench.evaluation.sampling import Latent, draw_latents

SPREAD, ROUGH = 0.3, 6.0
"""Of points around their mode, and of those that may be anywhere."""


@dataclass(frozen=True, kw_only=True)
class SmallGenerator:
    """Makes points (N, D) around ``means`` (K, D), and samples of them; satisfies :class:`ganbench.api.Queried`.

    Attributes:
        means: the modes between which z chooses; of a conditional generator the classes.
        render: maps points to samples as networks make them.
        latent_dim, latent, classes, seed: as in :class:`ganbench.api.Queried`.
        noise: how rough the way is, from 0 to 1.
        collapsed: it makes one point whatever z is.
    """

    means: Tensor
    render: Callable[[Tensor], Tensor]
    latent_dim: int = 6
    latent: Latent = "normal"
    classes: int = 0
    seed: int = 17
    noise: float = 0.0
    collapsed: bool = False

    def latents(self, n: int, seed: int) -> Tensor:
        """Draw n latent points (n, latent_dim)."""
        return draw_latents(n, self.latent_dim, self.latent, torch.Generator().manual_seed(seed))

    def samples(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return self.render(self.features(z, labels))

    def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must have the shape (N, {self.latent_dim}), not {tuple(z.shape)}")
        if (labels is not None) != bool(self.classes):
            raise ValueError("this generator needs labels" if self.classes else "this generator takes no labels")
        if self.collapsed:
            return self.means[:1].expand(len(z), -1).clone()
        count, dimension = self.means.shape
        rng = torch.Generator().manual_seed(5)
        choose, spread, rough = (
            torch.randn(self.latent_dim, to, generator=rng) / self.latent_dim**0.5
            for to in (count, dimension, dimension)
        )
        modes = (4 * z @ choose).softmax(dim=1) @ self.means if labels is None else self.means[labels]
        made: Tensor = modes + SPREAD * z @ spread + self.noise * ROUGH * torch.sin(20 * z @ rough)
        return made
