"""The counting of PacGAN's Table 1 (Lin et al. 2018, arXiv:1712.04086), by its own name."""

from typing import ClassVar

from ganbench.api import Evidence, Metric, Value
from ganbench.metrics.mixture import SIGMAS, mode_counts, reverse_kl

SAMPLES = 2500


class PacGAN(Metric):
    """Modes, high quality and reverse KL as that table has them, over the first 2,500 samples.

    A sample is of high quality when it is less than 3 sigma from its nearest mode; a mode is reached when it has at
    least one such sample; the reverse KL is that between the high-quality samples' shares of the modes and the uniform
    distribution, in nats, as the authors' code counts them (``nan`` without any high-quality sample).

    Args:
        samples: how many are looked at.
    """

    values: ClassVar = {
        "pacgan_modes": Value(label="modes (pacgan)", direction="higher", decimals=1),
        "pacgan_high_quality": Value(label="high quality (pacgan)", direction="higher", decimals=1, percent=True),
        "pacgan_reverse_kl": Value(label="reverse KL (pacgan)", direction="lower", decimals=2),
    }
    needs = ("mixture",)

    def __init__(self, samples: int = SAMPLES) -> None:
        if samples < 1:
            raise ValueError(f"samples must be at least 1, not {samples}")
        self.samples = samples

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes < 1:
            raise ValueError("at least one sample is needed")
        if fakes < self.samples:
            return f"the published protocol looks at {self.samples} samples, here are {fakes}"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert reference.mixture is not None
        points = fake.samples[: self.samples]
        counts = mode_counts(points, reference.mixture, SIGMAS)
        return {
            "pacgan_modes": float((counts > 0).sum()),
            "pacgan_high_quality": float(counts.sum()) / len(points),
            "pacgan_reverse_kl": reverse_kl(counts),
        }
