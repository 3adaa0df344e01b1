"""GAN-test: whether fakes are of the classes they were asked for (Shmelkov et al. 2018, arXiv:1807.09499)."""

import math
from typing import ClassVar

from ganbench.api import Evidence, Metric, Value


class GANTest(Metric):
    """The share of fakes that a classifier of real images puts into the class that they were asked for.

    The classifier is the extractor's; its classes must be the dataset's. It says how well a conditional generator
    follows its labels, and nothing of how varied its samples are: one good image per class has a perfect score. Real
    samples (``--baselines``) show how often the classifier itself is right.
    """

    values: ClassVar = {"gan_test": Value(label="GAN-test", direction="higher", decimals=1, percent=True)}
    needs = ("logits", "classes", "fake_labels")

    def check(self, *, fakes: int, reference: int, dimension: int, classes: int) -> str | None:
        if fakes < 1:
            raise ValueError("at least one sample is needed")
        if fakes < 500:
            return f"{fakes} samples are few: the share has a standard error of up to {50 / math.sqrt(fakes):.1f} %"
        return None

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.logits is not None
        assert fake.labels is not None
        right = fake.logits.argmax(dim=1) == fake.labels.to(fake.logits.device)
        return {"gan_test": float(right.double().mean())}
