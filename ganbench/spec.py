"""What a trial is: frozen, validated, with one canonical JSON form, whose hash is the trial's name."""

import re
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from ganbench.external import SourceSpec
from ganbench.files import digest
from ganbench.settings import LATER
from ganbench.settings import Frozen as Frozen
from ganbench.settings import Recipe as Recipe

SCHEMA = 1

Scalar = bool | int | float | str


class Component(Frozen):
    """One resolved component: which one, from which package and source, with which parameters.

    ``parameters`` holds all of them; ``label`` names those that differ from their defaults, as a user would type it.
    ``source`` is a hash of the code that defines it, so that an edited loss is another trial.
    """

    name: str
    label: str
    plugin: str
    version: str
    source: str
    parameters: dict[str, Scalar] = {}


class DataSpec(Frozen):
    """The training samples: what they are, and the fingerprint that they must have when the trial runs."""

    component: Component
    kind: Literal["image", "vector"]
    shape: tuple[int, ...]
    size: int
    fingerprint: str
    classes: Annotated[int, Field(ge=0)] = 0


class ReferenceSpec(Frozen):
    """The samples that fakes are compared with."""

    split: str
    size: int
    fingerprint: str


Labels = Literal["none", "balanced", "reference", "own"]
"""Where the labels of generated samples come from: there are none, as many of each class, as in the reference, or they
came with samples from elsewhere in other shares."""


class EvaluationSpec(Frozen):
    """How a trial is scored. ``shares`` says in words how many of each class have the labels that came with samples;
    it is empty for all other labels."""

    metrics: tuple[Component, ...]
    extractor: Component | None
    extractor_sha256: str
    num_samples: int
    reference: ReferenceSpec
    every: Annotated[int, Field(ge=0)]
    labels: Labels = "none"
    shares: str = ""


class TrialSpec(Frozen):
    """Loss x architecture x dataset x seed under a recipe: the unit of work, of caching and of failure.

    ``augmentations`` are the components that the recipe's ``augment`` names, in its order.
    ``baseline`` marks rows that frame a table and are not ranked in it: ``real`` scores real samples that are not in
    the reference (the floor; it has no loss and no architecture), ``untrained`` a generator before its first step (the
    ceiling; it has no loss), ``external`` what ``ganbench eval`` was given (``source``; it has neither, its recipe says
    nothing, and how long it was trained is not known).
    """

    schema_version: int = SCHEMA
    baseline: Literal["", "real", "untrained", "external"] = ""
    source: SourceSpec | None = None
    loss: Component | None
    penalties: tuple[Component, ...] = ()
    architecture: Component | None
    data: DataSpec
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    recipe: Recipe
    augmentations: tuple[Component, ...] = ()
    evaluation: EvaluationSpec

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was no field when the first trials were stored, where it changes nothing, for their names."""
        content: dict[str, Any] = serialise(self)
        if not self.augmentations:
            content.pop("augmentations", None)
        for name in LATER:
            if getattr(self.recipe, name) == Recipe.model_fields[name].default:
                content.get("recipe", {}).pop(name, None)
        if not self.evaluation.shares:
            content.get("evaluation", {}).pop("shares", None)
        for name in ("named", "channels"):
            if self.source is not None and not getattr(self.source, name):
                content.get("source", {}).pop(name, None)
        return content

    @property
    def trial_id(self) -> str:
        """A readable beginning and twelve digits of the hash of the canonical JSON."""
        return self.name_of(self.model_dump(mode="json"))

    @property
    def cell_id(self) -> str:
        """What trials share that differ in nothing but their seed."""
        return digest(self.model_dump(mode="json", exclude={"seed"}))

    def name_of(self, content: Any) -> str:
        """The name of this trial where ``content`` is its canonical form."""
        words = [
            *([self.source.label] if self.source else []),
            self.baseline or (self.loss.name if self.loss else "no-loss"),
            *([self.architecture.name] if self.architecture else []),
            self.data.component.name,
            f"s{self.seed}",
        ]
        readable = "-".join(re.sub(r"[^a-z0-9.]+", "-", word.lower()).strip("-.") for word in words)
        return f"{readable[:80]}-{digest(content)[:12]}"

    @property
    def loss_label(self) -> str:
        """The loss with its penalties, as a user would type it; the baselines say what they are."""
        if self.source is not None:
            return self.source.label
        if self.loss is None:
            return "(real data)" if self.baseline == "real" else "(untrained)"
        return "+".join(part.label for part in (self.loss, *self.penalties))

    @property
    def architecture_label(self) -> str:
        """The architecture as a user would type it."""
        return self.architecture.label if self.architecture else "-"

    @property
    def weights(self) -> Literal["last", "last-ema"]:
        """Which weights are scored."""
        return "last-ema" if self.recipe.ema_decay else "last"


class Execution(Frozen):
    """How and where a trial runs. None of it is part of the question, so none of it is in the trial's name.

    ``passes`` is how often the discriminator runs in one of its updates, on average: for the loss, and for each penalty
    that calls it; ``g_passes`` is how often the generator runs in one of its own. ``data_at`` are the dataset's
    parameters that say where its samples lie, as absolute paths. ``source_path`` is where the samples or the generator
    are that a trial only scores: a file, or a folder of images or of the trial that trained it. ``beside`` names the
    trials of the same cell, in folders beside this one, that the same process trains with it as one batched model. What
    another version of ganbench wrote here is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: str = "cpu"
    threads: int = 1
    shared_device: bool = False
    data_root: str = "data"
    cache_dir: str = ""
    passes: float = 1.0
    g_passes: float = 1.0
    data_at: dict[str, str] = {}
    source_path: str = ""
    checkpoint_seconds: float = 60.0
    snapshots: Annotated[int, Field(ge=0)] = 24
    beside: tuple[str, ...] = ()


class TrialFile(Frozen):
    """The content of ``spec.json``: all a worker is told."""

    trial_id: str
    spec: TrialSpec
    execution: Execution
    warnings: tuple[str, ...] = ()


STATUSES = ("pending", "running", "done", "diverged", "failed", "timeout", "out-of-memory", "interrupted")
FINAL = ("done", "diverged")
"""Statuses that the same spec would reach again, so they are not run again unless asked."""


def format_scalar(value: Scalar) -> str:
    """As it would be typed: ``true``, ``0.1``, ``text``."""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
