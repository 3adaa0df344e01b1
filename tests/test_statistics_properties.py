"""What statistics must not depend on, whatever the scores: order, unit, side, and rows that are clearly worse."""

import math
from collections.abc import Callable, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench import statistics
from ganbench.statistics.published import difference_interval, prediction_interval
from ganbench.statistics.tests import Alternative
from tests.scores import INF

# Whole numbers, and units that are powers of two: what is equal stays equal when it is scaled and moved.
whole = st.integers(-20, 20).map(float)
row = st.lists(whole | st.just(INF), min_size=1, max_size=6)
table = st.lists(row, min_size=2, max_size=5)
several = st.lists(whole, min_size=2, max_size=8).filter(lambda values: min(values) < max(values))
units = st.integers(-200, 200).map(lambda power: 2.0**power)
light = settings(max_examples=60, deadline=None)

TURNED: dict[Alternative, Alternative] = {"less": "greater", "greater": "less", "two-sided": "two-sided"}

GROWING: list[Callable[[float], float]] = [lambda x: 1024.0 * x - 3, lambda x: 2.0**x, lambda x: x**3, math.atan]


def grown(values: Sequence[float], increasing: Callable[[float], float]) -> list[float]:
    return [increasing(value) if math.isfinite(value) else value for value in values]


@given(row, row, st.randoms(use_true_random=False), st.sampled_from(GROWING))
@light
def test_the_rank_test_knows_order_alone(
    a: list[float], b: list[float], rng: Random, increasing: Callable[[float], float]
) -> None:
    for alternative, turned in TURNED.items():
        p = statistics.rank_test(a, b, alternative)
        assert 0 < p <= 1
        assert statistics.rank_test(b, a, turned) == pytest.approx(p)
        assert statistics.rank_test(rng.sample(a, len(a)), rng.sample(b, len(b)), alternative) == p
        assert statistics.rank_test(grown(a, increasing), grown(b, increasing), alternative) == p
    assert statistics.rank_test(a, b, "less") + statistics.rank_test(a, b, "greater") >= 1 - 1e-12


@given(st.lists(whole, min_size=2, max_size=10, unique=True), st.integers(1, 9), st.integers(0, 9), st.integers(0, 50))
@light
def test_a_worse_seed_never_makes_a_sample_look_better(values: list[float], size: int, place: int, by: int) -> None:
    """Without ties: these change what else could have been seen, and a p-value with them."""
    a, b = values[: size % (len(values) - 1) + 1], values[size % (len(values) - 1) + 1 :]
    worse = [value + by + 0.5 if index == place % len(a) else value for index, value in enumerate(a)]
    assert statistics.rank_test(worse, b, "less") >= statistics.rank_test(a, b, "less") - 1e-12
    assert statistics.rank_test(worse, b, "greater") <= statistics.rank_test(a, b, "greater") + 1e-12
    assert statistics.superiority(worse, b).probability <= statistics.superiority(a, b).probability


@given(row, row)
@light
def test_the_probability_of_superiority_is_one_between_two_sides(a: list[float], b: list[float]) -> None:
    found = statistics.superiority(a, b)
    assert statistics.superiority(b, a) == pytest.approx(found.turned)
    assert 0 <= found.low <= found.probability <= found.high <= 1
    assert found.low < found.high
    wider = statistics.superiority(a, b, 0.99)
    assert wider.low <= found.low
    assert wider.high >= found.high
    assert statistics.superiority(a, a).probability == 0.5


@given(table, st.randoms(use_true_random=False), st.sampled_from(GROWING))
@light
def test_tie_groups_are_those_of_the_rows_in_whatever_order_and_unit(
    rows: list[list[float]], rng: Random, increasing: Callable[[float], float]
) -> None:
    groups = statistics.tie_groups(rows)
    order = rng.sample(range(len(rows)), len(rows))
    assert statistics.tie_groups([rng.sample(rows[index], len(rows[index])) for index in order]) == [
        groups[index] for index in order
    ]
    assert statistics.tie_groups([grown(values, increasing) for values in rows]) == groups
    again = statistics.tie_groups([*rows, rows[0]], alpha=0.1)
    assert again[0] == again[-1], "the same scores are in the same group"


