"""What a trial is: frozen, validated, with one canonical JSON form, whose hash is the trial's name."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from ganbench.external import SourceSpec
from ganbench.files import digest

SCHEMA = 1

Scalar = bool | int | float | str
Count = Annotated[int, Field(ge=1, lt=2**63)]
Natural = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Immutable, and strict about names: an unknown field is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(Frozen):
    """Everything besides loss, architecture and data that decides a result. A step is one generator update."""

    @model_validator(mode="before")
    @classmethod
    def _gain_of_the_scheme(cls, given: Any) -> Any:
        """Schemes that keep the size of what passes through have a gain of 1: 0.02 is the deviation of ``normal``."""
        if isinstance(given, Mapping) and given.get("init") in ("xavier", "orthogonal"):
            return {"init_gain": 1.0, **given}
        return given

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        """Refuse ``true`` where a number is meant: Python would read it as 1."""
        if isinstance(value, bool):
            raise ValueError("must not be true or false")
        return value

    steps: Count = Field(2000, description="generator updates")
    batch_size: Count = Field(
        64, description="samples of each kind per update (groups, where an architecture packs them)"
    )
    n_critic: Count = Field(1, description="discriminator updates per generator update")
    n_critic_boost: Natural = Field(
        0, description="discriminator updates in a boosted step; 100 in the WGAN authors' code; 0 = none is boosted"
    )
    boost_first: Natural = Field(0, description="so many steps are boosted at first; 25 in the WGAN authors' code")
    boost_every: Natural = Field(
        0, description="the step after every so many is boosted; 500 in the WGAN authors' code; 0 = none"
    )
    g_batches: Count = Field(1, description="batches of fakes in a generator update; 2 in the WGAN-GP authors' code")
    latent_dim: Count = Field(128, description="dimension of z")
    latent: Literal["normal", "uniform"] = Field("normal", description="z from N(0, I) or U(-1, 1)")
    optimizer: Literal["adam", "rmsprop", "sgd"] = Field("adam", description="optimiser of both players")
    g_lr: Positive = Field(2e-4, description="generator's learning rate")
    d_lr: Positive = Field(2e-4, description="discriminator's learning rate")
    beta1: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="Adam's beta1; momentum of sgd and rmsprop")
    beta2: Annotated[float, Field(ge=0, lt=1)] = Field(0.999, description="Adam's beta2; smoothing of rmsprop")
    lr_schedule: Literal["constant", "linear"] = Field("constant", description="linear: to zero at the end")
    lr_decay_start: Natural = Field(0, description="steps at the whole learning rate before the linear schedule begins")
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="moving average of the generator's weights, which is scored; smaller at first; 0 = off"
    )
    ema_start: Natural = Field(0, description="step from which the average is taken")
    standing_batches: Natural = Field(
        0,
        description="batches of fakes from which what is scored gets its batch-norm statistics; 0 = it has training's",
    )
    smoothing_real: Fraction = Field(0.0, description="label smoothing: real labels are 1 - this (one-sided)")
    smoothing_fake: Fraction = Field(0.0, description="label smoothing: fake labels are 0 + this (two-sided)")
    replay: Natural = Field(
        0, description="earlier fakes kept for the discriminator (groups, where an architecture packs them); 0 = none"
    )
    replay_share: Fraction = Field(0.5, description="share of a fake batch drawn from the earlier ones, each once")
    mirror: Fraction = Field(0.0, description="how likely a real image is shown mirrored, left to right; 0.5 is usual")
    penalty_every: Count = Field(
        1, description="penalties on gradients are terms in one step of so many, times as much; 16 in StyleGAN2"
    )
    augment: str = Field(
        "none", description="augmentations of real and fake images, joined by + in their order: translation, ..."
    )
    ada_target: Fraction = Field(
        0.0, description="augment adaptively: mean sign of D on real images to hold, 0.6 in the paper; 0 = always"
    )
    ada_images: Count = Field(
        500_000, description="real images in which the probability of augmenting can go from 0 to 1"
    )
    init: Literal["architecture", "normal", "xavier", "kaiming", "orthogonal", "torch"] = Field(
        "architecture", description="initial weights: the architecture's own, or one scheme for all"
    )
    init_gain: Positive = Field(
        0.02, description="standard deviation (normal), or gain (xavier, orthogonal: 1 where it is not given)"
    )
    classifier_d: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="weight of an auxiliary classifier's term for the discriminator"
    )
    classifier_g: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="weight of an auxiliary classifier's term for the generator"
    )
    discriminator_batch: Literal["separate", "joint"] = Field(
        "separate", description="in D's updates, real and fake in two forward passes or one concatenated batch"
    )
    precision: Literal["float32", "bfloat16"] = Field("float32", description="arithmetic of the networks")
    divergence_limit: Positive = Field(1e6, description="a loss beyond this, or not finite, ends the trial")


LATER = (
    "n_critic_boost", "boost_first", "boost_every", "g_batches", "lr_decay_start", "standing_batches", "mirror",
    "penalty_every",
)  # fmt: skip
"""Settings that are stored where they are not at their defaults: the first trials were stored without them."""


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
    """How a trial is scored."""

    metrics: tuple[Component, ...]
    extractor: Component | None
    extractor_sha256: str
    num_samples: int
    reference: ReferenceSpec
    every: Annotated[int, Field(ge=0)]
    labels: Labels = "none"


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
    that calls it. ``data_at`` are the dataset's parameters that say where its samples lie, as absolute paths.
    ``source_path`` is where the samples or the generator are that a trial only scores: a file, or a folder of images or
    of the trial that trained it. ``beside`` names the trials of the same cell, in folders beside this one, that the
    same process trains with it as one batched model. What another version of ganbench wrote here is passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    device: str = "cpu"
    threads: int = 1
    shared_device: bool = False
    data_root: str = "data"
    cache_dir: str = ""
    passes: float = 1.0
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
