"""Pictures of samples: a grid of images, or points beside the real ones. Drawn at the same latent points everywhere."""

import io
import logging
from pathlib import Path

import torch
from PIL import Image, PngImagePlugin
from torch import Tensor

from ganbench.api import Mixture
from ganbench.errors import UsageError
from ganbench.evaluation.images import to_uint8
from ganbench.files import write_bytes
from ganbench.records.sheet import GAP, GREY, ROWS, Layout

SIDE_PIXELS = 640
MISSING = (255, 0, 255)
"""Magenta, which hardly any image has: a pixel that is NaN or infinite."""


def grid(images: Tensor, columns: int, *, gap: int = GAP, side: int = SIDE_PIXELS, apart: int = 0) -> Image.Image:
    """Arrange images in [-1, 1], shape (N, C, H, W), row by row; small ones are enlarged without smoothing.

    Images of one or three channels are shown as they are; of any other number, the first channel is. A pixel that is
    not finite in some channel is :data:`MISSING`. ``gap`` grey pixels lie between two images, and ``apart`` more after
    the first of a row; the sheet is enlarged by a whole number as long as it stays within ``side`` pixels.
    """
    finite = torch.isfinite(images).all(dim=1, keepdim=True)
    if images.shape[1] not in (1, 3):
        images = images[:, :1]
    pixels = to_uint8(images.where(finite, 0))
    if not bool(finite.all()):
        pixels = pixels.where(finite, torch.tensor(MISSING, dtype=torch.uint8)[:, None, None])
    count, channels, height, width = pixels.shape
    layout = Layout(columns, -(-count // columns), width, height, gap)
    across, down = layout.size
    sheet = torch.full((channels, down, across + apart), GREY, dtype=torch.uint8)
    for index, image in enumerate(pixels):
        row, column = divmod(index, columns)
        left, top = layout.corner(row, column)
        left += apart if column else 0
        sheet[:, top : top + height, left : left + width] = image
    array = sheet.permute(1, 2, 0).squeeze(-1).contiguous().numpy()
    picture = Image.fromarray(array)
    scale = max(1, side // max(picture.size))
    return picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST)


def import_matplotlib() -> None:
    """Import what draws points.

    Where it cannot write to the home folder it makes a cache for this process alone, and would warn of that in two long
    lines, in every process.
    """
    log = logging.getLogger("matplotlib")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401
    finally:
        log.setLevel(before)


def scatter(fakes: Tensor, real: Tensor, mixture: Mixture | None, notes: dict[str, str] | None = None) -> bytes:
    """Draw two-dimensional samples beside real ones; returns a PNG, with ``notes`` in its text fields.

    Points that are not finite have no place and are left out.
    """
    import_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), dpi=128, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.scatter(real[:2500, 0].numpy(), real[:2500, 1].numpy(), s=3, color="#b0b7bf", label="real", linewidths=0)
    axes.scatter(
        fakes[:2500, 0].numpy(),
        fakes[:2500, 1].numpy(),
        s=3,
        color="#c8102e",
        label="generated",
        linewidths=0,
        alpha=0.6,
    )
    if mixture is not None:
        axes.scatter(
            mixture.means[:, 0].numpy(),
            mixture.means[:, 1].numpy(),
            s=24,
            marker="+",
            color="#1f3a5f",
            label="modes",
            linewidths=1,
        )
    sizes = real[:, :2].abs()
    span = 1.3 * float(sizes.where(torch.isfinite(sizes), 0).max()) or 1.0
    axes.set(xlim=(-span, span), ylim=(-span, span), aspect="equal")
    # Not over the plot, where it would hide modes.
    figure.legend(loc="outside upper center", ncols=3, fontsize="small", markerscale=2)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata=notes)
    return buffer.getvalue()


def png(picture: Image.Image, notes: dict[str, str] | None = None) -> bytes:
    """Encode a picture, with ``notes`` in its text fields, which image viewers and PIL's ``Image.text`` show."""
    fields = PngImagePlugin.PngInfo()
    for name, value in (notes or {}).items():
        fields.add_text(name, value)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True, pnginfo=fields)
    return buffer.getvalue()


def what_is_missing(samples: Tensor) -> str:
    """Say in one line what of samples (N, ...) a picture cannot show as it is; empty where it shows all, or is none."""
    if samples.dim() == 2 and samples.shape[1] < 2:
        return ""  # numbers on a line are not drawn
    seen = samples[:, :2] if samples.dim() == 2 else samples  # of points two coordinates are drawn
    count = int((~torch.isfinite(seen).flatten(1).all(dim=1)).sum())
    if not count:
        return ""
    shown = "their pixels that are not are magenta" if samples.dim() == 4 else "the plot leaves those out"
    return f"{count} of {len(samples)} samples in the picture are not finite; {shown}"


def write_preview(path: Path, fakes: Tensor, *, real: Tensor, mixture: Mixture | None, columns: int = ROWS) -> None:
    """Write ``samples.png`` for fakes in the range of the networks, and nothing for numbers on a line."""
    if fakes.dim() == 4:
        write_bytes(path, png(grid(fakes[: ROWS * columns], columns=columns)))
    elif fakes.shape[1] >= 2:
        write_bytes(path, scatter(fakes, real, mixture))


def write_grid(out: Path, samples: Tensor, columns: int, notes: dict[str, str] | None = None) -> None:
    """Write a picture of samples, ``columns`` in a row, or of points; ``notes`` go into the PNG's text fields.

    Raises:
        UsageError: there is no picture of such samples.
    """
    if samples.dim() == 4:
        picture = png(grid(samples, columns), notes)
    elif samples.shape[1] >= 2:
        picture = scatter(samples, samples, None, notes)
    else:
        raise UsageError("one-dimensional samples cannot be drawn as a picture; use --out samples.npy")
    write_bytes(out, picture)
