"""What scores samples: metrics, the evidence they get, and the extractors of its features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from torch import Tensor, nn

from ganbench.api.data import Mixture

Need = Literal["features", "logits", "classes", "labels", "fake_labels", "mixture", "train", "images", "generator"]


@dataclass(frozen=True, kw_only=True)
class Value:
    """One number a metric returns.

    Attributes:
        label: its heading in a table, e.g. ``"FID"``.
        direction: whether lower or higher is better; ``None`` for a number that is not a score.
        decimals: digits after the point in a table, 0 to 20.
        percent: shown times 100 with a percent sign.
    """

    label: str
    direction: Literal["lower", "higher"] | None
    decimals: int = 2
    percent: bool = False


class Queried(Protocol):
    """A generator that a metric asks for samples at latent points of its own choice, with the weights that are scored.

    It is in eval mode and computes in full float32, without gradients; asking leaves no trace in it. Noise that it
    injects itself is the same at each call, so the samples of two calls with as many points differ by z alone.

    Attributes:
        latent_dim: numbers in z.
        latent: what z is drawn from: ``"normal"``, N(0, I), or ``"uniform"``, U(-1, 1) in each coordinate.
        classes: of a conditional generator, which needs labels of 0 to ``classes`` - 1; 0 for any other.
        seed: for the metric's own draws, 0 to 2**32 - 1; the same at each evaluation of a trial, another one for each
            seed of a trial.
    """

    @property
    def latent_dim(self) -> int: ...
    @property
    def latent(self) -> Literal["normal", "uniform"]: ...
    @property
    def classes(self) -> int: ...
    @property
    def seed(self) -> int: ...

    def samples(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the samples at z (N, latent_dim), of the classes ``labels`` int64 (N,), float32 on the CPU.

        Images (N, C, H, W) with black at -1 and white at 1, neither clamped nor rounded, or vectors (N, D).

        Raises:
            ValueError: z has another width, or labels are missing, not wanted or not one class for each z.
        """
        ...

    def features(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Return the features of the samples at z, float32 (N, F) on the CPU.

        An extractor sees them as it sees those that are scored: images clamped and rounded to 8 bits. What a step of
        z changes by less than a rounding does is lost.

        Raises:
            ValueError: as in :meth:`samples`, or there is no extractor, as no metric needs ``features``.
        """
        ...


class Evidence(Protocol):
    """One side of a comparison, extracted once for all metrics.

    Attributes:
        n: the number of samples.
        samples: uint8 images (N, C, H, W) or float32 vectors (N, D), on the CPU.
        features: (N, F) float32 on the CPU, or ``None`` without an extractor.
        logits: (N, K) float32 on the CPU, or ``None`` where the extractor has none.
        labels: int64 (N,), or ``None``: of the reference, its data's; of fakes, the classes that they were asked for,
            and ``None`` where nobody asked for any.
        mixture: the true modes, or ``None``.
        train: on the reference's side, the training samples, for metrics that need ``train``; else ``None``.
        generator: on the fakes' side, what made them; ``None`` where they came without it.
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
    @property
    def generator(self) -> Queried | None: ...

    def statistics(self) -> Mapping[str, Any]:
        """Mean and covariance of the features as torch-fidelity computes them (``mu``, ``sigma``), computed once."""
        ...


class Metric:
    """Scores generated samples against a reference.

    Attributes:
        values: what it returns; the first score, one with a direction, is its headline.
        needs: what it uses besides the samples, each a :data:`Need`; a metric is refused by name where one of them is
            missing. ``images``: the samples must be images. ``classes``: the logits must be of as many classes as the
            reference's labels, and are then taken for the same ones. ``labels`` are the reference's; ``fake_labels``
            are those of the fakes, which only conditional generators and labelled samples have. ``generator``: what
            made the fakes can be asked for more; a metric with this need is refused for samples that come without it,
            and undefined for real ones.
        when: ``"always"`` at every evaluation, or ``"final"`` where it is costly.
    """

    values: ClassVar[Mapping[str, Value]] = {}
    needs: ClassVar[tuple[Need, ...]] = ("features",)
    when: ClassVar[Literal["always", "final"]] = "always"

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        """Judge the sample counts before anything trains.

        Args:
            fakes: how many generated samples are scored.
            reference: how many real ones they are compared with.
            dimension: the number of features, for a metric that needs ``features`` or ``logits``; for any other that
                of the values in one sample: C·H·W of images, D of vectors.
            classes: the number of classes of the reference's labels; 0 without labels.

        Returns:
            A warning of one line, shown with the row, where the number will be worth little; else ``None``.

        Raises:
            ValueError: the counts make the number meaningless.
        """
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        """Return a value for each name in :attr:`values`; ``nan`` where a value is undefined for these samples.

        It must not leave files: trials that run side by side, and later ones, would share them.
        """
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
        batch_size: images that it takes at a time; fewer where memory is short, more where a call is cheap.
        domain: what kind of images it understands, for ``ganbench show``.
    """

    registered_name: ClassVar[str] = ""
    feature_layer: ClassVar[str] = ""
    logits_layer: ClassVar[str] = ""
    dimension: ClassVar[int] = 0
    channels: ClassVar[int] = 3
    sizes: ClassVar[tuple[int, int]] = (1, 1 << 16)
    batch_size: ClassVar[int] = 250
    domain: ClassVar[str] = ""

    def sha256(self) -> str:
        """Return the SHA-256 of the weights file in hexadecimal.

        Raises:
            ganbench.errors.DataError: the weights are missing or are not the ones expected; says where it looked,
                whether a download was tried, and what to do.
        """
        raise NotImplementedError

    def files(self) -> tuple[str, ...]:
        """Return the absolute paths of all files that it reads; a change to any other file goes unnoticed."""
        return ()

    def build(self, layers: list[str]) -> nn.Module:
        """Return the torch-fidelity ``FeatureExtractorBase`` that provides ``layers``, in eval mode, on the CPU.

        Its ``forward`` takes uint8 images (N, channels, H, W) on whatever device it was moved to, without changing
        them, and returns a tuple of (N, F) float32 in the order of ``layers``.
        """
        raise NotImplementedError
