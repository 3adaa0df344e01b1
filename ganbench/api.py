"""The contracts that plugin authors implement. Everything here runs in the worker, beside torch.

Components are built from keyword parameters, all with defaults: ``wgan-gp[lambda_gp=1]`` becomes
``WGANGP(lambda_gp=1.0)``. Parameters are ``int``, ``float``, ``bool`` or ``str``; the constructor raises
:class:`ValueError` with one clear line where a value makes no sense. What a class declares (its class attributes)
is read before anything trains, so that a pair that cannot work is refused by name.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

import torch
from torch import Tensor, nn

Kind = Literal["image", "vector"]
Conditioning = Literal["none", "labels", "classifier"]


class Discriminator(Protocol):
    """What a penalty may call: samples of shape (N, ...) to raw outputs of shape (N,)."""

    def __call__(self, x: Tensor) -> Tensor: ...


class Penalty:
    """A term added to the discriminator's objective, or a projection of its weights after each update.

    Attributes:
        constrains: what it acts on. A loss that carries a penalty refuses another that constrains the same thing.
        differentiable: whether calling it adds a term; if not, only :meth:`project` is used.
        double_backward: whether it differentiates the discriminator twice; such a penalty is not meaningful on a
            discriminator with batch normalisation, where one sample's gradient depends on its neighbours.
        of_outputs: whether it looks at the raw outputs alone. It is then given those that the loss is computed from,
            through :meth:`on_outputs`, and the discriminator need not be run again.
        kinds: the kinds of samples it understands.
    """

    constrains: ClassVar[str] = "gradient"
    differentiable: ClassVar[bool] = True
    double_backward: ClassVar[bool] = True
    of_outputs: ClassVar[bool] = False
    kinds: ClassVar[tuple[Kind, ...]] = ("image", "vector")
    formula: ClassVar[str] = ""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty as a scalar.

        Args:
            discriminator: maps samples to raw outputs of shape (N,). Under a conditional discriminator the i-th
                sample it is called with has the label of the i-th pair of real and fake.
            real: real samples (N, ...), in the range the networks see ([-1, 1] for images).
            fake: generated samples of the same shape, detached from the generator.
            rng: the trial's own stream for penalties, on the device of the samples.
        """
        raise NotImplementedError

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty as a scalar from raw outputs of shape (N,); for those that are ``of_outputs``."""
        raise NotImplementedError

    def project(self, discriminator: nn.Module) -> None:
        """Change the weights in place after each discriminator update. Nothing by default."""

    def state_dict(self) -> dict[str, Any]:
        """What it remembers from one update to the next: tensors, numbers and text. Nothing by default.

        It goes into a trial's checkpoint, so that a resumed trial is the one that was interrupted.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken; tensors arrive on the CPU."""


