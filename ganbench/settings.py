"""A recipe's settings: their names, defaults and ranges."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Count = Annotated[int, Field(ge=1, lt=2**63)]
Natural = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Frozen(BaseModel):
    """Immutable, and strict about names: an unknown field is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(Frozen):
    """Everything besides loss, architecture and data that decides a result.

    A step is the discriminator's updates and then those of the generator, one unless ``n_generator`` says more.
    """

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

    steps: Count = Field(2000, description="steps of training: a generator update each, unless n_generator says more")
    batch_size: Count = Field(
        64, description="samples of each kind per update (groups, where an architecture packs them)"
    )
    n_critic: Count = Field(1, description="discriminator updates in a step, before those of the generator")
    n_critic_boost: Natural = Field(
        0, description="discriminator updates in a boosted step; 100 in the WGAN authors' code; 0 = none is boosted"
    )
    boost_first: Natural = Field(0, description="so many steps are boosted at first; 25 in the WGAN authors' code")
    boost_every: Natural = Field(
        0, description="the step after every so many is boosted; 500 in the WGAN authors' code; 0 = none"
    )
    n_generator: Count = Field(
        1, description="generator updates in a step; 2 in a widely used TensorFlow code of DCGAN"
    )
    g_batches: Count = Field(
        1, description="batches of fakes in a generator update; 2 in the WGAN-GP authors' ResNet code"
    )
    latent_dim: Count = Field(128, description="dimension of z")
    latent: Literal["normal", "uniform"] = Field("normal", description="z from N(0, I) or U(-1, 1)")
    optimizer: Literal["adam", "rmsprop", "sgd"] = Field("adam", description="optimiser of both players")
    g_lr: Positive = Field(2e-4, description="generator's learning rate")
    d_lr: Positive = Field(2e-4, description="discriminator's learning rate")
    beta1: Annotated[float, Field(ge=0, lt=1)] = Field(0.5, description="Adam's beta1; momentum of sgd and rmsprop")
    beta2: Annotated[float, Field(ge=0, lt=1)] = Field(0.999, description="Adam's beta2; smoothing of rmsprop")
    adam_eps: Positive = Field(1e-8, description="Adam's epsilon; 1e-6 for BigGAN on ImageNet in its author's code")
    lr_schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="both learning rates stay, or fall on a line or on half a cosine, to zero at the end"
    )
    lr_decay_start: Natural = Field(0, description="steps at the whole learning rate before it falls")
    lr_decay_steps: Natural = Field(0, description="steps in which it falls, and then stays; 0 = all that are left")
    lr_final: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the learning rate to which it falls; 0.25 in the R3GAN authors' code"
    )
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
        1, description="penalties on D's gradients are terms in one step of so many, times as much; 16 in StyleGAN2"
    )
    penalty_final: Annotated[float, Field(ge=0, allow_inf_nan=False)] = Field(
        1.0, description="at the end penalties on D's gradients are so many times as strong; 0.1 in R3GAN's code"
    )
    penalty_decay_steps: Natural = Field(
        0, description="steps in which they get there, on half a cosine, and then stay; 0 = all"
    )
    g_penalty_every: Count = Field(
        1, description="penalties on G are terms in one step of so many, times as much; 4 in StyleGAN2"
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
    "n_critic_boost", "boost_first", "boost_every", "n_generator", "g_batches", "adam_eps", "lr_decay_start",
    "lr_decay_steps", "lr_final", "standing_batches", "mirror", "penalty_every", "penalty_final", "penalty_decay_steps",
    "g_penalty_every",
)  # fmt: skip
"""Settings that are stored where they are not at their defaults: the first trials were stored without them."""
