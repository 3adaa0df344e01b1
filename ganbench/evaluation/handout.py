"""What is given to others: a trial's samples as files that any tool reads, and its generator as a program."""

import io
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ganbench.datasets.checks import shown
from ganbench.errors import DataError, StoreError, UsageError, in_one_line
from ganbench.evaluation.images import NonFiniteSamples, require_finite, to_uint8
from ganbench.evaluation.trained import TrainedGenerator
from ganbench.files import ordinary_mode, write_bytes

EXAMPLES = 2
"""How many latent points a program is exported with; one would be taken for all there ever are."""
LARGEST = 2**31 - 1
"""How many a program takes at most."""

TRUNCATION = "truncation"
"""What the threshold of the latents is called in an ``.npz``."""


def write_samples(out: Path, samples: Tensor, labels: Tensor | None, truncation: float | None = None) -> None:
    """Write samples as they are scored: images as their levels 0 to 255, vectors as float32.

    Args:
        out: ``*.npy``, an array (N, C, H, W) or (N, D); ``*.npz``, the same as ``samples`` and, where there are any,
            ``labels``; ``*.zip`` or a folder, a PNG file for each image, in the order of their names.
        samples: images in [-1, 1] (N, C, H, W), or vectors (N, D), on the CPU.
        labels: the classes that were asked for, int64 (N,), or ``None``.
        truncation: of the latent points, which an ``.npz`` says as ``truncation``, a float64.

    Raises:
        UsageError: PNG files are asked for of what they cannot hold, or truncated samples of a file that cannot say so.
        DataError: samples are not finite, which nobody could score.
        StoreError: it cannot be written.
    """
    suffix = out.suffix.lower()
    if truncation is not None and suffix != ".npz":
        raise UsageError(f"{out} cannot say that its samples are truncated; use --out samples.npz, or a .png grid")
    try:
        data = (to_uint8(samples) if samples.dim() == 4 else require_finite(samples)).numpy()
    except NonFiniteSamples as error:
        raise DataError(f"{error}, so {out} is not written; a picture (--out samples.png) shows which") from error
    buffer = io.BytesIO()
    if suffix == ".npy":
        np.save(buffer, data, allow_pickle=False)
    elif suffix == ".npz":
        arrays: dict[str, Any] = {"samples": data} | ({} if labels is None else {"labels": labels.numpy()})
        if truncation is not None:
            arrays[TRUNCATION] = np.float64(truncation)
        np.savez(buffer, **arrays)
    elif suffix == ".zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, content in _png_files(data):
                archive.writestr(zipfile.ZipInfo(name), content)  # without the time: equal samples, equal files
    else:
        _write_folder(out, data)
        return
    write_bytes(out, buffer.getvalue())


def require_untruncated(path: Path) -> None:
    """Raise where an array says that its latents were truncated: neither side of a score may be of those.

    A file that is no ``.npz``, or none of numbers, says nothing; whoever reads it says what is wrong with it.

    Raises:
        DataError: it does.
    """
    if path.suffix.lower() != ".npz":
        return
    try:
        arrays = np.load(path, allow_pickle=False)
        if isinstance(arrays, np.ndarray):  # what numpy.save wrote, under another name
            return
        with arrays:
            threshold = arrays[TRUNCATION] if TRUNCATION in arrays.files else np.empty(0)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return
    if threshold.shape == ():
        raise DataError(
            f"{shown(path)} holds samples truncated at {threshold}, which are for people to look at; use samples "
            "that were drawn without --truncation"
        )


def write_program(out: Path, generator: TrainedGenerator) -> None:
    """Write a generator by ``torch.export``: it takes z (N, latent_dim), and labels (N,) if it is conditional, any N.

    Args:
        out: ``*.pt2``.
        generator: on the CPU.

    Raises:
        UsageError: ``torch.export`` cannot follow this architecture; says why.
    """
    inputs: tuple[Tensor, ...] = (torch.zeros(EXAMPLES, generator.latent_dim),)
    if generator.classes:
        inputs = (*inputs, torch.zeros(EXAMPLES, dtype=torch.int64))
    # Without a bound, torch 2.6 finds that sagan's number of points must not be the largest integer, and refuses it.
    batch = torch.export.Dim("batch", max=LARGEST)
    buffer = io.BytesIO()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # about torch's own parts, which a user cannot mend
            shapes = tuple({0: batch} for _ in inputs)
            program = torch.export.export(generator, inputs, dynamic_shapes=shapes, strict=False)
            torch.export.save(program, buffer)
    except Exception as error:  # whatever an architecture does that a graph cannot hold
        raise UsageError(
            f"this generator cannot be exported ({in_one_line(error, 160)}); load it in Python with "
            "ganbench.load_generator"
        ) from error
    write_bytes(out, buffer.getvalue())


def _png_files(data: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """The name and content of a file for each image, uint8 (N, C, H, W); names sort in the images' order."""
    if data.ndim != 4 or data.shape[1] not in (1, 3):
        what = f"images of {data.shape[1]} channels" if data.ndim == 4 else "points"
        raise UsageError(f"{what} cannot be PNG files; use --out samples.npz")
    digits = len(str(len(data) - 1))
    for number, image in enumerate(data):
        buffer = io.BytesIO()
        Image.fromarray(image[0] if len(image) == 1 else image.transpose(1, 2, 0)).save(buffer, format="PNG")
        yield f"{number:0{digits}}.png", buffer.getvalue()


def _write_folder(out: Path, data: np.ndarray) -> None:
    """Write a folder whole or not at all; only an empty one is replaced, as others' files would be scored too."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".tmp", dir=out.parent))
        try:
            for name, content in _png_files(data):
                (draft / name).write_bytes(content)
            draft.chmod(ordinary_mode() | (ordinary_mode() & 0o444) >> 2)  # who may read, may enter
            draft.rename(out)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}; choose another place") from error