class Loss:
    """Maps raw discriminator outputs of shape (N,) to the two players' objectives, both minimised.

    Attributes:
        formula: the two objectives in words, ``(discriminator, generator)``, with r, f = raw outputs on real, fake.
        recommends: recipe settings of its paper, applied under ``--protocol paper``.
        needs_real: whether the generator's objective looks at real samples; where false, ``real`` may be ``None``.
        smoothable: whether :meth:`discriminator` takes ``real_label`` and ``fake_label`` (label smoothing).
        penalty: the penalty the loss carries as part of its definition, or ``None``.
    """

    formula: ClassVar[tuple[str, str]] = ("", "")
    recommends: ClassVar[Mapping[str, Any]] = {}
    needs_real: ClassVar[bool] = False
    smoothable: ClassVar[bool] = False
    penalty: Penalty | None = None

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return what the discriminator minimises, a scalar."""
        raise NotImplementedError

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        """Return what the generator minimises, a scalar."""
        raise NotImplementedError


class Networks(NamedTuple):
    """A generator (N, latent_dim) -> samples in [-1, 1] (or R^D for vectors), a discriminator samples -> (N,).

    Conditional ones also take labels, int64 (N,); how is said by :attr:`Architecture.conditioning`.

    A packed discriminator returns one output per group of samples; see :attr:`Architecture.pack`.
    """

    generator: nn.Module
    discriminator: nn.Module


class Architecture:
    """Builds a generator and a discriminator for a sample shape.

    Attributes:
        kinds: the kinds of samples it can make.
        sizes: (smallest, largest) image side, inclusive; ignored for vectors.
        power_of_two: whether the side must be a power of two.
        double_backward: whether the discriminator can be differentiated twice.
        pack: samples that the discriminator judges together (PacGAN, arXiv:1712.04086). Where it is above 1, the
            discriminator maps N·pack samples to N raw outputs, one per group of ``pack`` neighbours, and an update
            draws ``batch_size * pack`` samples: a loss sees ``batch_size`` outputs of each kind in any case. Penalties
            on single samples' gradients are refused then.
    """

    kinds: ClassVar[tuple[Kind, ...]] = ("image",)
    sizes: ClassVar[tuple[int, int]] = (1, 1 << 16)
    power_of_two: ClassVar[bool] = False
    double_backward: ClassVar[bool] = True
    pack: int = 1

    @classmethod
    def settle(cls, parameters: dict[str, Any], *, gradient_penalty: bool) -> dict[str, Any]:
        """Replace parameters left to the context (``"auto"``) by the values that will be used and recorded."""
        return parameters

    @property
    def batch_norm_in_discriminator(self) -> bool:
        """Whether one sample's discriminator output depends on its neighbours."""
        return False

    @property
    def conditioning(self) -> Conditioning:
        """How class labels reach the networks, as the parameters have it.

        ``"none"``: not at all, :meth:`build` is used. Otherwise the generator is called with latents and labels, and
        :meth:`build_conditional` is used. ``"labels"``: the discriminator is called with samples and labels and returns
        raw outputs (N,), as with a projection. ``"classifier"``: it is called with samples alone and returns raw
        outputs (N,) and class logits (N, classes), which AC-GAN's classification term is computed from.
        """
        return "none"

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        """Return fresh networks, initialised as the paper does, for samples of ``shape`` ((C, H, W) or (D,)).

        Weights are drawn from torch's global generator, which the worker has seeded from the trial's own stream.
        """
        raise NotImplementedError

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return fresh conditional networks for samples of ``classes`` classes; else as :meth:`build`."""
        raise NotImplementedError

    def networks(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        """Return what this architecture builds for data of ``classes`` classes, conditional or not.

        Raises:
            ValueError: it is conditional, and the data has no labels.
        """
        if self.conditioning == "none":
            return self.build(shape, latent_dim)
        if classes < 1:
            raise ValueError("its networks take class labels, and the data has none")
        return self.build_conditional(shape, latent_dim, classes)


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Real or generated samples held as one tensor.

    Attributes:
        data: uint8 images (N, C, H, W) in 0..255, or float32 vectors (N, D).
        labels: int64 class indices (N,), or ``None``.
        classes: the names of the classes; empty without labels.
        files: the files it was read from (absolute), so that a change to one of them is noticed.
    """

    data: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return "image" if self.data.dtype == torch.uint8 else "vector"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (C, H, W) or (D,)."""
        return tuple(self.data.shape[1:])

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def class_count(self) -> int:
        """The number of classes: of their names or, where they have none, one more than the largest label."""
        if self.labels is None or len(self.labels) == 0:
            return 0
        return len(self.classes) or int(self.labels.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over type, shape, values and labels: equal exactly when the samples are equal, in order."""
        state = hashlib.sha256(f"{self.data.dtype} {tuple(self.data.shape)}".encode())
        state.update(self.data.contiguous().cpu().numpy().data)
        if self.labels is not None:
            state.update(self.labels.contiguous().cpu().numpy().data)
        return state.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """An isotropic mixture of Gaussians with equal weights, for metrics that need the true modes.

    Attributes:
        means: (modes, D) float32.
        sigma: the standard deviation of every component.
    """

    means: Tensor
    sigma: float


class Dataset:
    """Real samples, in named splits.

    Attributes:
        extractor: the extractor scored with by default; empty for vectors.
        metrics: the metrics computed by default.
        reference_split: the split that fakes are compared with by default. Training always uses ``train``.
        recommends: recipe settings that these data need, whatever the loss; applied under either protocol.
        licence, source: who made the data and under which terms.
    """

    extractor: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ("fid", "is")
    reference_split: ClassVar[str] = "test"
    recommends: ClassVar[Mapping[str, Any]] = {}
    licence: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def load(self, split: str, *, root: Path) -> Samples:
        """Return the samples of ``split`` (``"train"`` or ``"test"``).

        Args:
            split: which part.
            root: the folder for data files (``--data-root``); embedded datasets ignore it.

        Raises:
            ganbench.errors.DataError: a file is missing (where it looked, whether a download was tried, what to do)
                or damaged (which one).
        """
        raise NotImplementedError

    def mixture(self) -> Mixture | None:
        """Return the true distribution where it is a mixture with known modes."""
        return None


