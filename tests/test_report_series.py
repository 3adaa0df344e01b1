"""What a report draws of a trial's lines: in order, and short."""

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.report.series import MAX_POINTS, _thinned, loss_curve, metric_curve, rounded


def test_curves_are_in_order_and_short(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    for step in (3, 1, 2):
        append_line(folder.progress, {"step": step, "d_loss": step / 3, "g_loss": None})
    assert loss_curve(folder) == {"step": [1, 2, 3], "d": [0.33333, 0.66667, 1.0], "g": [None, None, None]}
    for step in range(1000):
        append_line(folder.metrics, {"step": step, "images": step * 6401, "seconds": 0.1, "values": {"fid": step}})
    curve = metric_curve(folder, ["fid", "is"])
    assert MAX_POINTS // 2 < len(curve["step"]) <= MAX_POINTS
    assert (curve["step"][0], curve["step"][-1], curve["images"][-1]) == (0, 999, 999 * 6401), "counts are not rounded"
    assert curve["values"]["fid"] == curve["step"]
    assert curve["values"]["is"] == [None] * len(curve["step"])
    # A seed that was stopped half-way has steps in common with those that went on.
    folder.metrics.write_text("".join(folder.metrics.read_text().splitlines(keepends=True)[:601]))
    shorter = metric_curve(folder, ["fid"])["step"]
    assert {step for step in curve["step"] if step <= 600} <= set(shorter)


def test_the_largest_number_is_not_rounded_up_to_infinity() -> None:
    assert rounded(sys.float_info.max) == sys.float_info.max
    assert rounded(-sys.float_info.max) == -sys.float_info.max
    assert rounded(1.234567e308) == 1.2346e308


def test_a_curve_is_never_longer_than_what_is_drawn_nor_much_shorter() -> None:
    for count in (*range(4), *range(MAX_POINTS - 3, 3 * MAX_POINTS), *range(4 * MAX_POINTS - 5, 4 * MAX_POINTS + 5)):
        lines: list[Mapping[str, Any]] = [{"step": step} for step in range(count)]
        chosen = _thinned(lines)
        assert min(count, MAX_POINTS // 2) <= len(chosen) <= MAX_POINTS
        assert chosen[:1] == lines[:1]
        assert chosen[-1:] == lines[-1:]
        steps = [line["step"] for line in chosen]
        assert len({later - earlier for earlier, later in itertools.pairwise(steps[:-1])}) <= 1, "evenly chosen"
        if count <= MAX_POINTS:
            assert chosen == lines, "what fits is shown whole"


def test_what_is_no_number_is_a_gap_and_a_line_without_a_step_is_none(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    lines = [
        {"step": 1, "images": 64, "seconds": 0.1234567, "values": {"fid": "NaN"}},
        {"step": "many", "images": 64, "values": {"fid": 2.0}},
        {"step": 2, "values": [3.0]},
    ]
    for line in lines:
        append_line(folder.metrics, line)
    append_line(folder.metrics, {"step": 3, "images": 128, "seconds": 1234.5678, "values": {"fid": 1234.5678}})
    curve = metric_curve(folder, ["fid"])
    assert curve["values"]["fid"].pop() == 1234.5678, "a chart writes it with two decimals"
    assert [curve[axis].pop() for axis in ("step", "images", "seconds")] == [3, 128, 1234.6]
    assert (curve["step"], curve["images"], curve["seconds"]) == ([1, 2], [64, None], [0.12346, None])
    assert curve["values"] == {"fid": [None, None]}
    assert (rounded(123456.0), rounded(-0.000123456)) == (123460.0, -0.00012346)
