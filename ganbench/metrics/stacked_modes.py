"""Mode counting on stacked digits (Metz et al. 2017, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086)."""

from typing import ClassVar

import torch

from ganbench.api import Evidence, Metric, Value
from ganbench.metrics.mixture import reverse_kl


class StackedModes(Metric):
    """Modes reached and reverse KL, as published: the extractor names each sample's mode, one sample is enough.

    The KL is that between the samples' shares of the modes and the uniform distribution, in nats. It is biased: even
    perfect samples have about (modes - 1) / 2n, which is 0.05 at 10,000 samples and 1,000 modes and 0.02 at 26,000, so
    it is only comparable at equal n. ``class-coverage`` is the stricter counting, where a mode needs a share.
    """

    values: ClassVar = {
        "stacked_modes": Value(label="modes (of all classes)", direction="higher", decimals=1),
        "stacked_kl": Value(label="mode KL", direction="lower", decimals=3),
    }
    needs = ("logits",)

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes < 1:
            raise ValueError("at least one sample is needed")
        if fakes < 10 * max(classes, 1):
            return f"{fakes} samples are few for {classes} modes: perfect ones would miss some"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.logits is not None
        counts = torch.bincount(fake.logits.argmax(dim=1), minlength=fake.logits.shape[1])
        return {"stacked_modes": float((counts > 0).sum()), "stacked_kl": reverse_kl(counts)}
