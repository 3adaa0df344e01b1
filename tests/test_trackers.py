"""Trackers: told everything once and in order, and never in the way."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.files import append_line
from ganbench.grid import parse_axis
from ganbench.planning.suite import Suite
from ganbench.records.folder import TrialFolder
from ganbench.registry import Entry, Registry
from ganbench.spec import Execution, TrialFile
from ganbench.store.results import read_rows
from ganbench.trackers import Settings, Tracked, Tracker
from ganbench.trackers.following import NewLines, Tracking, copy, make_trackers, tracked
from tests.trials import make_spec


class Notebook(Tracker):
    """Remembers all it is told; ``fails`` and ``hangs`` name a call at which it raises or never returns."""

    def __init__(self, settings: Settings, fails: str = "", hangs: str = "", size: int = 1) -> None:
        super().__init__(settings)
        if size < 1:
            raise ValueError(f"size must be at least 1, not {size}")
        self.calls: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()
        self._fails, self._hangs = fails, hangs

    def _told(self, what: str, *more: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.calls.append((what, *more))
        if what == self._hangs:
            time.sleep(60)
        if what == self._fails:
            raise RuntimeError("no network\nat all")

    def trial_started(self, trial: Tracked) -> None:
        self._told("started", trial.label, trial.spec["seed"])

    def progress(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        self._told("progress", record["step"])

    def evaluation(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        self._told("evaluation", record["step"])

    def trial_finished(self, trial: Tracked, status: str, result: Mapping[str, Any]) -> None:
        self._told("finished", status)

    def close(self) -> None:
        self._told("close")


class Screen:
    """A display that remembers what it is told."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.notes: list[str] = []

    def planning(self) -> None:
        self.calls.append("planning")

    def planned(self, total: int, cached: int, elsewhere: int) -> None:
        self.calls.append("planned")

    def started(self, folder: TrialFolder, label: str, steps: int) -> None:
        self.calls.append("started")

    def tick(self) -> None:
        self.calls.append("tick")

    def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
        self.calls.append("finished")

    def note(self, line: str) -> None:
        self.notes.append(line)

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    """The folder of a trial that has just begun."""
    spec = make_spec(seed=3)
    folder = TrialFolder(tmp_path / "runs" / spec.trial_id)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    folder.write_status("running", started=1000.0)
    return folder


def notebook(tmp_path: Path, **options: Any) -> Notebook:
    return Notebook(Settings(out=tmp_path), **options)


def play(tracking: Tracking, folder: TrialFolder) -> None:
    """A trial from its start to its end, with an interrupt that takes a line back."""
    tracking.planning()
    tracking.planned(1, 0, 0)
    tracking.started(folder, "hinge", 30)
    folder.append_progress({"step": 10})
    written = folder.written()
    tracking._looked = 0.0
    tracking.tick()
    folder.append_progress({"step": 20})
    folder.append_metrics({"step": 20, "values": {"fid": 3.0}})
    tracking._looked = 0.0
    tracking.tick()
    folder.rewind(written)
    folder.append_progress({"step": 20})
    folder.append_metrics({"step": 20, "values": {"fid": 3.0}})
    folder.append_progress({"step": 30})
    tracking.finished(folder, "hinge", "done", "")
    tracking.close()


SHOWN = ["planning", "planned", "started", "tick", "tick", "finished", "close"]


def test_a_tracker_is_told_everything_once_and_in_order(folder: TrialFolder, tmp_path: Path) -> None:
    screen, told = Screen(), notebook(tmp_path)
    play(Tracking(screen, {"notebook": told}), folder)
    assert told.calls == [
        ("started", "hinge", 3), ("progress", 10), ("progress", 20), ("evaluation", 20), ("progress", 30),
        ("finished", "done"), ("close",),
    ]  # fmt: skip
    assert told.threads == {"tracker notebook"}
    assert screen.calls == SHOWN
    assert screen.notes == []


