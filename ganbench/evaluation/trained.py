"""The generator of a trial that is done, for whoever wants to draw from it: in Python, or in a program of its own."""

import warnings
from collections.abc import Callable
from os import PathLike
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ganbench.errors import UsageError, in_one_line
from ganbench.evaluation.drawing import rebuild_generator
from ganbench.evaluation.sampling import in_network_range
from ganbench.places import argument
from ganbench.records.finding import find_trained


class TrainedGenerator(nn.Module):
    """A trial's generator in eval mode, with the weights that the trial scores: the averaged ones where it has an EMA.

    Called with z, float32 (N, latent_dim), on its device; where ``classes`` is above 0, also with labels, int64 (N,)
    from 0 to ``classes`` - 1. Returns float32 samples (N, *shape): images (N, C, H, W) with black at -1 and white at 1
    (a value beyond is clamped when it is scored), or vectors (N, D) in the data's own units. Its parameters take no
    gradients; z may.

    Attributes:
        latent_dim: numbers in z.
        latent: what z is drawn from: ``"normal"``, N(0, I), or ``"uniform"``, U(-1, 1) in each coordinate.
        shape: of one sample, (C, H, W) or (D,).
        classes: of a conditional generator; 0 for one that takes no labels.
        generator: the architecture's own module.
    """

    def __init__(
        self, generator: nn.Module, *, latent_dim: int, latent: str, shape: tuple[int, ...], classes: int
    ) -> None:
        super().__init__()
        self.generator = generator
        self.latent_dim = latent_dim
        self.latent = latent
        self.shape = shape
        self.classes = classes
        self.requires_grad_(False).eval()

    if TYPE_CHECKING:  # a module's call returns anything

        def __call__(self, z: Tensor, labels: Tensor | None = None) -> Tensor: ...

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return samples.

        Raises:
            ValueError: z has another width, or labels are missing or not wanted.
        """
        if z.dim() != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"z must have the shape (N, {self.latent_dim}), not {tuple(z.shape)}")
        if (labels is not None) != bool(self.classes):
            wanted = f"needs labels of 0 to {self.classes - 1}" if self.classes else "takes no labels"
            raise ValueError(f"this generator {wanted}")
        return in_network_range(self.generator(z) if labels is None else self.generator(z, labels))


def _as_warning(told: str) -> None:
    warnings.warn(told, UserWarning, stacklevel=5)


def load_generator(
    trial: str | PathLike[str], *, device: str | torch.device = "cpu", warn: Callable[[str], object] = _as_warning
) -> TrainedGenerator:
    """Return the generator of a trial.

    Args:
        trial: the trial's folder, its name under ``runs/``, or a beginning that no other name there has.
        device: where it is to run: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.
        warn: told in one line where the package of its architecture has another version, with the same code; by default
            that is a ``UserWarning``.

    Raises:
        StoreError: there is no such trial, it has no generator, or its weights are not those that it wrote.
        UsageError: ``trial`` is no path, the package of its architecture is missing or has changed, or there is no such
            device.
    """
    folder = find_trained(argument("load_generator(): trial", trial))
    spec = folder.read_spec().spec
    place = _device(device)
    generator = rebuild_generator(folder, spec, warn)
    conditional = spec.evaluation.labels != "none"
    found = TrainedGenerator(
        generator,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        shape=spec.data.shape,
        classes=spec.data.classes if conditional else 0,
    )
    return found.to(place)


def _device(device: str | torch.device) -> torch.device:
    try:
        place = torch.device(device)
    except (RuntimeError, TypeError, ValueError) as error:
        raise UsageError(f"device '{device}' must be cpu, cuda or cuda:i") from error
    if place.type == "cuda" and not (torch.cuda.is_available() and (place.index or 0) < torch.cuda.device_count()):
        raise UsageError(f"device '{device}' does not exist; torch finds {torch.cuda.device_count()} GPUs")
    if place.type not in ("cpu", "cuda"):  # a kind that torch knows, and this one may not be built for
        try:
            torch.empty(0, device=place)
        except Exception as error:  # each kind objects in its own way
            raise UsageError(f"device '{device}' cannot be used: {in_one_line(error, 200)}; use 'cpu'") from error
    return place
