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
from ganbench.evaluation.channels import recolourable, require_floating, unlike
from ganbench.evaluation.frozen import MODULE, trained_export, trained_script
from ganbench.evaluation.without_pickles import only_tensors
from ganbench.training.device_errors import is_out_of_memory

Format = Literal["torchscript", "exported"]
Conditioning = Literal["none", "optional", "needed"]
"""Whether a program takes labels beside z: no, where it gets some, always."""

TAKES = "but a generator takes z of shape (N, latent_dim) and, if it is conditional, class numbers of shape (N,)"
WHOLE = (torch.int64, torch.int32)
PROBE = 16
OVERSHOOT = 0.25
"""How far beyond its range a generator may shoot, as a share of it; such values are clamped, as everywhere."""


class SavedGenerator(nn.Module):
    """(N, latent_dim), and labels (N,) where it is conditional, to samples, images in [-1, 1], by a saved program.

    The program is no submodule: what walks over modules to switch them (``eval``, memory layout) would fail on it.

    Args:
        program: takes z, and labels where it is conditional, returns a tensor.
        latent_dim: of z.
        batch_size: the only number of latents that the program takes at once, or 0 for any.
        where: its file, for messages.
        conditioning: whether it takes labels.
        label_type: what its labels are made of: whole numbers.

    Attributes:
        switched: it was saved in training mode, and switched over to eval mode.
        value_range: of floating point images; empty for vectors and for whole levels.
    """

    def __init__(
        self,
        program: Callable[..., Any],
        latent_dim: int,
        batch_size: int,
        where: str,
        conditioning: Conditioning = "none",
        label_type: torch.dtype = torch.int64,
    ) -> None:
        super().__init__()
        self._program = [program]
        self.latent_dim = latent_dim
        self.batch_size = batch_size
        self.where = where
        self.conditioning = conditioning
        self.label_type = label_type
        self.switched = False
        self.value_range: ValueRange = ""

    def raw(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """Return what the program makes of ``z``, as it is.

        Raises:
            DataError: it fails, or does not return one tensor with a sample for each latent vector.
            RuntimeError: there is no memory left for them.
        """
        size = self.batch_size or max(1, len(z))
        inputs = [z] if labels is None else [z, labels.to(self.label_type)]
        parts = []
        for start in range(0, len(z), size):
            count = min(size, len(z) - start)
            # A program with a fixed batch gets zeros to fill the last one; those samples are left out.
            full = [_filled(one[start : start + size], self.batch_size) for one in inputs]
            try:
                made = self._program[0](*full)
            except Exception as error:
                if is_out_of_memory(error):
                    raise
                of = f"z of {'x'.join(map(str, full[0].shape))}"
                hint = "set --latent-dim"
                if labels is not None:
                    of += f" and labels of {int(labels.min())} to {int(labels.max())}"
                    hint += ", or score it against the dataset whose classes it knows"
                raise DataError(f"{self.where} cannot make samples from {of} ({_reason(error)}); {hint}") from error
            if not isinstance(made, Tensor) or made.dim() < 2 or len(made) != len(full[0]):
                form = "x".join(map(str, made.shape)) if isinstance(made, Tensor) else type(made).__name__
                raise DataError(f"{self.where} must return one tensor of {len(full[0])} samples, not {form}")
            parts.append(made[:count])
        return torch.cat(parts)

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        made = self.raw(z, labels)
        if made.dim() != 4:
            return made.float()
        return to_network_values(made, self.value_range, self.where, tolerance=OVERSHOOT)

    def settle(
        self,
        shape: tuple[int, ...],
        value_range: ValueRange,
        device: torch.device,
        *,
        channels: int = 0,
        classes: int = 0,
    ) -> None:
        """Try the program once: that it makes samples of ``shape``, all finite, and what their range is.

        With ``channels``, images may be grey or colour, as they will be made the one or the other. With ``classes``,
        the program gets labels, the lowest and the highest among them.

        Raises:
            DataError: it does not.
        """
        rng = torch.Generator().manual_seed(0)
        with torch.no_grad():
            z = torch.randn(PROBE, self.latent_dim, generator=rng).to(device)
            labels = torch.arange(PROBE, device=device) * (classes - 1) // (PROBE - 1) if classes else None
            made = self.raw(z, labels).cpu()
        found = tuple(made.shape[1:])
        if found != shape and not (channels and recolourable(found, shape)):
            raise DataError(f"{self.where} makes samples of {unlike(found, shape)}")
        if made.is_floating_point() and not bool(torch.isfinite(made).all()):
            raise DataError(f"{self.where} makes samples that contain NaN or infinity")
        if made.dim() == 4:
            require_floating(made, value_range, self.where)
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
        if is_out_of_memory(error):
            raise
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
    generator = SavedGenerator(program, latent_dim, 0, where, _takes_labels(program, where))
    generator.switched = any(getattr(part, "training", False) for part in program.modules())
    if hasattr(program, "training"):  # a frozen program has no mode
        program.eval()
    return generator


def _takes_labels(program: Any, where: str) -> Conditioning:
    """Whether a TorchScript program takes labels after z, by the arguments of its method ``forward``."""
    arguments = program.forward.schema.arguments[1:]  # without itself
    needed = sum(not argument.has_default_value() for argument in arguments)
    if not arguments or needed > 2:
        raise DataError(f"{where} takes {needed} inputs, {TAKES}")
    if needed == 2:
        return "needed"
    # What else may be given by default, such as a threshold of z, is no tensor.
    return "optional" if len(arguments) > 1 and "Tensor" in str(arguments[1].type) else "none"


def _exported(path: Path, latent_dim: int, where: str) -> SavedGenerator:
    with only_tensors(path, where):
        program = torch.export.load(str(path))
    _require_evaluation(trained_export(program), where)
    names = program.graph_signature.user_inputs
    inputs = [node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(inputs) not in (1, 2) or not isinstance(inputs[0], Tensor) or inputs[0].dim() != 2:
        raise DataError(f"{where} takes {len(inputs)} inputs, {TAKES}")
    labels = inputs[1] if len(inputs) == 2 else torch.zeros(1, dtype=torch.int64)
    if not isinstance(labels, Tensor) or labels.dim() != 1 or labels.dtype not in WHOLE:
        of = f"{labels.dim()} dimensions" if isinstance(labels, Tensor) else "another kind"
        kind = str(getattr(labels, "dtype", type(labels).__name__)).removeprefix("torch.")
        raise DataError(f"{where} takes a second input of {of}, {kind}, {TAKES}")
    batch, width = inputs[0].shape
    if isinstance(width, int):
        if latent_dim not in (0, width):
            raise DataError(f"{where} takes z of {width} numbers, not {latent_dim}; leave --latent-dim out")
        latent_dim = width
    if not latent_dim:
        raise DataError(f"{where} does not say how many numbers its z has; set --latent-dim")
    size = batch if isinstance(batch, int) else 0
    needed: Conditioning = "needed" if len(inputs) == 2 else "none"
    return SavedGenerator(program.module(), latent_dim, size, where, needed, labels.dtype)


def _filled(part: Tensor, size: int) -> Tensor:
    """``part`` (N, ...) with zeros behind it to be ``size`` long; as it is where ``size`` is 0."""
    if not size or len(part) == size:
        return part
    return torch.cat([part, part.new_zeros((size - len(part), *part.shape[1:]))])


def _reason(error: Exception) -> str:
    """Why a program failed, in one line; TorchScript says so in the last line of a traceback through the program."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines and "TorchScript interpreter" in lines[0] else one_line(error)


def _require_evaluation(trained: str, where: str) -> None:
    """Raise :class:`DataError` for a program with a part that is in training mode for good, if any is named."""
    if trained:
        known = f" ({trained} is), so its samples depend" if trained != MODULE else ", so its samples may depend"
        raise DataError(
            f"{where} was saved in training mode{known} on each other or on chance; call .eval() on the generator and "
            "save it again"
        )
