"""Mode counting, strict and as published."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ganbench.api import Mixture
from ganbench.datasets.mixtures import Grid, Ring
from ganbench.evaluation.features import Extracted
from ganbench.metrics.mixture import HighQuality, Modes, ReverseKL, mode_counts, reverse_kl
from ganbench.metrics.pacgan import PacGAN

RING, GRID = Ring().mixture(), Grid().mixture()


def evidence(points: Tensor, mixture: Mixture = RING) -> Extracted:
    return Extracted(samples=points, mixture=mixture)


def drawn(mixture: Mixture, counts: list[int], seed: int = 0) -> Tensor:
    means = mixture.means[torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))]
    return means + mixture.sigma * torch.randn(means.shape, generator=torch.Generator().manual_seed(seed))


@given(st.lists(st.integers(0, 40), min_size=8, max_size=8))
def test_points_on_the_means_are_counted_exactly(counts: list[int]) -> None:
    points = RING.means[torch.arange(8).repeat_interleave(torch.tensor(counts))]
    assert mode_counts(points, RING).tolist() == counts


@given(st.lists(st.integers(0, 100), min_size=2, max_size=30))
def test_reverse_kl_is_between_zero_and_log_of_the_modes(counts: list[int]) -> None:
    value = reverse_kl(torch.tensor(counts))
    if sum(counts) == 0:
        assert math.isnan(value)
    else:
        assert 0 <= value <= math.log(len(counts)) + 1e-12


@pytest.mark.parametrize(("reached", "modes"), [(8, 8), (4, 8), (1, 8), (5, 25)])
def test_reverse_kl_of_even_modes(reached: int, modes: int) -> None:
    for each in (50, 1):
        counts = torch.tensor([each] * reached + [0] * (modes - reached))
        assert reverse_kl(counts) == pytest.approx(math.log(modes / reached))


def test_radius() -> None:
    mixture = Mixture(means=torch.zeros(1, 2), sigma=0.01)
    points = torch.tensor([[0.0299, 0.0], [0.0301, 0.0], [0.0, -0.0299], [0.03, 0.03]])
    assert mode_counts(points, mixture).tolist() == [2]
    whole = Mixture(means=torch.zeros(1, 2), sigma=1.0)
    assert mode_counts(torch.tensor([[3.0, 0.0]]), whole).tolist() == [0], "just three is not within three"


@pytest.mark.parametrize("mixture", [RING, GRID])
def test_the_data_itself(mixture: Mixture) -> None:
    points = drawn(mixture, [400] * len(mixture.means))
    fake, reference = evidence(points, mixture), evidence(points, mixture)
    assert Modes().compute(fake, reference)["modes"] == len(mixture.means)
    # A Gaussian in the plane has 1 - exp(-9/2) within three sigma.
    assert HighQuality().compute(fake, reference)["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.005)
    assert ReverseKL().compute(fake, reference)["reverse_kl"] < 1e-3


def test_stray_points_are_modes_only_in_the_published_counting() -> None:
    points = drawn(RING, [2400, 2, 2, 3, 0, 0, 0, 0])
    fake = evidence(points)
    assert Modes().compute(fake, fake)["modes"] == 1
    assert PacGAN().compute(fake, fake)["pacgan_modes"] == 4


def test_pacgan_looks_at_the_first_2500() -> None:
    points = torch.cat([RING.means[:1].repeat(2000, 1), torch.full((500, 2), 9.0), RING.means[1:2].repeat(100, 1)])
    found = PacGAN().compute(evidence(points), evidence(points))
    assert found == {
        "pacgan_modes": 1.0,
        "pacgan_high_quality": 0.8,
        "pacgan_reverse_kl": pytest.approx(math.log(8)),
    }
    assert PacGAN().check(fakes=2500, reference=1, dimension=0, classes=8) is None
    assert "2500" in (PacGAN().check(fakes=1000, reference=1, dimension=0, classes=8) or "")


def test_a_mode_with_just_its_share_is_reached_and_one_sample_is_the_least() -> None:
    """A tenth of an eighth of 160 is 2, of 40 is half a sample."""
    many, few = (
        evidence(RING.means[: len(counts)].repeat_interleave(torch.tensor(counts), 0))
        for counts in ([2, 157, 1], [1, 39])
    )
    assert [Modes().compute(fake, fake)["modes"] for fake in (many, few)] == [2, 2]
    assert Modes(share=1.0).compute(many, many)["modes"] == 1
    assert PacGAN().compute(many, many)["pacgan_modes"] == 3


def test_how_near_a_sample_must_be_can_be_chosen() -> None:
    away = RING.means + torch.tensor([2.0, 0.0]) * RING.sigma
    fake = evidence(away)
    for sigmas, near in ((0.5, 0.0), (3.0, 1.0)):
        assert HighQuality(sigmas=sigmas).compute(fake, fake)["high_quality"] == near
        assert Modes(sigmas=sigmas).compute(fake, fake)["modes"] == 8 * near
    assert PacGAN(samples=1).compute(fake, fake)["pacgan_modes"] == 1


def test_nothing_near_any_mode() -> None:
    fake = evidence(torch.full((100, 2), 9.0))
    assert Modes().compute(fake, fake)["modes"] == 0
    assert HighQuality().compute(fake, fake)["high_quality"] == 0
    assert math.isnan(ReverseKL().compute(fake, fake)["reverse_kl"])


def test_bad_parameters() -> None:
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match="share must be in"):
            Modes(share=share)
    with pytest.raises(ValueError, match="sigmas must be positive"):
        HighQuality(sigmas=0)
    with pytest.raises(ValueError, match="samples must be at least 1"):
        PacGAN(samples=0)
