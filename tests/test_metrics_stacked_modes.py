"""Mode counting on stacked digits."""

import math
from pathlib import Path

import pytest
import torch

from ganbench.datasets.stacked import StackedDigits
from ganbench.evaluation.features import Extracted, extract
from ganbench.extractors.stacked import StackedDigits as Network
from ganbench.metrics.stacked_modes import StackedModes


def scored(modes: torch.Tensor, count: int = 1000) -> dict[str, float]:
    logits = torch.nn.functional.one_hot(modes, count).float()
    evidence = Extracted(samples=torch.zeros(len(modes), 1), logits=logits)
    return StackedModes().compute(evidence, evidence)


def test_counts_and_kl() -> None:
    assert scored(torch.arange(1000)) == {"stacked_modes": 1000.0, "stacked_kl": 0.0}
    one = scored(torch.zeros(500, dtype=torch.int64))
    assert one["stacked_modes"] == 1
    assert one["stacked_kl"] == pytest.approx(math.log(1000))
    half = scored(torch.arange(500).repeat(3))
    assert half["stacked_modes"] == 500
    assert half["stacked_kl"] == pytest.approx(math.log(2))


def test_the_kl_of_perfect_samples_is_as_the_docstring_says() -> None:
    modes = torch.randint(0, 1000, (10_000,), generator=torch.Generator().manual_seed(0))
    assert scored(modes)["stacked_kl"] == pytest.approx(999 / 20_000, rel=0.15)


def test_counts_are_judged() -> None:
    assert StackedModes().check(fakes=10_000, reference=10_000, dimension=192, classes=1000) is None
    assert "few for 1000 modes" in str(StackedModes().check(fakes=500, reference=1, dimension=192, classes=1000))
    with pytest.raises(ValueError, match="at least one"):
        StackedModes().check(fakes=0, reference=1, dimension=1, classes=1000)


def test_real_images_reach_their_modes_and_lost_modes_are_seen() -> None:
    samples = StackedDigits(count=1000, count_test=3000).load("test", root=Path())
    network = Network().build(["192", "logits"])
    features, logits = extract(network, samples.data, channels=3, device=torch.device("cpu"), batch_size=250)
    assert features.shape == (3000, 192)
    assert samples.labels is not None
    # Three digits are right together where one is in 98.9 % of the cases.
    assert float((logits.argmax(dim=1) == samples.labels).float().mean()) > 0.95
    kept = samples.labels < 300  # the first digit is 0, 1 or 2
    evidence = Extracted(samples=samples.data[kept], logits=logits[kept])
    everything = Extracted(samples=samples.data, logits=logits)
    metric = StackedModes()
    full, third = metric.compute(everything, everything), metric.compute(evidence, everything)
    assert full["stacked_modes"] > 900
    assert third["stacked_modes"] < 350
    assert third["stacked_kl"] > math.log(1000 / 300) * 0.9
