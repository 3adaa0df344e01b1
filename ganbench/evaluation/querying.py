"""A generator that metrics may query, without leaving a trace in it or in what else is scored."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.evaluation.channels import with_channels_in_range
from ganbench.evaluation.sampling import Latent, generate
from ganbench.spec import TrialSpec

NO_FEATURES = "there are no features without an extractor; name 'features' among the metric's needs"


def as_asked(z: Tensor, labels: Tensor | None, *, latent_dim: int, classes: int) -> tuple[Tensor, Tensor | None]:
    """Return copies of z (N, latent_dim) float32 and labels (N,) int64 on the CPU, without gradients.

    A generator may work in place; what a metric asked with stays as it was.

    Raises:
        ValueError: z has another shape, or labels are missing, not wanted, or not one class for each z. Networks would
            broadcast too few labels, and one beyond the last class would end a whole process on a GPU.
    """
    if z.dim() != 2 or z.shape[1] != latent_dim:
        raise ValueError(f"z must have the shape (N, {latent_dim}), not {tuple(z.shape)}")
    if (labels is not None) != bool(classes):
        wanted = f"needs labels of 0 to {classes - 1}" if classes else "takes no labels"
        raise ValueError(f"this generator {wanted}")
    z = z.detach().to("cpu", torch.float32, copy=True)
    if labels is None:
        return z, None
    if labels.shape != z.shape[:1]:
        raise ValueError(f"labels must have the shape ({len(z)},), one for each z, not {tuple(labels.shape)}")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise ValueError(f"labels must be whole numbers, not {str(labels.dtype).removeprefix('torch.')}")
    labels = labels.to("cpu", torch.int64, copy=True)
    if bool(((labels < 0) | (labels >= classes)).any()):
        raise ValueError(f"labels must be 0 to {classes - 1}, not {int(labels.min())} to {int(labels.max())}")
    return z, labels


@dataclass(frozen=True, kw_only=True)
class QueriedGenerator:
    """A generator with its scored weights; satisfies :class:`ganbench.api.Queried`.

    Attributes:
        module: maps (N, latent_dim), and labels (N,) where it is conditional, to samples; on ``device``.
        device: where it runs.
        latent_dim: numbers in z.
        latent: what z is drawn from.
        classes: of a conditional generator; 0 for any other.
        seed: for a metric's own draws; the generator's own noise starts from it at each call.
        channels: 1 or 3 where its images are made grey or colour before they are scored, else 0.
        extract: maps samples as :meth:`samples` returns them to features; ``None`` where none are computed.
    """

    module: nn.Module
    device: torch.device
    latent_dim: int
    latent: Latent
    classes: int
    seed: int
    channels: int = 0
    extract: Callable[[Tensor], Tensor] | None = None

    def samples(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples at z (N, latent_dim), as :meth:`ganbench.api.Queried.samples` says."""
        z, labels = as_asked(z, labels, latent_dim=self.latent_dim, classes=self.classes)
        rng = torch.Generator().manual_seed(self.seed)
        made = generate(self.module, z, rng=rng, device=self.device, labels=labels)
        return with_channels_in_range(made, self.channels) if self.channels else made

    def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the features at z (N, latent_dim), as :meth:`ganbench.api.Queried.features` says."""
        if self.extract is None:
            raise ValueError(NO_FEATURES)
        return self.extract(self.samples(z, labels))


def to_query(generator: nn.Module, spec: TrialSpec, device: torch.device, *, channels: int = 0) -> QueriedGenerator:
    """Return a trial's generator for its metrics to query.

    Args:
        generator: with its scored weights, on ``device``.
        spec: the trial.
        device: where it runs.
        channels: as in :class:`QueriedGenerator`.
    """
    return QueriedGenerator(
        module=generator,
        device=device,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        classes=0 if spec.evaluation.labels == "none" else spec.data.classes,
        seed=seeds.stream_seed(spec.seed, seeds.QUERIES) % 2**32,
        channels=channels,
    )