@dataclass(frozen=True, kw_only=True)
class Value:
    """One number a metric returns.

    Attributes:
        label: its heading in a table, e.g. ``"FID"``.
        direction: whether lower or higher is better; ``None`` for a number that is not a score.
        decimals: digits after the point in a table.
        percent: shown times 100 with a percent sign.
    """

    label: str
    direction: Literal["lower", "higher"] | None
    decimals: int = 2
    percent: bool = False


class Evidence(Protocol):
    """One side of a comparison, extracted once for all metrics.

    Attributes:
        n: the number of samples.
        samples: uint8 images (N, C, H, W) or float32 vectors (N, D), on the CPU.
        features: (N, F) float32 on the CPU, or ``None`` without an extractor.
        logits: (N, K) float32 on the CPU, or ``None`` where the extractor has none.
        labels: int64 (N,), or ``None``.
        mixture: the true modes, or ``None``.
        train: on the reference's side, the training samples, for metrics that need ``train``; else ``None``.
    """

    @property
    def n(self) -> int: ...
    @property
    def samples(self) -> Tensor: ...
    @property
    def features(self) -> Tensor | None: ...
    @property
    def logits(self) -> Tensor | None: ...
    @property
    def labels(self) -> Tensor | None: ...
    @property
    def mixture(self) -> Mixture | None: ...
    @property
    def train(self) -> "Evidence | None": ...

    def statistics(self) -> Mapping[str, Any]:
        """Mean and covariance of the features as torch-fidelity computes them (``mu``, ``sigma``), computed once."""
        ...


class Metric:
    """Scores generated samples against a reference.

    Attributes:
        values: what it returns; the first is its headline.
        needs: which of ``features``, ``logits``, ``labels``, ``mixture``, ``train`` it uses. A metric is refused by
            name where one of them cannot be had.
        when: ``"always"`` at every evaluation, or ``"final"`` where it is costly.
    """

    values: ClassVar[Mapping[str, Value]] = {}
    needs: ClassVar[tuple[str, ...]] = ("features",)
    when: ClassVar[Literal["always", "final"]] = "always"

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        """Judge the sample counts before anything trains.

        Returns a warning to be shown with the row where the number will be of little worth, ``None`` where all is
        well.

        Raises:
            ValueError: the counts make the number meaningless.
        """
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        """Return a value for each name in :attr:`values`; ``nan`` where a value is undefined for these samples."""
        raise NotImplementedError


class Extractor:
    """A feature network registered with torch-fidelity, with the identity of its weights.

    Attributes:
        registered_name: the name it is registered under in torch-fidelity.
        feature_layer: the layer used by FID, KID and the like.
        logits_layer: the layer used by IS, or empty.
        dimension: the number of features.
        channels: the number of image channels it takes, 1 or 3.
        sizes: (smallest, largest) image side it takes, inclusive; a network trained on one size refuses others.
        domain: what kind of images it understands, for ``ganbench show``.
    """

    registered_name: ClassVar[str] = ""
    feature_layer: ClassVar[str] = ""
    logits_layer: ClassVar[str] = ""
    dimension: ClassVar[int] = 0
    channels: ClassVar[int] = 3
    sizes: ClassVar[tuple[int, int]] = (1, 1 << 16)
    domain: ClassVar[str] = ""

    def sha256(self) -> str:
        """Return the SHA-256 of the weights file in hexadecimal.

        Raises:
            ganbench.errors.DataError: the weights are missing or are not the ones expected; says where it looked,
                whether a download was tried, and what to do.
        """
        raise NotImplementedError

    def files(self) -> tuple[str, ...]:
        """Return the absolute paths of the files its identity depends on."""
        return ()

    def build(self, layers: list[str]) -> nn.Module:
        """Return the torch-fidelity ``FeatureExtractorBase`` that provides ``layers``, in eval mode, on the CPU.

        Its ``forward`` takes uint8 images (N, channels, H, W) and returns a tuple in the order of ``layers``.
        """
        raise NotImplementedError
