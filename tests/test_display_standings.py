"""How long trials will still take, and what a line of the table leaves out."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.display.monitor import Monitor, Standing
from ganbench.display.standings import lines, time_left
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.leases import Leases


def one(status: str, *, steps: int = 100, **more: Any) -> Standing:
    return Standing(trial_id="x", label="x", status=status, steps=steps, **more)


def test_a_baseline_that_runs_or_waits_is_no_unknown() -> None:
    """It has no steps, and is done in a moment."""
    running, baseline = one("running", step=50, seconds_left=30.0), one("running", steps=0)
    assert time_left([running, baseline]) == 30.0
    assert time_left([baseline]) == 0.0
    assert time_left([running, one("pending", steps=0)]) == 30.0
    assert time_left([running, one("running")]) is None, "of a trial that has said nothing nobody knows"


def test_a_trial_that_waits_takes_the_mean_of_the_running_ones() -> None:
    """Of 100 and of 300 seconds in all; the first place that is free takes the next trial."""
    running = [one("running", step=50, seconds_left=50.0), one("running", step=90, seconds_left=30.0)]
    assert time_left(running) == 50.0
    assert time_left([*running, one("pending")]) == 230.0
    assert time_left([*running, one("interrupted")]) == 230.0
    assert time_left([*running, one("pending"), one("pending")]) == 250.0


def test_of_a_trial_at_its_last_step_no_length_is_known_and_none_is_needed() -> None:
    ending = one("running", step=100, seconds_left=0.0)
    assert time_left([ending]) == 0.0
    assert time_left([ending, one("pending")]) is None
    assert time_left([one("running", step=99, seconds_left=1.0), one("pending")]) == 101.0


def test_a_line_has_steps_where_there_are_some() -> None:
    told = lines([one("pending"), one("running"), one("failed", step=5, reason="boom"), one("running", steps=0)])[1:]
    assert [row[4] for row in told] == ["", "0/100", "5/100", ""]
    assert [row[-1] for row in told] == ["", "", "boom", ""]
    assert lines([one("running", note="odd", reason="why")])[1][-1] == "odd"


@pytest.mark.parametrize(
    ("status", "line", "left"),
    [
        ("running", {"step": 250, "seconds": 40.0}, 120),
        ("running", {"step": 250}, None),
        ("running", {"step": 0, "seconds": 40.0}, None),
        ("interrupted", {"step": 250, "seconds": 40.0}, None),
    ],
)
def test_what_is_left_is_known_of_a_running_trial_that_said_how_fast_it_is(
    status: str, line: dict[str, float], left: float | None, tmp_path: Path, trial_spec: Callable[..., TrialSpec]
) -> None:
    spec = trial_spec(recipe={"steps": 1000})
    folder = TrialFolder(tmp_path / spec.trial_id)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    folder.append_progress(line)
    folder.write_status(status)
    held = Leases()
    assert held.take(folder.path)
    (found,) = Monitor(tmp_path).look()
    assert found.seconds_left == (None if left is None else pytest.approx(left, abs=5))
    os.utime(folder.progress, (time.time() - 1000,) * 2)
    (late,) = Monitor(tmp_path).look()
    assert late.seconds_left == (None if left is None else 0.0), "it is late, and not done before now"
    held.release_all()


def test_a_folder_in_which_nothing_says_a_name_is_run_again(tmp_path: Path) -> None:
    for content in ("[]", "{}", json.dumps({"trial_id": "vanilla"})):
        folder = tmp_path / "vanilla"
        folder.mkdir(exist_ok=True)
        (folder / "spec.json").write_text(content)
        (found,) = Monitor(tmp_path).look()
        assert found.note.startswith("run again to retrain it: ")
