"""Samples from a finished trial's generator."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from ganbench import components, plugins, seeds
from ganbench.api import Architecture, Dataset, Samples
from ganbench.errors import GanbenchError, StoreError, UsageError, did_you_mean, in_one_line
from ganbench.evaluation.classes import find_class
from ganbench.evaluation.labels import cycled, evaluation_labels
from ganbench.evaluation.latents import draw_truncated, draw_walks
from ganbench.evaluation.sampling import generate, sample
from ganbench.files import is_regular
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.records.locations import shown
from ganbench.spec import TrialFile, TrialSpec


def rebuild_generator(folder: TrialFolder, spec: TrialSpec, warn: Callable[[str], object]) -> nn.Module:
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
        raise UsageError(f"{folder.path} has no generator, because it scores real data; name a trained trial")
    if folder.generator.exists() and not is_regular(folder.generator):
        raise StoreError(f"{folder.generator} is a link or no file, which is not read; restore it")
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
    generator: nn.Module, spec: TrialSpec, reference: Samples | None, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """Return the samples that every evaluation of a trial scores, and their labels where the generator takes some.

    The latent points and labels are the same each time, from streams of their own. The reference is needed where the
    labels are its own.
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


def labels_to_draw(trial: TrialFile, count: int, wanted: str | None, warn: Callable[[str], object]) -> Tensor | None:
    """Return the labels (count,) for a trial's generator: of one class, or of all in turn; ``None`` for one that
    takes none.

    Args:
        trial: the trial.
        count: how many.
        wanted: the class by its name, where the dataset has names, or by its number; ``None`` for all in turn.
        warn: told in one line where names cannot be looked up.

    Raises:
        UsageError: a class is asked for that there is not.
    """
    spec = trial.spec
    if spec.evaluation.labels == "none":
        if wanted is not None:
            raise UsageError(f"the generator of {spec.trial_id} is not conditional; leave --class out")
        return None
    if wanted is None:
        return cycled(count, spec.data.classes)
    return torch.full((count,), _class_number(trial, wanted, warn))


def _class_number(trial: TrialFile, wanted: str, warn: Callable[[str], object]) -> int:
    """The number of a class."""
    count, label = trial.spec.data.classes, shown(trial.spec.data.component, trial.execution.data_at)
    numeric = wanted.isascii() and wanted.isdecimal()
    names: tuple[str, ...] = ()
    try:
        names = load_split(trial, "train", trial.spec.data.fingerprint).classes
    except GanbenchError as error:
        if not numeric:
            raise
        warn(f"--class {wanted} is read as a number, because the names of the classes cannot be read: {error}")
    if (number := find_class(wanted, names, count)) is not None:
        return number
    hint = "" if numeric else did_you_mean(wanted, names)
    raise UsageError(f"--class {wanted}: '{label}' has the classes 0 to {count - 1}{hint}")


def load_split(trial: TrialFile, split: str, fingerprint: str) -> Samples:
    """Return the samples of a split that a trial was planned with.

    Args:
        trial: what its worker was told.
        split: the dataset's name for it.
        fingerprint: that the samples must have.

    Raises:
        GanbenchError: they cannot be read, or have changed.
    """
    registry, data_at = plugins.load().registry, trial.execution.data_at
    dataset: Dataset = components.rebuild("dataset", trial.spec.data.component, registry, data_at=data_at)
    samples = dataset.load(split, root=Path(trial.execution.data_root))
    if samples.fingerprint != fingerprint:
        name = shown(trial.spec.data.component, data_at)
        raise StoreError(f"the samples of '{name}' have changed since {trial.trial_id} was planned")
    return samples


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which of a generator's samples to draw.

    Attributes:
        seed: of the latent points.
        wanted: the class of all, as in :func:`labels_to_draw`; ``None`` for all in turn.
        truncation: of the latent points, as in :func:`~ganbench.evaluation.latents.draw_truncated`.
    """

    seed: int = 0
    wanted: str | None = None
    truncation: float | None = None


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """Draws from a trial's generator: samples on the CPU, and their labels if it takes any.

    Every method raises :class:`~ganbench.errors.StoreError` and :class:`~ganbench.errors.UsageError` as
    :func:`rebuild_generator` does.

    Attributes:
        folder: the trial's.
        trial: what its worker was told.
        device: where to compute.
        warn: as in :func:`rebuild_generator`.
    """

    folder: TrialFolder
    trial: TrialFile
    device: torch.device
    warn: Callable[[str], object]

    def draw(self, count: int, choice: Choice) -> tuple[Tensor, Tensor | None]:
        """Draw ``count`` samples.

        Raises:
            UsageError: there is no such class, or the latents cannot be truncated.
        """
        recipe = self.trial.spec.recipe
        labels = labels_to_draw(self.trial, count, choice.wanted, self.warn)
        rng = seeds.stream(choice.seed, seeds.PREVIEW)
        latents = draw_truncated(count, recipe.latent_dim, recipe.latent, rng, choice.truncation)
        return self._generate(latents, labels, rng), labels

    def draw_walks(self, rows: int, steps: int, choice: Choice) -> tuple[Tensor, Tensor | None]:
        """Draw images on ``rows`` walks between two latent points each: (rows x steps, C, H, W), walk after walk.

        Each walk of a conditional generator keeps to one class.

        Args:
            rows: how many walks.
            steps: images in each, at least 2; the first and the last are at the two latent points.
            choice: which; of the walks, one class after another where none is wanted.

        Raises:
            UsageError: as in :meth:`draw`, or the samples are points.
        """
        recipe = self.trial.spec.recipe
        if len(self.trial.spec.data.shape) != 3:
            raise UsageError(
                f"the samples of {self.trial.trial_id} are points, whose plot has no rows to walk along; leave "
                "--interpolate out"
            )
        labels = labels_to_draw(self.trial, rows, choice.wanted, self.warn)
        if labels is not None:
            labels = labels.repeat_interleave(steps)
        rng = seeds.stream(choice.seed, seeds.PREVIEW)
        latents = draw_walks(rows, steps, recipe.latent_dim, recipe.latent, rng, choice.truncation)
        return self._generate(latents, labels, rng), labels

    def draw_scored(self) -> tuple[Tensor, Tensor | None]:
        """Draw the samples of the trial's final score again.

        They are the same to the bit on the device that the trial was scored on; another one rounds otherwise.

        Raises:
            StoreError: its labels are the reference's, which has changed.
        """
        spec = self.trial.spec
        generator = rebuild_generator(self.folder, spec, self.warn).to(self.device)
        reference = spec.evaluation.reference
        of_reference = spec.evaluation.labels == "reference"
        real = load_split(self.trial, reference.split, reference.fingerprint) if of_reference else None
        return draw_to_score(generator, spec, real, self.device)

    def _generate(self, latents: Tensor, labels: Tensor | None, rng: torch.Generator) -> Tensor:
        generator = rebuild_generator(self.folder, self.trial.spec, self.warn).to(self.device)
        return generate(generator, latents, rng=rng, device=self.device, labels=labels)
