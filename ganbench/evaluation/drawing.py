"""Samples from a finished trial's generator."""

import io
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganbench import components, manifest, plugins, seeds
from ganbench.api import Architecture, Samples
from ganbench.errors import StoreError, UsageError, in_one_line
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.labels import cycled, evaluation_labels
from ganbench.evaluation.preview import columns_for, grid, png, scatter
from ganbench.evaluation.sampling import sample
from ganbench.files import write_bytes
from ganbench.folder import TrialFolder
from ganbench.spec import TrialSpec


def load_generator(folder: TrialFolder, spec: TrialSpec, warn: Callable[[str], object]) -> nn.Module:
    """Rebuild a trial's generator with the weights that were scored, on the CPU.

    Args:
        folder: the trial's.
        spec: the trial.
        warn: told in one line where the architecture's package has another version, with the same code.

    Raises:
        StoreError: the weights are not those that the trial wrote, or not those of this architecture.
        UsageError: the package of the architecture is missing or has changed.
    """
    if spec.architecture is None:
        raise UsageError(f"{folder.path} has no generator: it scores real data")
    manifest.require_written(folder, folder.generator)
    architecture: Architecture = components.rebuild(
        "architecture", spec.architecture, plugins.load().registry, warn=warn
    )
    generator = architecture.networks(spec.data.shape, spec.recipe.latent_dim, spec.data.classes).generator
    try:
        generator.load_state_dict(load_file(folder.generator))
    except Exception as error:
        raise StoreError(f"{folder.generator} cannot be loaded: {in_one_line(error, 200)}") from error
    return generator


def draw_to_score(
    generator: nn.Module, spec: TrialSpec, reference: Samples, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Return the samples that every evaluation of a trial scores, and their labels where the generator takes some.

    The latent points and labels are the same each time, from streams of their own.
    """
    n = spec.evaluation.num_samples
    labels = evaluation_labels(
        spec.evaluation.labels,
        n,
        reference=reference,
        classes=spec.data.classes,
        rng=seeds.stream(spec.seed, seeds.EVALUATION_LABELS),
    )
    fakes = sample(
        generator,
        n=n,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        rng=seeds.stream(spec.seed, seeds.EVALUATION),
        device=device,
        labels=labels,
    )
    return fakes, labels


def labels_to_draw(spec: TrialSpec, count: int, wanted: int | None) -> Tensor | None:
    """Return the labels (count,) for a trial's generator: of one class, or of all in turn; ``None`` for one that
    takes none.

    Raises:
        UsageError: a class is asked for that there is not.
    """
    classes = spec.data.classes
    if spec.evaluation.labels == "none":
        if wanted is not None:
            raise UsageError(f"the generator of {spec.trial_id} is not conditional; leave --class out")
        return None
    if wanted is None:
        return cycled(count, classes)
    if wanted >= classes:
        raise UsageError(f"--class {wanted}: '{spec.data.component.label}' has the classes 0 to {classes - 1}")
    return torch.full((count,), wanted)


def draw_from_trial(
    folder: TrialFolder,
    spec: TrialSpec,
    *,
    count: int,
    seed: int,
    out: Path,
    columns: int | None,
    wanted: int | None,
    warn: Callable[[str], object],
) -> None:
    """Draw ``count`` samples and write them to ``out``: a PNG grid, or an array for ``numpy.load``.

    Args:
        folder: the trial's.
        spec: the trial.
        count: how many.
        seed: of the latent points.
        out: ``*.png`` or ``*.npy``.
        columns: images in a row; ``None`` for eight, or a column for each class.
        wanted: the class of all samples; ``None`` for all classes in turn.
        warn: as in :func:`load_generator`.

    Raises:
        UsageError: there is no such class, or no picture of such samples.
    """
    labels = labels_to_draw(spec, count, wanted)
    if columns is None:
        columns = columns_for(spec.data.classes if labels is not None and wanted is None else 0)
    samples = sample(
        load_generator(folder, spec, warn),
        n=count,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        rng=seeds.stream(seed, seeds.PREVIEW),
        labels=labels,
        device=torch.device("cpu"),
    )
    if out.suffix == ".npy":
        import numpy

        buffer = io.BytesIO()
        numpy.save(buffer, (to_uint8(samples) if samples.dim() == 4 else samples).numpy(), allow_pickle=False)
        write_bytes(out, buffer.getvalue())
    elif samples.dim() == 4:
        write_bytes(out, png(grid(samples, columns)))
    elif samples.shape[1] >= 2:
        write_bytes(out, scatter(samples, samples, None))
    else:
        raise UsageError("one-dimensional samples have no picture; use --out samples.npy")
