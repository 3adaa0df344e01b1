"""What a node does with its part of a grid; tests/clusters runs nodes on real clusters."""

import json
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError, StoreError
from ganbench.executors import Job, node
from ganbench.executors.node import Node
from ganbench.provenance.fingerprint import Fingerprint, fingerprint
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import ask_to_stop
from ganbench.store.leases import Leases
from tests.nodes import Fake, part, said, stand_in, task_of


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    return stand_in(monkeypatch)


def test_its_executor_is_closed_whatever_ends_it(local: type[Fake], tmp_path: Path) -> None:
    local.endings = [GanbenchError("the process that starts trials has died")]
    with pytest.raises(GanbenchError, match="has died"):
        part(TrialFolder(tmp_path / "trial")).run()
    assert [one.closed for one in local.made] == [True]


@pytest.mark.parametrize("when", ["before its job starts", "before it has started"])
def test_one_status_that_cannot_be_written_does_not_end_the_others(
    when: str, local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full, other = (TrialFolder(tmp_path / name) for name in ("full", "other"))
    one = part(full)
    part(other)
    one._folders.append(other)
    if when == "before its job starts":
        ask_to_stop(full.path)
        local.endings = ["its end"]  # of the other
    else:
        one.stop()
    write = TrialFolder.write_status

    def failing(folder: TrialFolder, *arguments: Any, **more: Any) -> None:
        if folder.trial_id == "full":
            raise StoreError("cannot write status.json: No space left on device; choose another place")
        write(folder, *arguments, **more)

    monkeypatch.setattr(TrialFolder, "write_status", failing)
    one.run()
    assert other.read_status()["status"] == ("failed" if when == "before its job starts" else "interrupted")
    assert "full: interrupted: not started yet; run again to start it (cannot write" in capsys.readouterr().err


def test_a_server_that_has_died_is_replaced(local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on the host: the trials that it took with it go on in the same job."""

    class Opened:
        def __init__(self, threads: int, device: str) -> None:
            self.alive, self.closed = True, False
            opened.append(self)

        def close(self) -> None:
            self.closed = True

    opened: list[Opened] = []
    monkeypatch.setattr("ganbench.processes.server.Server", Opened)

    class Asking(Fake):
        def submit(self, jobs: Iterable[Job]) -> None:
            super().submit(jobs)
            first = self.settings.server()
            assert self.settings.server() is first
            opened[0].alive = False
            assert self.settings.server() is not first

    monkeypatch.setattr(node, "Local", Asking)
    local.endings = ["timeout: not done"]
    part(TrialFolder(tmp_path / "trial")).run()
    assert [one.closed for one in opened] == [True, True]


def test_trials_are_trained_in_the_order_in_which_they_were_handed_over(local: type[Fake], tmp_path: Path) -> None:
    folders = [TrialFolder(tmp_path / name) for name in "cab"]
    mine = part(*folders)
    mine.stop()
    mine.run()
    (made,) = local.made
    assert made.submitted == ["c", "a", "b"]
    assert made.weights == sorted(made.weights, reverse=True)
    assert len(set(made.weights)) == 3


@pytest.mark.parametrize(
    ("device", "visible", "devices", "slots"),
    [("cuda", " 3, GPU-1,", ("3", "GPU-1"), 4), ("cuda", "", (), 2), ("cpu", "3,4", (), 2)],
)
def test_trials_run_on_the_devices_that_the_cluster_gave(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, visible: str,
    devices: tuple[str, ...], slots: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    monkeypatch.setattr(node, "shared_server", lambda *_: closing(SimpleNamespace(close=lambda: None)))
    mine = part(TrialFolder(tmp_path / "a"), device=device, per_device=2, timeout=7.0, memory_limit=2**30)
    mine.stop()
    mine.run()
    found = local.made[0].settings
    assert (found.devices, found.slots, found.per_device) == (devices, slots, 2)
    assert (found.timeout, found.memory_limit) == (7.0, 2**30)
    assert found.environment == {"GANBENCH_TASK": "slurm 1_0", "GANBENCH_SUBMISSION": "x"}


def test_what_another_attempt_works_on_is_left_to_it(
    local: type[Fake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the rest is done, with leases of its own that are given back."""
    folders = [TrialFolder(tmp_path / name) for name in ("taken", "free")]
    mine, other = part(*folders), Leases()
    monkeypatch.setattr(node, "WAIT_SECONDS", 0.0)
    (folders[0].path / node.LEASE).mkdir()
    assert other.take(folders[0].path / node.LEASE)
    local.endings = ["timeout: not done"]
    mine.run()
    assert local.made[0].submitted == ["free"]
    assert said(folders[0])[0] == "pending"
    assert capsys.readouterr().err == "taken: an earlier attempt is still working on it\n"
    assert other.take(folders[1].path / node.LEASE)
    other.release_all()


@pytest.fixture
def task_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A task whose one trial of the second part has ended."""
    monkeypatch.chdir(tmp_path)  # which is gone back to
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    (tmp_path / "runs").mkdir()
    folder = TrialFolder(tmp_path / "runs" / "trial")
    folder.write_status("done")
    task = task_of(folder, packs=(("nowhere",), ("trial",)))
    path = tmp_path / "task.json"
    path.write_text(task.model_dump_json())
    yield path
    for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("local")
def test_a_part_is_run_where_its_paths_start(task_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["node", str(task_file), "1"])
    assert node.main() == 0
    assert Path.cwd() == task_file.parent / "runs"
    assert (Path.cwd() / "trial" / node.LEASE).is_dir(), "it has looked at this trial"
    os.chdir(task_file.parent)
    node.run_part(json.loads(task_file.read_text()), 1, "ray")
    assert Path.cwd() == task_file.parent / "runs"


def test_a_signal_asks_its_trials_to_stop(task_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping: list[bool] = []

    def run(self: Node) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._stopping = False
            handler = signal.getsignal(number)
            assert callable(handler)
            handler(number, None)
            stopping.append(self._stopping)

    monkeypatch.setattr(Node, "run", run)
    assert node.main([str(task_file), "1"]) == 0
    assert stopping == [True, True]


@pytest.mark.parametrize("arguments", [[], ["task.json"], ["task.json", "one"], ["task.json", "0", "1"]])
def test_other_arguments_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert node.main(arguments) == 2
    assert capsys.readouterr().err == "usage: python -m ganbench.executors.node TASK INDEX\n"


def test_a_task_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "task.json"
    path.write_text('{"executor": "slurm"}')
    with pytest.raises(StoreError, match=r"task\.json is not a valid task: Field required"):
        node.read_task(path)
    assert node.main([str(path), "0"]) == StoreError.exit_code
    assert capsys.readouterr().err == f"ganbench: {path} is not a valid task: Field required\n"


def test_a_part_has_the_name_that_the_clusters_tools_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    task = task_of(TrialFolder(tmp_path / "trial"))
    monkeypatch.delenv("SLURM_ARRAY_JOB_ID", raising=False)
    assert node._name(task) == "slurm"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    assert node._name(task) == "slurm 12_3"


def test_what_a_machine_is_asked_for_is_its_fingerprint() -> None:
    assert Fingerprint.model_validate(node.probe()) == fingerprint()
