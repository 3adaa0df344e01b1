"""What the tests of evaluation share: the digits, and an evaluator of them."""

from pathlib import Path

import torch

from ganbench.api import Extractor, Metric, Mixture, Samples
from ganbench.datasets.digits import Digits as DigitsData
from ganbench.evaluation.evaluator import Evaluator
from ganbench.extractors.embedded import Digits
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore

CPU = torch.device("cpu")
TRAIN = DigitsData().load("train", root=Path())
TEST = DigitsData().load("test", root=Path())
N = len(TEST)


def evaluator(
    metrics: dict[str, Metric] | None = None,
    *,
    reference: Samples = TEST,
    extractor: Extractor | None = None,
    cache: Path | None = None,
    train: Samples | None = None,
    mixture: Mixture | None = None,
) -> Evaluator:
    return Evaluator(
        reference=reference,
        mixture=mixture,
        metrics=metrics or {"fid": FID(), "is": InceptionScore()},
        extractor=extractor or (Digits() if reference.kind == "image" else None),
        device=CPU,
        cache=cache,
        train=train,
    )
