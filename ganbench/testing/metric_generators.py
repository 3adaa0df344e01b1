"""A small generator for metrics that query one: a smooth way from z to points around known modes."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ganbench.evaluation.querying import NO_FEATURES, as_asked
from ganbench.evaluation.sampling import Latent, draw_latents

SPREAD, ROUGH = 0.3, 6.0
"""Of points around their mode, and of those that may be anywhere."""


@dataclass(frozen=True, kw_only=True)
class SmallGenerator:
    """Makes points (N, D) around ``means`` (K, D), and samples of them; satisfies :class:`ganbench.api.Queried`.

    It has no method beyond those, so that no metric can use one that a trial's generator does not have.

    Attributes:
        means: the modes between which z chooses; of a conditional generator the classes.
        render: maps points to samples as networks make them.
        latent_dim, latent, classes, seed: as in :class:`ganbench.api.Queried`.
        noise: how rough the way is, from 0 to 1.
        collapsed: it makes one point whatever z is.
        extracts: it has features, the points; a trial has none where no metric names any among its needs.
        asked: the z of each question.
    """

    means: Tensor
    render: Callable[[Tensor], Tensor]
    latent_dim: int = 6
    latent: Latent = "normal"
    classes: int = 0
    seed: int = 17
    noise: float = 0.0
    collapsed: bool = False
    extracts: bool = True
    asked: list[Tensor] = field(default_factory=list)

    def samples(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made = points_at(self, z, labels)
        self.asked.append(z.detach().clone())
        return self.render(made)

    def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        if not self.extracts:
            raise ValueError(NO_FEATURES)
        made = points_at(self, z, labels)
        self.asked.append(z.detach().clone())
        return made


def latents(generator: SmallGenerator, n: int, seed: int) -> Tensor:
    """Draw n latent points (n, latent_dim)."""
    return draw_latents(n, generator.latent_dim, generator.latent, torch.Generator().manual_seed(seed))


def points_at(generator: SmallGenerator, z: Tensor, labels: Tensor | None) -> Tensor:
    """Return the points (N, D) that it makes at z, as a trial's generator makes samples: without gradients.

    Raises:
        ValueError: as :func:`ganbench.evaluation.querying.as_asked` does.
    """
    z, labels = as_asked(z, labels, latent_dim=generator.latent_dim, classes=generator.classes)
    if generator.collapsed:
        return generator.means[:1].expand(len(z), -1).clone()
    count, dimension = generator.means.shape
    rng = torch.Generator().manual_seed(5)
    choose, spread, rough = (
        torch.randn(generator.latent_dim, to, generator=rng) / generator.latent_dim**0.5
        for to in (count, dimension, dimension)
    )
    modes = (4 * z @ choose).softmax(dim=1) @ generator.means if labels is None else generator.means[labels]
    made: Tensor = modes + SPREAD * z @ spread + generator.noise * ROUGH * torch.sin(20 * z @ rough)
    return made
