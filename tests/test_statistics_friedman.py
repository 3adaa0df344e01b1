"""Average ranks: the exact distribution against counting every order, and the approximations against scipy."""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics import AverageRanks, friedman
from tests.scores import INF

Places = Sequence[tuple[float, ...]]


def compared(places: Places) -> AverageRanks:
    """Datasets on each of which the methods have one seed, whose score is its place."""
    return statistics.average_ranks([[[place] for place in block] for block in places])


def counted(places: Places) -> tuple[float, dict[float, float]]:
    """By every order on every dataset: p of the Friedman statistic, and P(range of mean ranks >= d) for each d."""
    ranks = [scipy.stats.rankdata(block) for block in places]
    every = [
        np.sum(deal, axis=0) for deal in itertools.product(*(list(itertools.permutations(block)) for block in ranks))
    ]
    squares = [float((sums**2).sum()) for sums in every]
    ranges = [float(np.ptp(sums)) / len(places) for sums in every]
    observed = float((sum(ranks) ** 2).sum())
    beyond = {d: sum(each >= d - 1e-9 for each in ranges) / len(every) for d in set(ranges)}
    return sum(each >= observed - 1e-9 for each in squares) / len(every), beyond


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 3), min_size=2, max_size=4))
@settings(max_examples=25, deadline=None)
def test_it_is_exact_with_ties_too(places: Places) -> None:
    found = compared(places)
    p, beyond = counted(places)
    assert found.exact
    assert found.p == (None if all(len(set(block)) == 1 for block in places) else pytest.approx(p))
    possible = [d for d, share in beyond.items() if share <= 0.05]
    assert found.critical_difference == pytest.approx(min(possible, default=math.inf))


@pytest.mark.parametrize(("wins", "datasets"), [(4, 4), (5, 5), (6, 6), (7, 8), (8, 9), (12, 14)])
def test_two_methods_are_compared_by_the_sign_test(wins: int, datasets: int) -> None:
    """Nemenyi's studentised range would tell the methods apart in 12.5 % where four datasets are all by chance."""
    found = compared([(1, 2)] * wins + [(2, 1)] * (datasets - wins))
    p = scipy.stats.binomtest(wins, datasets).pvalue
    assert found.p == pytest.approx(p)
    assert found.cliques == (((0,), (1,)) if p <= 0.05 else ((0, 1),))
    assert found.critical_difference == math.inf or datasets > 5


def test_few_datasets_can_show_nothing_significant() -> None:
    same = compared([(1, 2, 3)] * 2)
    assert same.p == pytest.approx(1 / 6)
    assert (same.critical_difference, same.cliques) == (math.inf, ((0, 1, 2),))
    # By chi-squared p would be 0.097.
    assert compared([(1, 2, 3), (1, 2, 3), (2, 1, 3)]).p == pytest.approx(0.194, abs=5e-4)


def test_average_ranks_of_a_clear_case() -> None:
    found = statistics.average_ranks([[[1, 2], [3, 4], [5, INF]]] * 5)
    assert found.ranks == (1.0, 2.0, 3.0)
    assert found.p == pytest.approx(6 / 6**5)
    assert found.cliques == ((0, 1), (1, 2))


def test_methods_that_are_given_in_any_order_are_named_best_first() -> None:
    found = statistics.average_ranks([[[5, INF], [1, 2], [3, 4]]] * 5)
    assert (found.ranks, found.cliques) == ((3.0, 1.0, 2.0), ((1, 2), (2, 0)))


def test_a_method_with_more_seeds_stands_where_their_mean_rank_puts_it() -> None:
    assert statistics.average_ranks([[[9.0], [1.0, 2.0, 3.0, 4.0]]]).ranks == (2.0, 1.0)


def test_a_difference_that_chance_makes_just_as_often_as_the_level_counts() -> None:
    """Five datasets agree on two methods by chance in 1 of 16."""
    found, stricter = (statistics.average_ranks([[[1], [2]]] * 5, alpha) for alpha in (1 / 16, 0.0624))
    assert (found.p, found.critical_difference, found.cliques) == (1 / 16, 1.0, ((0,), (1,)))
    assert (stricter.critical_difference, stricter.cliques) == (math.inf, ((0, 1),))


def test_many_datasets_are_compared_by_the_approximations() -> None:
    rng = np.random.default_rng(3)
    places: Places = [tuple(rng.integers(0, 4, 5).tolist()) for _ in range(60)]
    found = compared(places)
    assert not found.exact
    assert found.p == pytest.approx(scipy.stats.friedmanchisquare(*zip(*places, strict=True)).pvalue)
    # Demšar 2006, table 5: q of 0.05 for five methods is 2.728.
    assert found.critical_difference == pytest.approx(2.728 * math.sqrt(5 * 6 / (6 * 60)), abs=1e-3)


def test_where_the_exact_distribution_ends_the_approximations_are_near(monkeypatch: pytest.MonkeyPatch) -> None:
    places: Places = [(1, 2, 3)] * 8 + [(2, 1, 3)] * 6 + [(3, 1, 2)] * 5 + [(3, 2, 1)] * 6
    exact = compared(places)
    monkeypatch.setattr(friedman, "EXACT_WORK", 0)
    friedman._rank_sums.cache_clear()
    approximate = compared(places)
    friedman._rank_sums.cache_clear()
    assert (exact.exact, approximate.exact) == (True, False)
    assert exact.p == pytest.approx(approximate.p, rel=0.1)
    assert exact.critical_difference == pytest.approx(approximate.critical_difference, rel=0.1)


def test_protocols_of_one_data_set_are_one_block() -> None:
    clear, other = [[1.0], [2.0], [3.0]], [[2.0], [1.0], [3.0]]
    found = statistics.average_ranks([clear, clear, other, other], datasets=["a", "a", "a", "b"])
    assert found.blocks == 2
    assert found.ranks == (1.5, 1.5, 3.0)
    assert found.p == statistics.average_ranks([clear, other]).p


@pytest.mark.filterwarnings("error")
def test_there_is_no_test_of_ranks_that_are_all_alike() -> None:
    assert compared([(1, 1, 1)] * 3).p is None
    assert compared([(1, 1)] * 3).p is None


def test_average_ranks_need_complete_blocks() -> None:
    assert statistics.average_ranks([[[1.0], [2.0]]]).p is None
    for blocks in ([], [[[1.0]]], [[[1.0], []]], [[[1.0], [2.0]], [[1.0]]]):
        with pytest.raises(ValueError, match="average ranks need"):
            statistics.average_ranks(blocks)
