"""What ``ganbench eval`` is given: image files, an array, a saved generator, or a trial; how it becomes samples."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from ganbench.api import Samples
from ganbench.datasets.array_files import SUFFIXES as ARRAYS
from ganbench.datasets.array_files import is_torchscript
from ganbench.datasets.checks import shown
from ganbench.errors import ChangedSincePlanning, DataError
from ganbench.evaluation.channels import recolourable, require_channels, unlike
from ganbench.evaluation.classes import read_classes
from ganbench.evaluation.drawing import rebuild_generator
from ganbench.evaluation.reading import left_out, read_given
from ganbench.evaluation.saved import load_saved, runs_on
from ganbench.external import SourceSpec
from ganbench.files import file_sha256
from ganbench.plan import SourceRequest
from ganbench.records.folder import TrialFolder
from ganbench.spec import DataSpec

Kind = Literal["images", "array", "torchscript", "exported"]


class Given(NamedTuple):
    """A source that was opened: what it is, its samples where it holds some, and the files it depends on.

    ``conditional`` says that it is a generator that gets labels, ``warnings`` in a line each what else to know of it.
    """

    spec: SourceSpec
    samples: Samples | None
    files: tuple[str, ...]
    conditional: bool = False
    warnings: tuple[str, ...] = ()


def kind_of(path: Path) -> Kind:
    """Return what a path holds, as :attr:`ganbench.external.SourceSpec.kind` names it.

    Raises:
        DataError: there is nothing, or nothing that can be scored.
    """
    if not path.exists():
        raise DataError(f"there is no file or folder {shown(path)}")
    if path.is_dir():
        if (trial := next(path.glob("*/spec.json"), None)) is not None:
            raise DataError(
                f"{shown(path)} is a folder of trials; name the trials to score, e.g. {shown(trial.parent)}"
            )
        return "images"
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return "images"
    if suffix == ".pt2":
        return "exported"
    if suffix in ARRAYS:
        return "torchscript" if suffix in (".pt", ".pth") and is_torchscript(path) else "array"
    raise DataError(
        f"cannot score {shown(path)}: it must be a folder or .zip of images, a {', '.join(ARRAYS)} array, a "
        "TorchScript .pt or torch.export .pt2 generator, or the folder of a trial"
    )


def open_given(
    request: SourceRequest,
    shape: tuple[int, ...],
    device: torch.device,
    *,
    classes: int = 0,
    labelled: bool = False,
    names: tuple[str, ...] = (),
) -> Given:
    """Look at a source as a whole: whatever is wrong with it is said here, before anything is written.

    Args:
        request: where it is and how it was described.
        shape: of the reference's samples.
        device: where a generator runs.
        classes: of the reference's dataset; 0 where it has no labels.
        labelled: give labels also to a generator that can do without.
        names: of the reference's classes, where the labels of samples are wanted, too.

    Raises:
        DataError: it is damaged, empty, or cannot be compared with samples of ``shape``; or it takes labels and there
            are none.
    """
    path = Path(request.path)
    kind = kind_of(path)
    require_channels(request.channels, shape)
    _require_meaning(request, kind, shape)
    told = _told(request, label_of(path, request.size, request.channels))
    if kind == "images" or kind == "array":  # mypy narrows this, not `in`
        data, files = read_given(
            path, kind, shape, value_range=request.value_range, size=request.size, channels=request.channels
        )
        samples = Samples(data=data, labels=read_classes(path, kind, names) if names else None)
        spec = SourceSpec(kind=kind, **told, fingerprint=samples.fingerprint, value_range=request.value_range)
        unread = left_out(path) if kind == "images" else ""
        return Given(spec, samples, files, warnings=(f"'{spec.label}': {unread}",) if unread else ())
    generator = load_saved(path, kind, request.latent_dim, device)
    conditional = generator.conditioning == "needed" or (labelled and generator.conditioning == "optional")
    if conditional and not classes:
        raise DataError(f"{shown(path)} takes labels, but the reference has none; score it against a labelled dataset")
    generator.settle(
        shape,
        request.value_range,
        runs_on(kind, device),
        channels=request.channels,
        classes=classes if conditional else 0,
    )
    spec = SourceSpec(
        kind=kind,
        **told,
        fingerprint=file_sha256(path),
        latent_dim=generator.latent_dim,
        latent=request.latent or "normal",
        value_range=generator.value_range,
    )
    said = (f"'{spec.label}' was saved in training mode and is scored in eval mode",) if generator.switched else ()
    return Given(spec, None, (str(path),), conditional, said)


def _require_meaning(request: SourceRequest, kind: Kind, shape: tuple[int, ...]) -> None:
    """Raise :class:`DataError` where something is said of a source that means nothing of its kind, or of points."""
    where = shown(Path(request.path))
    if request.size and kind != "images":
        what = "an array" if kind == "array" else "a generator"
        raise DataError(f"--size is for image files, but {where} is {what}; leave it out")
    for option, is_given in (("--latent-dim", request.latent_dim), ("--latent", request.latent)):
        if is_given and kind in ("images", "array"):
            raise DataError(f"{option} is for generators, but {where} contains samples; leave it out")
    if request.value_range and kind == "images":
        raise DataError(
            f"--range is for arrays and generators, but the files in {where} are images of levels 0 to 255; "
            "leave it out"
        )
    if request.value_range and len(shape) != 3:
        raise DataError(f"--range is for images, but the reference contains points of {shape[0]} numbers; leave it out")


def same_samples(now: DataSpec, then: DataSpec, locations: Collection[str] = ()) -> bool:
    """Whether data are those that a trial was planned with: the same samples of the same dataset.

    Its package may be of another version, whose dataset may have parameters that were not there before. ``locations``
    are those that say where the samples lie, which the first trials had among the others.
    """
    one, other = now.component, then.component
    asked = {name: value for name, value in other.parameters.items() if name not in locations}
    return (
        (one.plugin, one.name) == (other.plugin, other.name)
        and asked.items() <= one.parameters.items()
        and now.model_copy(update={"component": other}) == then
    )


def _told(request: SourceRequest, label: str) -> dict[str, Any]:
    """What the user says of any source; ``label`` is its label where the user gives none."""
    return {
        "label": request.label or label,
        "named": bool(request.label),
        "size": request.size,
        "channels": request.channels,
    }


def open_trial(request: SourceRequest, shape: tuple[int, ...]) -> Given:
    """Look at a trial that is scored against another dataset than its own.

    Raises:
        DataError: its samples have another shape.
        StoreError, UsageError: its generator cannot be rebuilt.
    """
    folder = TrialFolder(Path(request.path))
    trial = folder.read_spec().spec
    require_channels(request.channels, shape)
    if trial.data.shape != shape and not (request.channels and recolourable(trial.data.shape, shape)):
        raise DataError(f"{shown(folder.path)} makes samples of {unlike(trial.data.shape, shape)}")
    if trial.evaluation.labels != "none":
        raise DataError(
            f"{shown(folder.path)} has a conditional generator; score it against the dataset that it was trained on"
        )
    rebuild_generator(folder, trial, unsaid)
    spec = SourceSpec(
        kind="trial",
        **_told(request, f"{trial.loss_label} {trial.architecture_label} of {trial.data.component.label}"),
        fingerprint=file_sha256(folder.generator),
        latent_dim=trial.recipe.latent_dim,
        latent=trial.recipe.latent,
    )
    return Given(spec, None, (str(folder.generator), str(folder.spec)))


def reopen(
    spec: SourceSpec,
    path: Path,
    shape: tuple[int, ...],
    device: torch.device,
    warn: Callable[[str], object],
    names: tuple[str, ...] = (),
) -> Samples | nn.Module:
    """Return the samples, or the generator on its device, that a planned source names.

    ``names`` are as for :func:`open_given`. ``warn`` is told in one line where a trial's architecture has the code it
    had, in another version of its package.

    Raises:
        ChangedSincePlanning: it is no longer what it was when it was planned.
    """
    if spec.kind == "images" or spec.kind == "array":  # mypy narrows this, not `in`
        data, _ = read_given(
            path, spec.kind, shape, value_range=spec.value_range, size=spec.size, channels=spec.channels
        )
        samples = Samples(data=data, labels=read_classes(path, spec.kind, names) if names else None)
        _same(samples.fingerprint, spec, path)
        return samples
    if spec.kind == "trial":
        folder = TrialFolder(path)
        _same(file_sha256(folder.generator), spec, path)
        return rebuild_generator(folder, folder.read_spec().spec, warn).to(device)
    _same(file_sha256(path), spec, path)
    generator = load_saved(path, spec.kind, spec.latent_dim, device)
    generator.value_range = spec.value_range
    return generator


def unsaid(warning: str) -> None:
    """Pass over a warning about a generator while planning; the trial that scores it gives it again."""


def label_of(path: Path, size: int, channels: int) -> str:
    """A row's label where none is given: the file's or folder's name, with what was done to the images."""
    done = [f"{name}={value}" for name, value in (("size", size), ("channels", channels)) if value]
    return f"{path.name or path}[{','.join(done)}]" if done else path.name or str(path)


def _same(found: str, spec: SourceSpec, path: Path) -> None:
    if found != spec.fingerprint:
        raise ChangedSincePlanning(
            f"{shown(path)} has changed since the run was planned: its fingerprint is {found[:12]}, expected "
            f"{spec.fingerprint[:12]}",
            spec.fingerprint,
        )
