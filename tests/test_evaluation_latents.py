"""Latent points for pictures: truncated ones by their law, walks by their ends and norms, both by their seed."""

import math

import pytest
import torch
from torch import Tensor

from ganbench.errors import UsageError
from ganbench.evaluation.latents import draw_truncated, draw_walks, walk
from ganbench.evaluation.sampling import Latent, draw_latents


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_without_a_threshold_latents_and_their_stream_are_as_always(kind: Latent) -> None:
    ours, theirs = rng(), rng()
    assert torch.equal(draw_truncated(9, 4, kind, ours, None), draw_latents(9, 4, kind, theirs))
    assert torch.equal(ours.get_state(), theirs.get_state())


@pytest.mark.parametrize("psi", [1e-6, 0.04, 0.5, 2.0, 1e6])
def test_only_what_lies_beyond_the_threshold_is_drawn_again(psi: float) -> None:
    plain, cut = draw_latents(500, 8, "normal", rng()), draw_truncated(500, 8, "normal", rng(), psi)
    within = plain.abs() <= psi
    assert torch.equal(cut[within], plain[within])
    assert cut.abs().max() <= torch.tensor(psi)
    assert torch.equal(cut, draw_truncated(500, 8, "normal", rng(), psi))
    assert not torch.equal(cut, draw_truncated(500, 8, "normal", rng(1), psi))


@pytest.mark.parametrize("psi", [0.3, 1.0, 2.0])
def test_truncated_latents_have_the_law_of_a_normal_that_is_drawn_until_it_is_within(psi: float) -> None:
    cut = draw_truncated(200_000, 1, "normal", rng(), psi).flatten().double().sort().values
    spread = math.erf(psi / math.sqrt(2))
    expected = 0.5 + torch.erf(cut / math.sqrt(2)) / (2 * spread)
    reached = torch.arange(1, len(cut) + 1) / len(cut)
    assert float((reached - expected).abs().max()) < 1.63 / math.sqrt(len(cut))  # Kolmogorov and Smirnov, at 1%


@pytest.mark.parametrize("psi", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_is_a_finite_number_above_0(psi: float) -> None:
    with pytest.raises(UsageError, match="must be a finite number above 0"):
        draw_truncated(2, 2, "normal", rng(), psi)


def test_uniform_latents_are_not_truncated() -> None:
    with pytest.raises(UsageError, match="this generator's are uniform; leave --truncation out"):
        draw_truncated(2, 2, "uniform", rng(), 0.5)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
@pytest.mark.parametrize("steps", [2, 7])
def test_a_walk_begins_and_ends_exactly_at_its_two_points(kind: Latent, steps: int) -> None:
    start, end = draw_latents(6, 64, kind, rng()), draw_latents(6, 64, kind, rng(1))
    points = walk(start, end, steps, kind)
    assert points.shape == (6, steps, 64)
    assert points.dtype == torch.float32
    assert torch.equal(points[:, 0], start)
    assert torch.equal(points[:, -1], end)


def test_normal_latents_walk_on_a_circle_and_uniform_ones_on_a_line() -> None:
    one, other = torch.tensor([[3.0, 0.0]]), torch.tensor([[0.0, 3.0]])
    root = 3 * math.sqrt(0.5)
    torch.testing.assert_close(walk(one, other, 3, "normal")[0, 1], torch.tensor([root, root]))
    torch.testing.assert_close(walk(one, other, 3, "uniform")[0, 1], torch.tensor([1.5, 1.5]))
    assert float(walk(one, other, 9, "normal").norm(dim=-1).sub(3).abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("start", "end"),
    [([[1.0, 1.0]], [[1.0, 1.0]]), ([[1.0]], [[-2.0]]), ([[1.0, 2.0]], [[2.0, 4.0]]), ([[0.0, 0.0]], [[1.0, 0.0]])],
)
def test_points_on_one_line_through_the_origin_are_joined_by_it(
    start: list[list[float]], end: list[list[float]]
) -> None:
    first, last = torch.tensor(start), torch.tensor(end)
    points = walk(first, last, 3, "normal")
    assert bool(points.isfinite().all())
    if float(first.norm()) != 0:
        torch.testing.assert_close(points[:, 1], (first + last) / 2)


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_walks_are_repeated_by_their_seed_row_by_row(kind: Latent) -> None:
    def drawn(seed: int, steps: int = 5) -> Tensor:
        return draw_walks(3, steps, 8, kind, rng(seed)).view(3, steps, 8)

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))
    assert torch.equal(drawn(0)[:, [0, -1]], drawn(0, 2))
    assert torch.equal(drawn(0, 2).flatten(0, 1), draw_latents(6, 8, kind, rng()))


def test_the_ends_of_walks_are_truncated() -> None:
    points = draw_walks(3, 4, 8, "normal", rng(), 0.2).view(3, 4, 8)
    assert torch.equal(points[:, [0, -1]].flatten(0, 1), draw_truncated(6, 8, "normal", rng(), 0.2))
