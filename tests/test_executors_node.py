"""What a node does with its part of a grid; tests/clusters runs nodes on real clusters."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import GanbenchError, StoreError
from ganbench.executors import Executor, Job, JobState, Settings, node
from ganbench.executors.node import Node, Task
from ganbench.provenance.fingerprint import fingerprint
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import ask_to_stop


class Fake(Executor):
    """In the place of the local executor: its jobs end as the test says, attempt by attempt."""

    made: "list[Fake]"
    endings: "list[str | GanbenchError]"
    """How each start ends: what ``why`` says, or what ``states`` raises. A start without one goes on."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.submitted: list[str] = []
        self.cancelled: list[str] = []
        self.closed = False
        self._ended: dict[str, str] = {}
        self.made.append(self)

    def submit(self, jobs: Iterable[Job]) -> None:
        self.submitted += [job.trial_id for job in jobs]

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        if self.endings and self.submitted:
            ending = self.endings.pop(0)
            if isinstance(ending, GanbenchError):
                raise ending
            self._ended[self.submitted[-1]] = ending
        return dict.fromkeys(self._ended, JobState.ENDED)

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        self.cancelled += trial_ids

    def why(self, trial_id: str) -> str:
        return self._ended.get(trial_id, "")

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch) -> type[Fake]:
    monkeypatch.setattr(Fake, "made", [], raising=False)
    monkeypatch.setattr(Fake, "endings", [], raising=False)
    monkeypatch.setattr(node, "Local", Fake)
    monkeypatch.setattr(node, "POLL_SECONDS", 0.0)
    return Fake


def part(folder: TrialFolder, attempts: int = 1) -> Node:
    """A node whose part is one trial that waits."""
    folder.write_status("pending")
    task = Task(
        executor="slurm", submission="x", packs=((str(folder.path),),), folder=str(folder.path.parent), device="cpu",
        threads=1, attempts=attempts, expected=fingerprint(),
    )  # fmt: skip
    return Node(task, 0, "slurm 1_0")


def test_its_executor_is_closed_whatever_ends_it(local: type[Fake], tmp_path: Path) -> None:
    local.endings = [GanbenchError("the process that starts trials has died")]
    with pytest.raises(GanbenchError, match="has died"):
        part(TrialFolder(tmp_path / "trial")).run()
    assert [one.closed for one in local.made] == [True]


def test_a_trial_that_was_killed_is_tried_again_up_to_the_limit(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    local.endings = ["killed by signal 9 (SIGKILL)"] * 2
    part(folder, attempts=2).run()
    assert local.made[0].submitted == ["trial", "trial"]
    status = folder.read_status()
    assert (status["status"], status["reason"]) == ("failed", "killed by signal 9 (SIGKILL) (2 attempts)")
    assert local.made[0].closed


def test_what_is_to_stop_before_it_has_started_can_be_run_again(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder)
    mine.stop()
    mine.run()
    assert local.made[0].cancelled == ["trial"]
    status = folder.read_status()
    assert (status["status"], status["reason"]) == ("interrupted", "not started yet; run again to start it")


def test_what_is_to_stop_before_its_job_starts_starts_nothing(local: type[Fake], tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path / "trial")
    mine = part(folder)
    ask_to_stop(folder.path)
    mine.run()
    assert local.made == []
    assert folder.read_status()["status"] == "interrupted"


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