@pytest.mark.parametrize("at", ["started", "progress", "evaluation", "finished", "close"])
def test_a_tracker_that_fails_is_switched_off_and_nothing_else_changes(
    folder: TrialFolder, tmp_path: Path, at: str
) -> None:
    screen, good = Screen(), notebook(tmp_path)
    play(Tracking(screen, {"bad": notebook(tmp_path, fails=at), "good": good}), folder)
    assert screen.notes == ["tracker 'bad' failed and was switched off: RuntimeError: no network"]
    assert screen.calls == SHOWN
    assert [call[0] for call in good.calls][-2:] == ["finished", "close"]


def test_what_was_copied_is_told_by_tracker(folder: TrialFolder, tmp_path: Path) -> None:
    """One that failed has not got the trials, however many there are."""
    folder.write_status("failed", "for want of a nail")
    rows, _ = read_rows(tmp_path / "runs")
    notes: list[str] = []
    trackers = {"bad": notebook(tmp_path, fails="finished"), "good": notebook(tmp_path)}
    assert copy(rows, trackers, notes.append) == (1, ("good",))
    assert notes == ["tracker 'bad' failed and was switched off: RuntimeError: no network"]


def test_a_tracker_that_hangs_holds_nobody_up(folder: TrialFolder, tmp_path: Path) -> None:
    screen, good = Screen(), notebook(tmp_path)
    begin = time.monotonic()
    play(Tracking(screen, {"slow": notebook(tmp_path, hangs="started"), "good": good}, patience=0.2), folder)
    assert time.monotonic() - begin < 20
    assert screen.notes == ["tracker 'slow' did not finish in time; its record is not complete"]
    assert [call[0] for call in good.calls][-2:] == ["finished", "close"]


def test_closing_twice_closes_once(folder: TrialFolder, tmp_path: Path) -> None:
    told = notebook(tmp_path)
    tracking = Tracking(Screen(), {"notebook": told})
    tracking.close()
    tracking.close()
    assert told.calls == [("close",)]


def test_a_trial_whose_folder_is_damaged_is_not_tracked_and_said_so(folder: TrialFolder, tmp_path: Path) -> None:
    folder.spec.write_text("{", "utf-8")
    screen, told = Screen(), notebook(tmp_path)
    tracking = Tracking(screen, {"notebook": told})
    tracking.started(folder, "hinge", 30)
    tracking.finished(folder, "hinge", "failed", "")
    tracking.close()
    assert told.calls == [("close",)]
    assert "not tracked" in screen.notes[0]


def test_new_lines_of_a_growing_file(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    lines = NewLines(path)
    assert lines.new() == []
    append_line(path, {"step": 1})
    assert lines.new() == [{"step": 1}]
    assert lines.new() == []
    with path.open("a") as file:
        file.write('{"step": 2')
    assert lines.new() == []
    append_line(path, {"step": 3})
    assert lines.new() == [{"step": 3}]


def registry_with(target: str) -> Registry:
    registry = Registry()
    registry.add(
        Entry(kind="tracker", name="notebook", target=target, summary="", paper="", argument="",
              distribution="mine", version="1")
    )  # fmt: skip
    return registry


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        (
            "notebook[colour=red]",
            f"{__name__}:Notebook",
            "has no parameter 'colour'; choose one of: fails, hangs, size",
        ),
        ("notebook[size=large]", f"{__name__}:Notebook", "size=large must be a whole number"),
        ("notebook[size=0]", f"{__name__}:Notebook", "size must be at least 1, not 0"),
        ("notebook,notebook[size=2]", f"{__name__}:Notebook", "'notebook' is given twice"),
        ("notebook", "no_such_module:Notebook", "No module named 'no_such_module'"),
        ("notbook", f"{__name__}:Notebook", "did you mean 'notebook'"),
    ],
)
def test_a_tracker_that_cannot_be_made_is_refused_before_anything_trains(
    tmp_path: Path, text: str, target: str, message: str
) -> None:
    registry = registry_with(target)
    with pytest.raises(UsageError, match=message):
        make_trackers(parse_axis("tracker", [text], registry), registry, tmp_path)


def test_without_trackers_the_display_is_the_display(tmp_path: Path) -> None:
    screen = Screen()
    assert tracked(screen, [], Registry(), tmp_path) is screen


def test_trackers_in_a_suite() -> None:
    assert Suite.model_validate({"trackers": "tensorboard"}).trackers == ("tensorboard",)
