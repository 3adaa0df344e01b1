"""Where trials stand, from their files alone."""

import json
import os
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ganbench.cli.status import status
from ganbench.display import monitor
from ganbench.display.monitor import Monitor, Standing
from ganbench.display.standings import lines, summary, time_left
from ganbench.errors import StoreError
from ganbench.files import read_json, write_json
from ganbench.records import folder
from ganbench.records.folder import TrialFolder
from ganbench.spec import FINAL, SCHEMA, Execution, TrialFile, TrialSpec
from ganbench.store import results
from ganbench.store.handed import Handed
from ganbench.store.leases import Leases
from tests.trials import make_protocol

MakeTrial = Callable[..., TrialFolder]


@pytest.fixture
def trial(tmp_path: Path, trial_spec: Callable[..., TrialSpec]) -> MakeTrial:
    def make(seed: int, state: str, *, step: int = 0, seconds: float = 0.0, **more: Any) -> TrialFolder:
        spec = trial_spec(seed=seed, recipe={"steps": 1000})
        folder = TrialFolder(tmp_path / spec.trial_id)
        folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
        if step:
            folder.append_progress({"step": step, "seconds": seconds, "images_per_second": 640.0})
        if state in FINAL:
            result = {"schema_version": SCHEMA, "trial_id": spec.trial_id, "status": state}
            write_json(folder.result, result | {"protocol": make_protocol(spec).model_dump(mode="json")})
        folder.write_status(state, **more)
        return folder

    return make


def look(runs: Path) -> list[Standing]:
    return Monitor(runs).look()


def hand(folder: TrialFolder) -> TrialFolder:
    Handed("slurm", "1124-1200-ab", 4, 1, time.time()).write(folder.path)
    return folder


def test_a_running_trial_says_where_since_when_how_fast_and_until_when(tmp_path: Path, trial: MakeTrial) -> None:
    started = time.time() - 40
    hand(trial(0, "running", step=250, seconds=40.0, host="node7", devices="2", task="slurm 12_3", started=started))
    (standing,) = look(tmp_path)
    assert (standing.status, standing.where, standing.step, standing.steps) == (
        "running", "node7 gpu 2 (slurm 12_3)", 250, 1000,
    )  # fmt: skip
    assert standing.images_per_second == 640.0
    assert standing.seconds_left == pytest.approx(120, abs=2)
    assert standing.since == pytest.approx(time.time() - 40, abs=5)
    text = "\n".join(" ".join(row) for row in lines([standing]))
    assert "40 s ago" in text
    assert "250/1,000" in text
    assert "640" in text
    assert "1 trial: 1 running; about 2 m left" in summary([standing])


def test_one_that_was_handed_over_and_has_not_begun_says_to_whom(tmp_path: Path, trial: MakeTrial) -> None:
    hand(trial(0, "pending"))
    assert look(tmp_path)[0].where == "slurm 1124-1200-ab/4"
    assert look(tmp_path)[0].waits


def test_a_dead_run_and_a_silent_trial_are_pointed_out(tmp_path: Path, trial: MakeTrial) -> None:
    trial(0, "running", host="elsewhere")
    silent = hand(trial(1, "running", host="elsewhere", task="slurm 1_1"))
    os.utime(silent.status, (0, time.time() - 1000))
    notes = {one.label.rpartition(" ")[2]: one.note for one in look(tmp_path)}
    assert notes["0"] == "its run has ended; run again to resume"
    assert notes["1"].startswith("has written nothing for 16 m")
    assert {one.label.rpartition(" ")[2]: one.alive for one in look(tmp_path)} == {"0": False, "1": True}


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What ``--watch`` has slept; the third time is the test's end."""
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    return slept


def watch(runs: Path) -> str:
    return CliRunner().invoke(status, [str(runs), "--watch"]).output


def test_what_was_killed_is_not_waited_for(tmp_path: Path, trial: MakeTrial, sleeps: list[float]) -> None:
    folder = trial(0, "running")
    folder.append_progress({"step": 10, "seconds": 5.0, "images_per_second": 100.0})
    trial(1, "pending")
    standings = look(tmp_path)
    assert [one.seconds_left for one in standings] == [None, None]
    assert "left" not in summary(standings)
    assert watch(tmp_path).count("its run has ended; run again to resume") == 2
    shutil.rmtree(folder.path)
    assert watch(tmp_path).count("its run has ended; run again to resume") == 1
    assert not sleeps


