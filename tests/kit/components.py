"""A dataset, a metric, an extractor and a tracker as they should be; the wrong ones differ from them in one place."""

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from ganbench.api import Dataset, Evidence, Extractor, Metric, Mixture, Samples, Value
from ganbench.trackers import Tracked, Tracker


class RightData(Dataset):
    """Points around three corners."""

    metrics: ClassVar[tuple[str, ...]] = ("modes", "high-quality")
    licence, source = "MIT", "generated"

    def mixture(self) -> Mixture | None:
        return Mixture(means=torch.eye(3), sigma=0.05)

    def points(self, split: str) -> Tensor:
        stream = np.random.RandomState(1 if split == "train" else 2)
        corners = np.eye(3)[stream.randint(3, size=300)]
        return torch.from_numpy((corners + 0.05 * stream.standard_normal((300, 3))).astype(np.float32))

    def load(self, split: str, *, root: Path) -> Samples:
        if split not in ("train", "test"):
            raise ValueError("the splits are train and test")
        return Samples(data=self.points(split))


class RightMetric(Metric):
    """The distance of mean features."""

    values = {"gap": Value(label="gap", direction="lower")}

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.features is not None
        assert reference.features is not None
        return {"gap": float((fake.features.mean(0) - reference.features.mean(0)).norm())}


class Thumbnails(nn.Module):
    def __init__(self, layers: list[str]) -> None:
        super().__init__()
        self.layers = layers
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(nn.functional.adaptive_avg_pool2d(images.float() / 255, 4).flatten(1) for _ in self.layers)


class RightExtractor(Extractor):
    """Thumbnails."""

    registered_name, feature_layer, dimension, channels = "inception-v3-compat", "grid", 48, 3

    def sha256(self) -> str:
        return "a" * 64

    def build(self, layers: list[str]) -> nn.Module:
        return Thumbnails(layers)


class RightTracker(Tracker):
    """Counts trials."""

    count = 0

    def trial_started(self, trial: Tracked) -> None:
        self.count += 1
