"""Generators that others saved: TorchScript programs, and programs written by ``torch.export``.

Both are programs: loading one may run it, with all that its user may do.
"""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganbench.datasets.arrays import ValueRange, settle_range, to_network_values
from ganbench.datasets.checks import one_line, shown
from ganbench.errors import DataError
from ganbench.evaluation.channels import recolourable, unlike
from ganbench.evaluation.frozen import trained_export, trained_script
from ganbench.evaluation.without_pickles import only_tensors

Format = Literal["torchscript", "exported"]

PROBE = 16
OVERSHOOT = 0.25
"""How far beyond its range a generator may shoot, as a share of it; such values are clamped, as everywhere."""


class SavedGenerator(nn.Module):
    """(N, latent_dim) to samples, images in [-1, 1], by a saved program.

    The program is no submodule: what walks over modules to switch them (``eval``, memory layout) would fail on it.

    Args:
        program: takes z, returns a tensor.
        latent_dim: of z.
        batch_size: the only number of latents that the program takes at once, or 0 for any.
        where: its file, for messages.
        value_range: of floating point images; empty for vectors and for whole levels.
    """

    def __init__(self, program: Callable[[Tensor], Any], latent_dim: int, batch_size: int, where: str) -> None:
        super().__init__()
        self._program = [program]
        self.latent_dim = latent_dim
        self.batch_size = batch_size
        self.where = where
        self.value_range: ValueRange = ""

    def raw(self, z: Tensor) -> Tensor:
        """Return what the program makes of ``z``, as it is.

        Raises:
            DataError: it fails, or does not return one tensor with a sample for each latent vector.
        """
        size = self.batch_size or max(1, len(z))
        parts = []
        for part in torch.split(z, size):
            # A program with a fixed batch gets latents of zero to fill the last one; those samples are left out.
            full = nn.functional.pad(part, (0, 0, 0, size - len(part))) if self.batch_size else part
            try:
                made = self._program[0](full)
            except Exception as error:
                shape = "x".join(map(str, full.shape))
                raise DataError(f"{self.where} cannot make samples from z of {shape} ({one_line(error)}); "
                                "set --latent-dim") from error  # fmt: skip
            if not isinstance(made, Tensor) or made.dim() < 2 or len(made) != len(full):
                form = "x".join(map(str, made.shape)) if isinstance(made, Tensor) else type(made).__name__
                raise DataError(f"{self.where} must return one tensor of {len(full)} samples, not {form}")
            parts.append(made[: len(part)])
        return torch.cat(parts)

    def forward(self, z: Tensor) -> Tensor:
        made = self.raw(z)
        if made.dim() != 4:
            return made.float()
        return to_network_values(made, self.value_range, self.where, tolerance=OVERSHOOT)

    def settle(
        self, shape: tuple[int, ...], value_range: ValueRange, device: torch.device, *, channels: int = 0
    ) -> None:
        """Try the program once: that it makes samples of ``shape``, all finite, and what their range is.

        With ``channels``, images may be grey or colour, as they will be made the one or the other.

        Raises:
            DataError: it does not.
        """
        rng = torch.Generator().manual_seed(0)
        with torch.no_grad():
            made = self.raw(torch.randn(PROBE, self.latent_dim, generator=rng).to(device)).cpu()
        found = tuple(made.shape[1:])
        if found != shape and not (channels and recolourable(found, shape)):
            raise DataError(f"{self.where} makes samples of {unlike(found, shape)}")
        if made.is_floating_point() and not bool(torch.isfinite(made).all()):
            raise DataError(f"{self.where} makes samples that contain NaN or infinity")
        if made.dim() == 4:
            self.value_range = settle_range(made, value_range, self.where)
            to_network_values(made, self.value_range, self.where, tolerance=OVERSHOOT)


def runs_on(kind: str, device: torch.device) -> torch.device:
    """Where a source's generator is run: ``device``, but an exported program where it was exported for, the CPU."""
    return torch.device("cpu") if kind == "exported" else device


def load_saved(path: Path, form: Format, latent_dim: int, device: torch.device) -> SavedGenerator:
    """Load a saved generator to where :func:`runs_on` says.

    Args:
        path: the file.
        form: how it was saved.
        latent_dim: of z; 0 takes what an exported program says.
        device: where to run.

    Raises:
        DataError: damaged, of another kind, saved in training mode, or its latent dimension is not known.
    """
    where = shown(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated: what others saved still is what it is
            if form == "torchscript":
                return _script(path, latent_dim, device, where)
            return _exported(path, latent_dim, where)
    except DataError:
        raise
    except Exception as error:
        kind = "TorchScript" if form == "torchscript" else "torch.export"
        raise DataError(f"{where} is damaged or is not a {kind} program ({one_line(error)})") from error


def _script(path: Path, latent_dim: int, device: torch.device, where: str) -> SavedGenerator:
    if not latent_dim:
        # Before it is loaded, which may run it: a .pt file that was taken for an array of samples is not.
        raise DataError(
            f"{where} is a TorchScript program, which does not say how many numbers its z has; set --latent-dim"
        )
    program: Any = torch.jit.load(str(path), map_location=device)
    _require_evaluation(trained_script(program), where)
    if hasattr(program, "training"):  # a frozen program has no mode
        program.eval()
    return SavedGenerator(program, latent_dim, 0, where)


def _exported(path: Path, latent_dim: int, where: str) -> SavedGenerator:
    with only_tensors(path, where):
        program = torch.export.load(str(path))
    _require_evaluation(trained_export(program), where)
    names = program.graph_signature.user_inputs
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(inputs) != 1 or not isinstance(inputs[0], Tensor) or inputs[0].dim() != 2:
        raise DataError(
            f"{where} takes {len(inputs)} inputs, but a generator takes only one, z of shape (N, latent_dim)"
        )
    batch, width = inputs[0].shape
    if isinstance(width, int):
        if latent_dim not in (0, width):
            raise DataError(f"{where} takes z of {width} numbers, not {latent_dim}; leave --latent-dim out")
        latent_dim = width
    if not latent_dim:
        raise DataError(f"{where} does not say how many numbers its z has; set --latent-dim")
    return SavedGenerator(program.module(), latent_dim, batch if isinstance(batch, int) else 0, where)


def _require_evaluation(trained: str, where: str) -> None:
    """Raise :class:`DataError` for a program with a part that is in training mode for good, if any is named."""
    if trained:
        raise DataError(
            f"{where} was saved in training mode ({trained} is), so its samples depend on each other or on "
            "chance; call .eval() on the generator and save it again"
        )
