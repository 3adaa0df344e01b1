"""``ganbench runs`` in this process, on a trial that was written without training."""

import json
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.cli import runs
from ganbench.errors import StoreError
from ganbench.files import read_json
from ganbench.records import folder as folder_module
from ganbench.records.folder import TrialFolder
from ganbench.store import lease_file, pruning, results
from ganbench.store.leases import Leases
from tests.commands import ganbench
from tests.fuzz.example import write_example
from tests.fuzz.inputs import run_command
from tests.leasing import aged, foreign
from tests.trials import make_spec, make_trial


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(write_example(tmp_path / "runs"))


def test_list_says_who_holds_what(folder: TrialFolder, tmp_path: Path) -> None:
    code, output, _ = run_command(["runs", "list"], tmp_path)
    assert code == 0
    assert output.startswith("done ")
    assert folder.trial_id in output
    leases = Leases()
    assert leases.take(folder.path)
    try:
        _, listed, _ = run_command(["runs", "list", "--json"], tmp_path)
        assert "process" in json.loads(listed)[0]["held_by"]
    finally:
        leases.release_all()
    assert run_command(["runs", "list", "--status", "failed"], tmp_path)[1] == ""
    for wanted in (["failed,done"], ["failed", "--status", "done"]):
        assert run_command(["runs", "list", "--status", *wanted], tmp_path)[1] == output
    code, _, messages = run_command(["runs", "list", "--status", "done,fialed"], tmp_path)
    assert (code, "did you mean 'failed'" in messages) == (2, True)


