"""The one place that decides how a picture of samples is laid out; drawing and reading it are tested where they are."""

import pytest

from ganbench.records.sheet import Layout, columns_for


@pytest.mark.parametrize(("classes", "columns"), [(0, 8), (1, 8), (2, 2), (10, 10), (16, 16), (17, 8), (1000, 8)])
def test_a_few_classes_have_a_column_each(classes: int, columns: int) -> None:
    assert columns_for(classes) == columns


def test_images_lie_beside_each_other_with_a_gap_around_all() -> None:
    layout = Layout(3, 2, 10, 20, gap=2)
    assert layout.size == (2 + 3 * 12, 2 + 2 * 22)
    assert [layout.corner(0, 0), layout.corner(0, 1), layout.corner(1, 0)] == [(2, 2), (14, 2), (2, 24)]
    left, top = layout.corner(1, 2)
    assert (left + 10 + 2, top + 20 + 2) == layout.size  # the last one ends a gap before the edge