@pytest.mark.parametrize("held", ["lease", "cluster"])
def test_what_somebody_holds_is_waited_for_beside_what_was_killed(
    tmp_path: Path, trial: MakeTrial, sleeps: list[float], held: str
) -> None:
    trial(0, "running")
    waiting, mine = trial(1, "pending"), Leases()
    if held == "lease":
        assert mine.take(waiting.path)
    else:
        hand(waiting)
    try:
        watch(tmp_path)
    finally:
        mine.release_all()
    assert len(sleeps) == 3


def test_a_failure_says_why_and_a_damaged_folder_hides_no_other(tmp_path: Path, trial: MakeTrial) -> None:
    trial(0, "failed", reason="ValueError: no")
    trial(1, "done")
    (trial(2, "done").spec).write_text("{")
    found = {one.status: one for one in look(tmp_path)}
    assert found.keys() == {"failed", "done", "damaged"}
    assert found["failed"].reason == "ValueError: no"
    assert "spec.json" in found["damaged"].note
    with pytest.raises(StoreError, match="no folder"):
        look(tmp_path / "nowhere")


def tear_result(folder: TrialFolder) -> Path:
    folder.result.write_bytes(folder.result.read_bytes()[:-30])
    return folder.result


def lose_result(folder: TrialFolder) -> Path:
    folder.result.unlink()
    return folder.result


def lose_specification(folder: TrialFolder) -> Path:
    folder.spec.unlink()
    return folder.spec


def take_anothers_result(folder: TrialFolder) -> Path:
    write_json(folder.result, json.loads(folder.result.read_text()) | {"trial_id": "another"})
    return folder.result


@pytest.mark.parametrize("damage", [tear_result, lose_result, lose_specification, take_anothers_result])
def test_what_cannot_be_read_is_not_done_and_says_what_to_do(
    tmp_path: Path, trial: MakeTrial, damage: Callable[[TrialFolder], Path]
) -> None:
    trial(0, "done")
    path = damage(trial(1, "done"))
    answer = CliRunner().invoke(status, [str(tmp_path)], standalone_mode=False)
    assert answer.return_value == 0
    (line,) = (line for line in answer.output.splitlines() if line.startswith("damaged "))
    assert "run again to retrain it: " in line
    assert str(path) in line
    assert answer.output.splitlines()[-1] == "2 trials: 1 done, 1 damaged"


def keep(folder: TrialFolder) -> Path:
    return folder.spec


@pytest.mark.parametrize("damage", [keep, lose_specification])
def test_a_folder_of_another_name_is_renamed_or_removed(
    tmp_path: Path, trial: MakeTrial, damage: Callable[[TrialFolder], Path]
) -> None:
    """What each note says is done, and then the trial is read, or is one that training again repairs."""
    folder = trial(0, "done")
    copy = TrialFolder(shutil.copytree(folder.path, tmp_path / f"{folder.trial_id}.bak"))
    damage(copy)
    notes = {one.trial_id: one.note for one in look(tmp_path)}
    assert notes[folder.trial_id] == ""
    assert notes[copy.trial_id].startswith(f"{folder.trial_id} also exists; remove one of them: ")
    shutil.rmtree(folder.path)
    (alone,) = look(tmp_path)
    assert alone.note.startswith(f"rename it to {folder.trial_id}, or remove it: ")
    copy.path.rename(folder.path)
    (renamed,) = look(tmp_path)
    assert (renamed.note.split(":")[0], renamed.status) in [("", "done"), ("run again to retrain it", "damaged")]
    assert (renamed.status == "done") == (damage is keep)


def test_waiting_trials_take_as_long_as_running_ones() -> None:
    def one(status: str, **more: Any) -> Standing:
        return Standing(trial_id="x", label="x", status=status, steps=100, **more)

    running = [one("running", step=50, seconds_left=30.0), one("running", step=50, seconds_left=30.0)]
    assert time_left(running) == 30.0
    assert time_left([*running, *[one("pending")] * 2]) == 90.0
    assert time_left([*running, *[one("pending")] * 3]) == 150.0
    assert time_left([one("running")]) is None
    assert time_left([one("pending")]) is None
    assert time_left([one("done")]) is None