def test_list_reads_each_file_once(folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()
    for module in (folder_module, results):
        monkeypatch.setattr(module, "read_json", lambda path, **_: read.update([path.name]) or read_json(path))
    _, output, _ = run_command(["runs", "list", "--json"], tmp_path)
    assert json.loads(output)[0]["time"] == read_json(folder.status)["time"]
    assert read == {"spec.json": 1, "status.json": 1, "result.json": 1}


def test_a_time_that_no_calendar_has_is_not_shown(folder: TrialFolder, tmp_path: Path) -> None:
    for moment in ("1e300", "NaN", '"noon"'):
        folder.status.write_text(f'{{"status": "done", "time": {moment}}}')
        assert run_command(["runs", "list"], tmp_path)[1].rstrip().endswith("  -")
        code, output, _ = run_command(["runs", "list", "--json"], tmp_path)
        assert (code, json.loads(output)[0]["time"]) == (0, 1e300 if moment == "1e300" else None)


def test_show_tells_all(folder: TrialFolder, tmp_path: Path) -> None:
    folder.log.write_text("a \x1b[31ml\x07ine\n")
    code, output, _ = run_command(["runs", "show", folder.trial_id[:12]], tmp_path)
    assert code == 0
    for word in ("determinism threads", "bit-equal on this kind of processor"):
        assert word in output
    for word in ("status", "nobody", "recipe steps", "metric modes", "file result.json", "a line"):
        assert word in output
    assert "\x07" not in output  # click itself leaves escape sequences out where nobody looks
    result = json.loads(folder.result.read_text())
    folder.result.write_text(json.dumps(result | {"determinism": "none"}))
    assert run_command(["runs", "show", folder.trial_id], tmp_path)[0] == 0


@pytest.mark.parametrize("name", ["generator.safetensors", "result.json", "progress.jsonl", "spec.json"])
def test_verify_finds_one_changed_byte(name: str, folder: TrialFolder, tmp_path: Path) -> None:
    assert run_command(["runs", "verify"], tmp_path)[0] == 0
    path = folder.path / name
    path.write_bytes((path.read_bytes() if path.exists() else b"") + b" ")
    code, output, _ = run_command(["runs", "verify"], tmp_path)
    assert code == 1
    assert name in output


def test_one_trial_is_verified_by_its_own_folder(folder: TrialFolder, tmp_path: Path) -> None:
    assert run_command(["runs", "verify", "--out", str(folder.path)], tmp_path)[:2] == (0, "1 trial, 0 damaged\n")


def test_a_trial_that_is_named_twice_is_verified_once(folder: TrialFolder, tmp_path: Path) -> None:
    names = [folder.trial_id, str(folder.path), folder.trial_id[:12]]
    assert run_command(["runs", "verify", *names], tmp_path)[:2] == (0, "1 trial, 0 damaged\n")


def test_prune_asks_and_keeps_what_can_go_on(folder: TrialFolder, tmp_path: Path) -> None:
    assert run_command(["runs", "prune"], tmp_path)[1] == "nothing to prune\n"
    folder.result.unlink()
    folder.write_status("failed", "boom")
    answer = ganbench("runs", "prune", cwd=tmp_path)  # no answer can be had: nothing is removed
    assert answer.returncode == 1
    assert "remove this trial with all its files?" in answer.stdout
    assert answer.stderr == "\nganbench: nothing was removed; --yes removes without asking\n"
    assert folder.path.exists()
    folder.checkpoint.write_bytes(b"x")
    assert run_command(["runs", "prune", "--yes"], tmp_path)[1] == "nothing to prune\n"
    folder.checkpoint.unlink()
    code, output, _ = run_command(["runs", "prune", "--yes"], tmp_path)
    assert (code, "failed: boom" in output) == (0, True)
    assert list((tmp_path / "runs").iterdir()) == []


def test_prune_goes_on_after_what_it_may_not_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another user's, in a folder that several share."""
    theirs, mine = sorted(make_trial(tmp_path / "runs", make_spec(seed=seed), "failed").path for seed in (0, 1))
    remove = pruning.remove

    def refused(row: results.Row, seen: Any) -> bool:
        if row.folder.name == theirs.name:
            raise StoreError(f"cannot write to {row.folder}: Permission denied")
        return remove(row, seen)

    monkeypatch.setattr(pruning, "remove", refused)
    code, output, message = run_command(["runs", "prune", "--yes"], tmp_path)
    assert (code, output.splitlines()[-1]) == (1, "1 removed")
    assert message == f"ganbench: cannot write to runs/{theirs.name}: Permission denied\n"
    assert (theirs.exists(), mine.exists()) == (True, False)


def test_export_and_import(folder: TrialFolder, tmp_path: Path) -> None:
    assert run_command(["runs", "export", folder.trial_id, "--to", "x.zip"], tmp_path)[0] == 0
    code, output, _ = run_command(["runs", "import", "x.zip", "--out", "other"], tmp_path)
    assert (code, output) == (0, f"other/{folder.trial_id}\n")
    assert run_command(["runs", "verify", "--out", "other"], tmp_path)[0] == 0


@pytest.mark.parametrize("command", ["show", "verify", "export"])
def test_a_folder_of_trials_is_no_trial(command: str, folder: TrialFolder, tmp_path: Path) -> None:
    folder.path.parent.rename(tmp_path / "others")
    code, output, message = run_command(["runs", command, "others"], tmp_path)
    assert (code, output) == (2, "")
    one = f"others/{folder.trial_id}"
    assert f"others is a folder of trials; name one of them, e.g. {one}, or that folder with --out others" in message
    code, _, message = run_command(["runs", command, folder.trial_id, "--out", "others"], tmp_path)
    assert code == 0, message


@pytest.mark.parametrize("touched", [False, True])
def test_a_lease_from_the_future_is_looked_at_for_as_long_as_a_lease_lasts(
    touched: bool, folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a run does it: whoever left it may be dead, or have a clock of another date."""
    lease, now = foreign(folder.path), [1000.0]
    aged(lease, -7230)

    def sleep(seconds: float) -> None:
        now[0] += seconds
        if touched:
            aged(lease, -7231)

    monkeypatch.setattr(runs, "time", SimpleNamespace(**vars(time) | {"sleep": sleep}))
    monkeypatch.setattr(lease_file, "time", SimpleNamespace(**vars(time) | {"monotonic": lambda: now[0]}))
    said = "ganbench: of 1 trial the lease is dated up to 2 h 00 m in the future, as where a clock was set back"
    code, _, messages = run_command(["runs", "export", folder.trial_id, "--to", "x.zip"], tmp_path)
    assert (code, (tmp_path / "x.zip").exists()) == ((2, False) if touched else (0, True))
    assert messages.startswith(said)
    assert ("is held by ada@elsewhere" in messages) == touched
    folder.result.unlink()
    folder.write_status("failed", "boom")
    code, output, messages = run_command(["runs", "prune", "--yes"], tmp_path)
    assert (code, output.splitlines()[-1]) == (0, "nothing to prune" if touched else "1 removed")
    assert messages.startswith(said)
    assert folder.path.exists() == touched


def test_nobody_waits_for_the_lease_of_what_is_kept_anyway(
    folder: TrialFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aged(foreign(folder.path), -7230)
    monkeypatch.setattr(runs, "time", SimpleNamespace(**vars(time) | {"sleep": None}))
    assert run_command(["runs", "prune"], tmp_path) == (0, "nothing to prune\n", "")