far = st.lists(st.integers(-20, 20).map(float), min_size=4, max_size=10)


@given(st.lists(far, min_size=2, max_size=5), st.integers(1, 8), st.sampled_from([100.0, INF]))
@light
def test_a_row_that_is_clearly_worse_throws_no_row_out_of_the_best(
    rows: list[list[float]], seeds: int, bad: float
) -> None:
    """It may keep more of them in: each row has one more rival that could have beaten it."""
    best = statistics.best_set(rows)
    if best == list(range(len(rows))):  # so it is where rows beat each other in a circle
        return
    found = statistics.best_set([*rows, [bad] * seeds])
    assert set(best) <= set(found)


@given(st.lists(far, min_size=1, max_size=5), st.integers(1, 8))
@light
def test_a_row_ahead_of_all_others_is_among_the_best_and_alone_with_seeds_enough(
    rows: list[list[float]], seeds: int
) -> None:
    assert 0 in statistics.best_set([[-100.0] * seeds, *rows])
    assert statistics.best_set([[-100.0] * 10, *[[*values, *[50.0] * 4] for values in rows]]) == [0]


@given(table, st.floats(0.001, 0.5), st.floats(0.001, 0.5))
@light
def test_a_stricter_level_sets_no_more_rows_apart(rows: list[list[float]], one: float, other: float) -> None:
    strict, lenient = (statistics.best_set(rows, alpha) for alpha in sorted((one, other)))
    assert set(strict) >= set(lenient) or len(lenient) == len(rows)


@given(several, units, st.integers(-50, 50), st.randoms(use_true_random=False))
@light
def test_intervals_go_with_the_unit_and_the_order_of_seeds_is_nothing_to_them(
    values: list[float], unit: float, shift: int, rng: Random
) -> None:
    for method in ("t", "bootstrap"):
        found = statistics.interval(values, method=method)
        other = [unit * (value + shift) for value in rng.sample(values, len(values))]
        moved = statistics.interval(other, method=method)
        turned = statistics.interval([-value for value in values], method="t")
        assert found is not None
        assert moved is not None
        assert turned is not None
        assert [end / unit - shift for end in moved[:2]] == pytest.approx(found[:2], abs=1e-9)
        mean = math.fsum(values) / len(values)
        assert found.low <= mean <= found.high
        if method == "t":
            assert (-turned.high, -turned.low) == pytest.approx(found[:2], abs=1e-9)
        else:
            assert min(values) <= found.low <= found.high <= max(values)


@given(several, st.floats(0.5, 0.9), st.floats(0.91, 0.999))
@light
def test_an_interval_of_a_higher_level_holds_that_of_a_lower(values: list[float], low: float, high: float) -> None:
    for method in ("t", "bootstrap"):
        narrow, wide = (statistics.interval(values, level, method) for level in (low, high))
        assert narrow is not None
        assert wide is not None
        assert wide.low <= narrow.low <= narrow.high <= wide.high


@given(several, whole, st.integers(0, 9), st.integers(2, 20), units)
@light
def test_a_difference_from_print_goes_with_the_unit(
    values: list[float], mean: float, error: int, runs: int, unit: float
) -> None:
    found = difference_interval(values, mean, error, runs)
    moved = difference_interval([unit * (value + 7) for value in values], unit * (mean + 7), unit * error, runs)
    assert found is not None
    assert moved is not None
    assert [end / unit for end in moved[:2]] == pytest.approx(found[:2], abs=1e-9)


@given(several, whole, st.integers(1, 20), units, st.randoms(use_true_random=False))
@light
def test_a_difference_from_a_number_alone_goes_with_the_unit_and_its_side(
    values: list[float], number: float, runs: int, unit: float, rng: Random
) -> None:
    found = prediction_interval(values, number, runs)
    moved = prediction_interval([unit * (value + 7) for value in values], unit * (number + 7), runs)
    turned = prediction_interval([-value for value in rng.sample(values, len(values))], -number, runs)
    more = prediction_interval(values, number, runs + 1)
    assert found is not None
    assert moved is not None
    assert turned is not None
    assert more is not None
    assert [end / unit for end in moved[:2]] == pytest.approx(found[:2], abs=1e-9)
    assert (-turned.high, -turned.low) == pytest.approx(found[:2])
    assert found.low < more.low < more.high < found.high, "a mean over more trainings varies less"


