"""Processes on this machine: what they are given, what ends them, and what is said of how they ended."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganbench.executors import Executor, Job, JobState, Settings, local
from ganbench.executors.local import Local
from ganbench.processes.server import Server, ServerDied
from ganbench.records.folder import TrialFolder
from ganbench.store.settling import End, settle
from ganbench.testing.executor_trials import ENDLESS, write_trial
from tests.executing import ExecutorContract, wait, wait_for_the_end


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server(threads=1, device="cpu")
    yield server
    server.close()


@pytest.mark.slow
class TestLocal(ExecutorContract):
    @pytest.fixture
    def executor(self, server: Server) -> Iterator[Executor]:
        executor = Local(Settings(slots=2, timeout=None, server=lambda: server))
        yield executor
        executor.close()


@pytest.mark.slow
def test_each_process_sees_the_device_it_leases_and_no_other(server: Server, out: Path) -> None:
    """These trials fail for want of CUDA; what they saw stands in their folders before that."""
    jobs = [write_trial(out, seed=seed, steps=ENDLESS, device="cpu") for seed in range(4)]
    local = Local(Settings(slots=4, timeout=None, server=lambda: server, devices=("0", "GPU-2"), per_device=2))
    local.submit(jobs)
    wait(local, lambda: all(TrialFolder(job.folder).progress.exists() for job in jobs), "all four")
    seen = [json.loads(TrialFolder(job.folder).starts.read_text())["devices"] for job in jobs]
    assert sorted(seen) == ["0", "0", "GPU-2", "GPU-2"]
    for job in jobs:
        status = TrialFolder(job.folder).read_status()
        environment = Path(f"/proc/{status['pid']}/environ")
        if environment.exists():
            assert status["devices"] in ("0", "GPU-2")
    # A device that is given back is leased again.
    local.cancel([jobs[0].trial_id], hard=True)
    late = write_trial(out, seed=9)
    local.submit([late])
    wait_for_the_end(local, [late])
    assert json.loads(TrialFolder(late.folder).starts.read_text())["devices"] == seen[0]
    local.close()


@pytest.mark.parametrize(("visible", "order"), [(None, "PCI_BUS_ID"), ("4,5", None)])
def test_indices_of_nvidia_smi_are_cudas_too(
    out: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, order: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)  # in whatever order the user has chosen them
    given: list[dict[str, str]] = []

    class Noting:
        def start(self, *_: object, environment: dict[str, str], **__: object) -> None:
            given.append(environment)

    local = Local(Settings(slots=1, timeout=None, server=Noting, devices=("4",), per_device=1))  # type: ignore[arg-type]
    local.submit([write_trial(out)])
    (environment,) = given
    assert (environment["CUDA_VISIBLE_DEVICES"], environment.get("CUDA_DEVICE_ORDER")) == ("4", order)


def test_more_slots_than_leases_do_not_overbook(out: Path) -> None:
    class Nothing:
        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: []

    local = Local(Settings(slots=9, timeout=None, server=Nothing, devices=("0", "1"), per_device=1))  # type: ignore[arg-type]
    jobs = [write_trial(out, seed=seed) for seed in range(3)]
    local.submit(jobs)
    assert sorted(state.value for state in local.states().values()) == ["pending", "running", "running"]


def test_what_a_dead_server_had_started_is_no_error_at_the_end(out: Path) -> None:
    class Dying:
        def start(self, *_: object, **__: object) -> None:
            pass

        def end(self, *_: object, **__: object) -> None:
            raise ServerDied("the process that starts trials has died")

    local = Local(Settings(slots=1, timeout=None, server=Dying))  # type: ignore[arg-type]
    local.submit([write_trial(out, seed=seed) for seed in range(2)])
    local.close()
    local.close()


@pytest.mark.parametrize(
    ("timeout", "end"),
    [
        (None, End("interrupted", "it did not stop when asked and was killed; run again to resume")),
        (0.0, End("timeout", "not done within 0 s (--timeout); it did not stop when asked and was killed")),
    ],
    ids=["interrupted", "out of time"],
)
def test_one_that_does_not_stop_when_asked_is_killed_and_has_not_failed(
    timeout: float | None, end: End, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its step may just take long: on a cluster it goes on from its checkpoint, which one that failed does not."""

    class Deaf:
        ended = False

        def start(self, *_: object, **__: object) -> None:
            pass

        def end(self, name: str, *, hard: bool) -> None:
            self.ended = hard

        def receive(self, timeout: float) -> list[dict[str, object]]:
            end = {"id": "trial", "code": -9, "why": "", "left": 0, "last_line": ""}
            return [end] if self.ended else []

    for grace in ("GRACE_SECONDS", "TIMEOUT_GRACE_SECONDS"):
        monkeypatch.setattr(local, grace, 0.0)
    server = Deaf()
    executor = Local(Settings(slots=1, timeout=timeout, server=lambda: server))  # type: ignore[arg-type, return-value]
    folder = TrialFolder(tmp_path / "trial")
    folder.write_status("running")
    executor.submit([Job("trial", folder.path)])
    if timeout is None:
        executor.cancel(["trial"], hard=False)
    while executor.states()["trial"] is not JobState.ENDED:
        time.sleep(0.001)
    assert settle(folder, executor.why("trial")) == end
