"""The best value of a score and the area under its curve, from the lines of its evaluations."""

from typing import Any

import pytest

from ganbench.api import Value
from ganbench.worker.curves import areas, best_values


def test_curves_go_through_the_evaluations_where_a_score_is_defined() -> None:
    """As docs/statistics.md says: one in between is bridged, those at the ends are not covered."""
    values = {"kl": Value(label="reverse KL", direction="lower")}

    def curve(*heights: float | None) -> tuple[dict[str, Any], dict[str, Any]]:
        history = [{"step": 10 * place, "values": {"kl": height}} for place, height in enumerate(heights, start=1)]
        return best_values(history, values), areas(history, values)

    assert curve(4.0, None, 2.0, 1.0) == ({"kl": {"value": 1.0, "step": 40}}, {"kl": pytest.approx(2.5)})
    assert curve(None, 4.0, 2.0, None) == ({"kl": {"value": 2.0, "step": 30}}, {"kl": pytest.approx(3.0)})
    assert curve(4.0, 0.0, 2.0) == ({"kl": {"value": 0.0, "step": 20}}, {"kl": pytest.approx(1.5)})  # nought is a value
    assert curve(None, 4.0, None)[1] == curve(None, None, None)[1] == {}


@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_of_equal_best_values_the_first_counts(direction: Any) -> None:
    values = {"x": Value(label="X", direction=direction), "y": Value(label="Y", direction=None)}
    heights = (2.0, 1.0, 3.0, 1.0, 3.0)
    history = [{"step": 10 * place, "values": {"x": x, "y": 0.0}} for place, x in enumerate(heights, start=1)]
    best = {"value": 1.0, "step": 20} if direction == "lower" else {"value": 3.0, "step": 30}
    assert best_values(history, values) == {"x": best}
    assert areas(history, values) == {"x": pytest.approx(1.875)}  # of what has no direction there is none
    assert areas([history[0], history[0]], values) == {}


def test_the_area_under_the_largest_heights_is_a_float() -> None:
    values = {"x": Value(label="X", direction="lower")}
    history = [{"step": step, "values": {"x": x}} for step, x in ((10, 1.5e308), (20, 1.7e308), (2**62, 1.7e308))]
    assert areas(history, values) == {"x": pytest.approx(1.7e308)}
    assert areas(history[:2], values) == {"x": pytest.approx(1.6e308)}
