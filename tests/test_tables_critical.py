"""The diagram of average ranks: what a reader measures in it is what was computed, and nothing in it collides."""

import itertools
import math
from dataclasses import dataclass
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.statistics import AverageRanks
from ganbench.tables.critical import diagram
from ganbench.tables.overall import Overall

Line = tuple[float, float, float, float]


@dataclass
class Drawn:
    """A diagram taken apart: x1, y1, x2 and y2 of each line by its width, x, y and anchor of each text."""

    width: float
    height: float
    lines: dict[str, list[Line]]
    texts: dict[str, tuple[float, float, str]]

    def x(self, rank: float) -> float:
        """Where a rank is, by the numbers that stand at the axis."""
        first, second = self.texts["1"][0], self.texts["2"][0]
        return first + (rank - 1) * (second - first)

    def way_of(self, name: str) -> tuple[Line, Line]:
        """The two lines that lead from the axis to a name: down, then aside."""
        _, y, _ = self.texts[name]
        aside = next(
            line
            for line in self.thin
            if line[1] == line[3] and abs(line[1] - (y - 4)) < 0.2 and abs(line[2] - self.texts[name][0]) < 10
        )
        down = next(line for line in self.thin if line[0] == line[2] == aside[0] and line[3] == aside[1])
        return down, aside

    @property
    def thin(self) -> list[Line]:
        return self.lines["1"]

    @property
    def axis(self) -> float:
        return self.thin[0][1]


def draw(ranks: list[float], cliques: list[tuple[int, ...]], difference: float = 1.5) -> Drawn:
    names = tuple(f"row{index}" for index in range(len(ranks)))
    result = AverageRanks(tuple(ranks), 9, 0.01, difference, tuple(cliques), 0.05, True)
    text = diagram(Overall((("", "", ""),) * len(ranks), names, ("x", "y"), result))
    picture = ElementTree.fromstring(text)
    left, top, width, height = map(float, picture.attrib["viewBox"].split())
    assert (left, top) == (0, 0)
    lines: dict[str, list[Line]] = {}
    for line in picture.iter("line"):
        x1, y1, x2, y2 = (float(line.attrib[name]) for name in ("x1", "y1", "x2", "y2"))
        lines.setdefault(line.attrib["stroke-width"], []).append((x1, y1, x2, y2))
    texts = {
        text.text or "": (float(text.attrib["x"]), float(text.attrib["y"]), text.attrib["text-anchor"])
        for text in picture.iter("text")
    }
    return Drawn(width, height, lines, texts)


def of_ranks(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.integers(9, 9 * count).map(lambda sum_of_nine: sum_of_nine / 9), min_size=count, max_size=count)


@given(st.integers(2, 9).flatmap(of_ranks), st.floats(0.1, 12))
def test_what_is_measured_is_what_was_computed(ranks: list[float], difference: float) -> None:
    count = len(ranks)
    order = sorted(range(count), key=ranks.__getitem__)
    cliques = [tuple(order[:2]), (order[0],), tuple(order[1:])]
    drawn = draw(ranks, cliques, difference)
    ends = drawn.thin[0]
    assert ends == pytest.approx((drawn.x(1), drawn.axis, drawn.x(count), drawn.axis), abs=0.5)
    for tick in range(1, count + 1):
        assert drawn.texts[str(tick)][0] == pytest.approx(drawn.x(tick), abs=0.5)
        assert any(line[0] == line[2] == drawn.texts[str(tick)][0] and line[3] == drawn.axis for line in drawn.thin)
    for index, rank in enumerate(ranks):
        down, _ = drawn.way_of(f"row{index}")
        assert (down[0], down[1]) == pytest.approx((drawn.x(rank), drawn.axis), abs=0.5)
    ((start, _, end, _),) = drawn.lines["2"]
    assert end - start == pytest.approx(drawn.x(1 + min(difference, count - 1)) - drawn.x(1), abs=0.5)
    joined = [[ranks[index] for index in clique] for clique in cliques if len(clique) > 1]
    for bar, among in zip(drawn.lines["4"], joined, strict=True):
        assert bar[0] == pytest.approx(drawn.x(min(among)), abs=4)
        assert bar[2] == pytest.approx(drawn.x(max(among)), abs=4)
        assert bar[0] < drawn.x(min(among)) <= drawn.x(max(among)) < bar[2], "one that joins equal ranks is seen, too"


@given(st.integers(2, 9).flatmap(of_ranks))
def test_nothing_collides_and_everything_is_in_the_picture(ranks: list[float]) -> None:
    count = len(ranks)
    order = sorted(range(count), key=ranks.__getitem__)
    drawn = draw(ranks, [tuple(order[at : at + 2]) for at in range(count - 1)])
    every = [line for lines in drawn.lines.values() for line in lines]
    points = [point for line in every for point in (line[:2], line[2:])] + [spot[:2] for spot in drawn.texts.values()]
    assert all(0 < x < drawn.width and 0 < y < drawn.height for x, y in points)
    names = {name: spot for name, spot in drawn.texts.items() if name.startswith("row")}
    for one, other in itertools.combinations(names.values(), 2):
        assert one[2] != other[2] or abs(one[1] - other[1]) > 12, "one name is written over another"
    for name, (x, _, anchor) in names.items():
        _, aside = drawn.way_of(name)
        assert x < aside[2] < drawn.x(1) if anchor == "end" else x > aside[2] > drawn.x(count), "a name over its line"
    bars = [bar[1] for bar in drawn.lines["4"]]
    assert all(later - earlier > 4 for earlier, later in itertools.pairwise([drawn.axis, *bars]))
    assert all(line[1] > max(bars) for line in (drawn.way_of(name)[1] for name in names))
    numbers = [spot for text, spot in drawn.texts.items() if text.isdecimal()]
    assert all(y < drawn.axis for _, y, _ in numbers), "what stands at the axis is above it, the rows beneath"
    for name, beside in itertools.permutations(names, 2):
        (_, aside), (down, _) = drawn.way_of(name), drawn.way_of(beside)
        within = min(aside[0], aside[2]) < down[0] < max(aside[0], aside[2])
        assert not (within and down[1] < aside[1] < down[3]), f"the line to {name} crosses that to {beside}"


def test_the_better_half_stands_left_the_best_on_top() -> None:
    drawn = draw([5.0, 1.0, 3.0, 2.0, 4.0], [(1,)])
    sides: dict[str, list[tuple[float, str]]] = {"end": [], "start": []}
    for name, (_, y, anchor) in drawn.texts.items():
        if name.startswith("row"):
            sides[anchor].append((y, name))
    assert [name for _, name in sorted(sides["end"])] == ["row1", "row3", "row2"]
    assert [name for _, name in sorted(sides["start"])] == ["row0", "row4"]
    two = draw([2.0, 1.0], [(1,), (0,)])
    assert (two.texts["row1"][2], two.texts["row0"][2]) == ("end", "start")


def test_without_a_difference_that_counts_it_is_said_and_none_is_drawn() -> None:
    drawn = draw([1.0, 2.0], [(0, 1)], math.inf)
    assert "2" not in drawn.lines
    assert "with 9 datasets no difference would be significant" in drawn.texts
