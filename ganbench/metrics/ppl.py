"""Perceptual path length (Karras et al. 2019, arXiv:1812.04948), between features of the trial's extractor."""

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch_fidelity.generative_model_base import GenerativeModelBase
from torch_fidelity.metric_ppl import KEY_METRIC_PPL_RAW, calculate_ppl
from torch_fidelity.registry import (
    NOISE_SOURCE_REGISTRY,
    SAMPLE_SIMILARITY_REGISTRY,
    register_noise_source,
    register_sample_similarity,
)
from torch_fidelity.sample_similarity_base import SampleSimilarityBase

from ganbench.api import Evidence, Metric, Queried, Value

INTERPOLATIONS = ("lerp", "slerp_any")
SIMILARITY, UNIFORM = "ganbench-squared-distance", "ganbench-uniform"
OUTLIERS = 1
"""Percent of the steps that are left out at each end."""
FEW, FINE = 500, 0.01
"""Fewer steps make an uncertain mean; at smaller ones rounding adds more than a twentieth to the number."""
SHORTEST = 1e-6
"""Shorter steps are lost in float32, and the number would be 0 or none."""
BATCH = 250


class SquaredDistance(SampleSimilarityBase):  # type: ignore[misc]
    """torch-fidelity's view of the distance: of two rows of features (N, F) to (N,)."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        return (one - other).square().sum(dim=1)


class FeaturesOf(GenerativeModelBase):  # type: ignore[misc]
    """torch-fidelity's view of a generator and an extractor as one model: from z (N, latent_dim) to features (N, F)."""

    def __init__(self, generator: Queried) -> None:
        super().__init__()
        self._generator = generator

    @property
    def z_size(self) -> int:
        return self._generator.latent_dim

    @property
    def z_type(self) -> str:
        return UNIFORM if self._generator.latent == "uniform" else "normal"

    @property
    def num_classes(self) -> int:
        return self._generator.classes

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        # Both ends of the steps come at once. Asked for apart, they have the same noise of the generator's own.
        halves = zip(z.chunk(2), (None, None) if labels is None else labels.chunk(2), strict=True)
        return torch.cat([self._generator.features(ends, of) for ends, of in halves])


class PPL(Metric):
    """The mean of d(G(a), G(b)) / epsilon² over steps from a to b, a share epsilon of the way to another latent point.

    d is the squared distance of the features of the trial's extractor, not LPIPS as in the paper, so the number cannot
    be compared with published ones. An extractor sees images rounded to 8 bits, so epsilon is larger than the paper's
    1e-4, whose steps such images cannot show. As in torch-fidelity, which computes it, one percent of the steps is
    left out at each end. It does not look at the reference: a generator that makes one sample has a path of length 0.

    Args:
        samples: how many steps; 0 takes as many as fakes are scored.
        epsilon: length of a step as a share of the way between two latent points, from 1e-6, below which float32 has
            no such steps, to 1.
        interpolation: the way between them: ``"lerp"``, straight, or ``"slerp_any"``, along an arc.

    Raises:
        ValueError: one step or a negative number of them, an epsilon out of range, or an unknown interpolation.
    """

    values: ClassVar = {
        "ppl": Value(label="feature PPL", direction="lower"),
        "ppl_std": Value(label="feature PPL std", direction=None),
    }
    needs = ("features", "generator")
    when = "final"

    def __init__(self, samples: int = 0, epsilon: float = 0.03, interpolation: str = "lerp") -> None:
        if samples < 0 or samples == 1:
            raise ValueError(f"samples must be 0 or at least 2, not {samples}")
        if not SHORTEST <= epsilon <= 1:
            raise ValueError(f"epsilon must be from {SHORTEST:g} to 1, not {epsilon:g}")
        if interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation must be one of {', '.join(INTERPOLATIONS)}, not '{interpolation}'")
        self.samples = samples
        self.epsilon = float(epsilon)
        self.interpolation = interpolation

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        steps = self.samples or fakes
        if steps < 2:
            raise ValueError("PPL needs at least 2 samples; raise --num-samples")
        doubts = [f"a mean over {steps} steps is uncertain"] if steps < FEW else []
        if self.epsilon < FINE:
            doubts.append(f"what images change in steps of epsilon={self.epsilon:g} is largely rounding to 8 bits")
        return "; ".join(doubts) or None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.generator is not None
        distances = self.distances(fake.generator, self.samples or fake.n)
        low = np.percentile(distances, OUTLIERS, method="lower")
        high = np.percentile(distances, 100 - OUTLIERS, method="higher")
        kept = distances[(low <= distances) & (distances <= high)]
        return {"ppl": float(np.mean(kept)), "ppl_std": float(np.std(kept))}

    def distances(self, generator: Queried, steps: int) -> npt.NDArray[np.float32]:
        """Return torch-fidelity's distance of each step over epsilon squared, (steps,)."""
        _register()
        found = calculate_ppl(
            1,
            input1=FeaturesOf(generator),
            input1_model_num_samples=steps,
            input1_model_num_classes=generator.classes,
            ppl_epsilon=self.epsilon,
            ppl_z_interp_mode=self.interpolation,
            ppl_sample_similarity=SIMILARITY,
            ppl_reduction="none",
            # Left out here: torch-fidelity asks numpy by a keyword that numpy 2.4 no longer has.
            ppl_discard_percentile_lower=None,
            ppl_discard_percentile_higher=None,
            rng_seed=generator.seed,
            batch_size=BATCH,
            cuda=False,  # a generator takes z from the CPU and runs where it is
            verbose=False,
        )
        distances: npt.NDArray[np.float32] = found[KEY_METRIC_PPL_RAW]
        return distances


def _register() -> None:
    """Make the distance and uniform latents known to torch-fidelity, once."""
    if SIMILARITY not in SAMPLE_SIMILARITY_REGISTRY:
        register_sample_similarity(SIMILARITY, SquaredDistance)
    if UNIFORM not in NOISE_SOURCE_REGISTRY:
        register_noise_source(UNIFORM, lambda rng, shape: torch.from_numpy(rng.rand(*shape) * 2 - 1).float())