def test_the_command_prints_a_table_or_json(tmp_path: Path, trial: MakeTrial) -> None:
    trial(0, "done")
    trial(1, "pending")
    table = CliRunner().invoke(status, [str(tmp_path)], standalone_mode=False)
    assert table.output.splitlines()[0].split()[:2] == ["status", "trial"]
    assert table.output.splitlines()[-1] == "2 trials: 1 done, 1 pending"
    content = json.loads(CliRunner().invoke(status, [str(tmp_path), "--json"], standalone_mode=False).output)
    assert [one["status"] for one in content] == ["pending", "done"]
    watched = CliRunner().invoke(status, [str(tmp_path), "--watch", "--json"], standalone_mode=False)
    assert "leave one of them out" in str(watched.exception)


def test_what_has_ended_is_read_again_only_when_it_changed(
    tmp_path: Path, trial: MakeTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, running = trial(0, "done"), trial(1, "running", step=10, seconds=1.0)
    read: list[str] = []
    standing = monitor._standing

    def count(folder: TrialFolder) -> Standing:
        read.append(folder.trial_id)
        return standing(folder)

    monkeypatch.setattr(monitor, "_standing", count)
    eye = Monitor(tmp_path)
    first = eye.look()
    assert eye.look() == first
    assert read.count(done.trial_id) == 1
    assert read.count(running.trial_id) == 2
    tear_result(done)
    assert [one.status for one in eye.look()] == ["running", "damaged"]
    shutil.rmtree(done.path)
    assert [one.trial_id for one in eye.look()] == [running.trial_id]


def test_each_file_is_read_once(tmp_path: Path, trial: MakeTrial, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a trial that has ended: whoever has thousands of them waits for little else."""
    trial(0, "done")
    read: Counter[str] = Counter()
    for module in (folder, results):
        monkeypatch.setattr(module, "read_json", lambda path, **_: read.update([path.name]) or read_json(path))
    assert [one.status for one in look(tmp_path)] == ["done"]
    assert read == {"spec.json": 1, "status.json": 1, "result.json": 1}


@pytest.mark.parametrize("text", ["Infinity", "NaN", "9" * 400, "true"])
def test_what_is_no_number_is_not_known(tmp_path: Path, trial: MakeTrial, text: str) -> None:
    damaged = trial(0, "running", step=10, seconds=1.0, started=0.0)
    for path in (damaged.status, damaged.progress):
        path.write_text(
            re.sub(r'"(started|step|seconds|images_per_second)": [^,}\n]+', rf'"\1": {text}', path.read_text())
        )
    output = CliRunner().invoke(status, [str(tmp_path), "--json"], standalone_mode=False).output
    (found,) = json.loads(output, parse_constant=pytest.fail)
    assert (found["since"], found["step"], found["images_per_second"], found["seconds_left"]) == (None, 0, None, None)


@pytest.mark.parametrize(("height", "trials"), [(9, 5), (8, 3), (3, 1)])
def test_watching_shows_what_fits_of_it_those_under_way_first(
    tmp_path: Path, trial: MakeTrial, monkeypatch: pytest.MonkeyPatch, height: int, trials: int
) -> None:
    for seed in range(4):
        trial(seed, "done")
    trial(4, "running")
    monkeypatch.setattr(monitor.Standing, "alive", False)  # or it would be looked at again
    monkeypatch.setattr("ganbench.cli.outputs.terminal_height", lambda: height)
    output = CliRunner().invoke(status, [str(tmp_path), "--watch"], standalone_mode=False).output
    text = output.splitlines()
    assert len(text) <= max(height - 1, 5)
    assert text[1].startswith("running")
    assert sum(line.startswith(("running", "done")) for line in text) == trials
    more = [line for line in text if line.startswith("and ")]
    assert more == ([f"and {5 - trials} more; without --watch all of them are listed"] if trials < 5 else [])
    assert text[-1] == "5 trials: 4 done, 1 running"
    whole = CliRunner().invoke(status, [str(tmp_path)], standalone_mode=False).output
    assert sum(line.startswith(("running", "done")) for line in whole.splitlines()) == 5
