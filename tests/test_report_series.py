"""What a report draws of a trial's lines: in order, and short."""

import sys
from pathlib import Path

from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.report.series import MAX_POINTS, loss_curve, metric_curve, rounded


def test_curves_are_in_order_and_short(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    for step in (3, 1, 2):
        append_line(folder.progress, {"step": step, "d_loss": step / 3, "g_loss": None})
    assert loss_curve(folder) == {"step": [1, 2, 3], "d": [0.33333, 0.66667, 1.0], "g": [None, None, None]}
    for step in range(1000):
        append_line(folder.metrics, {"step": step, "images": step * 64, "seconds": 0.1, "values": {"fid": step}})
    curve = metric_curve(folder, ["fid", "is"])
    assert MAX_POINTS // 2 < len(curve["step"]) <= MAX_POINTS
    assert (curve["step"][0], curve["step"][-1], curve["images"][-1]) == (0, 999, 999 * 64)
    assert curve["values"]["is"] == [None] * len(curve["step"])
    # A seed that was stopped half-way has steps in common with those that went on.
    folder.metrics.write_text("".join(folder.metrics.read_text().splitlines(keepends=True)[:601]))
    shorter = metric_curve(folder, ["fid"])["step"]
    assert {step for step in curve["step"] if step <= 600} <= set(shorter)


def test_the_largest_number_is_not_rounded_up_to_infinity() -> None:
    assert rounded(sys.float_info.max) == sys.float_info.max
    assert rounded(-sys.float_info.max) == -sys.float_info.max
    assert rounded(1.234567e308) == 1.2346e308