@given(row, row, units, st.integers(0, 5), st.booleans())
@light
def test_a_gate_judges_alike_in_any_unit(
    base: list[float], new: list[float], unit: float, margin: int, relative: bool
) -> None:
    size = margin / 8 if relative else float(margin)
    found = statistics.margin_tests(base, new, size, relative=relative)
    was, now = ([value * unit for value in side] for side in (base, new))
    again = statistics.margin_tests(was, now, size if relative else size * unit, relative=relative)
    assert again == found
    if not relative:
        was, now = ([value + 1000 for value in side] for side in (base, new))
        assert statistics.margin_tests(was, now, size) == found


@given(row, row)
@light
def test_without_a_margin_what_is_worse_one_way_is_fine_the_other(base: list[float], new: list[float]) -> None:
    one, other = statistics.margin_tests(base, new), statistics.margin_tests(new, base)
    assert (one.worse, one.fine) == pytest.approx((other.fine, other.worse))
    assert not (one.beyond and other.beyond)


@given(
    st.lists(st.integers(1, 40).map(float), min_size=1, max_size=8),
    st.lists(st.integers(1, 40).map(float) | st.just(INF), min_size=1, max_size=8),
    st.integers(0, 20),
    st.integers(0, 20),
    st.booleans(),
)
@light
def test_a_wider_margin_is_never_harsher(
    base: list[float], new: list[float], one: int, other: int, relative: bool
) -> None:
    small, large = (size / 10 if relative else float(size) for size in sorted((one, other)))
    strict, lenient = (statistics.margin_tests(base, new, size, relative=relative) for size in (small, large))
    assert strict.worse <= lenient.worse + 1e-12
    assert strict.fine >= lenient.fine - 1e-12
    assert strict.beyond >= lenient.beyond
    outcomes = ["fail", "inconclusive", "pass"]
    before, after = (outcomes.index(statistics.decide([tests], 0.05)[0].outcome) for tests in (strict, lenient))
    assert before <= after


p_values = st.lists(st.integers(0, 100).map(lambda share: share / 100), min_size=1, max_size=8)


@given(p_values, st.randoms(use_true_random=False))
@light
def test_holm_knows_no_order_and_a_further_test_makes_none_easier(p: list[float], rng: Random) -> None:
    adjusted = statistics.holm(p)
    order = rng.sample(range(len(p)), len(p))
    assert statistics.holm([p[index] for index in order]) == [adjusted[index] for index in order]
    assert all(more >= less for more, less in zip(statistics.holm([*p, 0.5]), adjusted, strict=False))


@given(st.integers(2, 4), st.integers(2, 4), st.data())
@light
def test_average_ranks_go_with_the_methods_whatever_the_order_of_datasets(
    methods: int, datasets: int, data: st.DataObject
) -> None:
    block = st.lists(st.lists(whole | st.just(INF), min_size=1, max_size=3), min_size=methods, max_size=methods)
    blocks = data.draw(st.lists(block, min_size=datasets, max_size=datasets))
    found = statistics.average_ranks(blocks)
    assert sum(found.ranks) == pytest.approx(methods * (methods + 1) / 2)
    order = data.draw(st.permutations(range(methods)))
    turned = statistics.average_ranks([[each[index] for index in order] for each in reversed(blocks)])
    assert turned.ranks == pytest.approx([found.ranks[index] for index in order])
    assert (turned.p, turned.critical_difference) == pytest.approx((found.p, found.critical_difference))
    worst = statistics.average_ranks([[*each, [INF, INF, INF]] for each in _without_infinity(blocks)])
    kept = statistics.average_ranks(_without_infinity(blocks))
    assert worst.ranks == pytest.approx([*kept.ranks, methods + 1.0])


def _without_infinity(blocks: list[list[list[float]]]) -> list[list[list[float]]]:
    return [[[min(value, 30.0) for value in scores] for scores in block] for block in blocks]
