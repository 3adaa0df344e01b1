"""What the local executor asks of its server, and what it makes of how a process ended; nothing is started."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganbench.executors import JobState, Settings, local
from ganbench.executors.local import Local, _ending
from ganbench.processes.server import CannotStart, ServerDied
from ganbench.records.folder import TrialFolder
from tests import clocks
from tests.servers import Fake, jobs, message, opening

PENDING, RUNNING, OVER = JobState.PENDING, JobState.RUNNING, JobState.ENDED
STOPPED = "stopped immediately; run again to resume"


Make = Callable[..., tuple[Local, Fake]]


@pytest.fixture
def make() -> Make:
    def made(slots: int = 1, **more: Any) -> tuple[Local, Fake]:
        server = Fake()
        given: dict[str, Any] = {"timeout": None, "server": lambda: server} | more
        return Local(Settings(slots=slots, **given)), server

    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock, which the test sets."""
    return clocks.stop(monkeypatch, local)


def test_the_heaviest_start_first_as_many_as_there_is_room_for(make: Make, tmp_path: Path) -> None:
    executor, server = make(2)
    executor.submit(job._replace(weight=weight) for job, weight in zip(jobs(tmp_path, "abc"), (1, 3, 2), strict=True))
    assert server.names == ["b", "c"]
    assert executor.states() == {"a": PENDING, "b": RUNNING, "c": RUNNING}
    executor.submit([jobs(tmp_path, "d")[0]._replace(weight=2)])
    server.messages = [message("b"), message("never heard of")]
    assert executor.states() == {"a": PENDING, "b": OVER, "c": RUNNING, "d": RUNNING}
    server.messages = [message("c"), message("d")]
    assert executor.states(timeout=0.5) == {"a": RUNNING, "b": OVER, "c": OVER, "d": OVER}
    assert server.names == ["b", "c", "d", "a"]
    assert server.waited[-1] == 0.5


def test_a_trial_is_started_with_all_that_is_for_it(make: Make, tmp_path: Path) -> None:
    executor, server = make(memory_limit=2**30, environment={"A": "1"})
    executor.submit(jobs(tmp_path, "a"))
    folder = tmp_path / "a"
    assert server.started == [("a", "trial", [str(folder / "spec.json"), str(folder)], folder / "worker.log")]
    assert server.given == [{"environment": {"A": "1"}, "memory_limit": 2**30}]


def test_one_server_is_opened_once_it_is_needed(tmp_path: Path) -> None:
    opened, server = opening()
    executor = Local(Settings(slots=2, timeout=None, server=server))  # type: ignore[arg-type]
    assert executor.states() == {}
    assert opened == []
    executor.submit(jobs(tmp_path, "abc"))
    executor.states()
    assert len(opened) == 1


def test_devices_are_leased_evenly_and_given_back(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    executor, server = make(9, devices=("0", "1"), per_device=2)
    executor.submit(jobs(tmp_path, "abcde"))
    leased = dict(zip(server.names, (how["environment"]["CUDA_VISIBLE_DEVICES"] for how in server.given), strict=True))
    assert leased == {"a": "0", "b": "1", "c": "0", "d": "1"}
    server.messages = [message("b")]
    executor.states()
    assert server.names[-1] == "e"
    assert server.given[-1]["environment"] == {"CUDA_VISIBLE_DEVICES": "1"}


@pytest.mark.parametrize("hard", [False, True])
def test_what_waits_is_forgotten_and_what_runs_is_asked(
    make: Make, tmp_path: Path, hard: bool, clock: list[float]
) -> None:
    executor, server = make(2)
    executor.submit(jobs(tmp_path, "abcd"))
    executor.cancel(["a", "c", "unknown"], hard=hard)
    assert server.ended == [("a", hard)]
    assert executor.states() == {"a": RUNNING, "b": RUNNING, "d": PENDING}
    server.messages = [message("a", -9)]
    assert executor.states() == {"a": OVER, "b": RUNNING, "d": RUNNING}
    unbegun = "interrupted: stopped before its first step; run again to resume"
    assert executor.why("a") == (f"interrupted: {STOPPED}" if hard else unbegun)
    assert executor.why("b") == ""


def test_one_that_is_asked_twice_is_killed_in_time_and_one_that_is_to_end_at_once_is(
    make: Make, tmp_path: Path, clock: list[float]
) -> None:
    executor, server = make(2)
    executor.submit(jobs(tmp_path, "ab"))
    executor.cancel(["a"], hard=False)
    clock[0] += 29
    executor.cancel(["a"], hard=False)  # which gives it no more time
    executor.states()
    assert server.ended == [("a", False)]
    clock[0] += 1
    executor.states()
    assert server.ended == [("a", False)]
    clock[0] += 1
    for _ in range(2):
        executor.states()
        clock[0] += 1000
    assert server.ended == [("a", False), ("a", True)]
    executor.cancel(["b"], hard=False)
    executor.cancel(["b"], hard=True)
    server.messages = [message("a", -9), message("b", -9)]
    executor.states()
    assert executor.why("a") == "interrupted: it did not stop when asked and was killed; run again to resume"
    assert executor.why("b") == f"interrupted: {STOPPED}"


def test_a_trial_has_so_much_time_from_its_own_start(make: Make, tmp_path: Path, clock: list[float]) -> None:
    executor, server = make(1, timeout=90.5)
    executor.submit(jobs(tmp_path, "ab"))
    clock[0] += 50
    server.messages = [message("a")]
    executor.states()
    clock[0] += 90.5
    executor.states()
    assert server.ended == []
    clock[0] += 0.1
    executor.states()
    assert server.ended == [("b", False)]
    clock[0] += 9
    executor.states()
    executor.cancel(["b"], hard=False)  # it is asked already, and its time is up all the same
    assert server.ended == [("b", False)]
    clock[0] += 2
    executor.states()
    assert server.ended == [("b", False), ("b", True)]
    server.messages = [message("b", -9)]
    executor.states()
    assert executor.why("b") == (
        "timeout: not done within 90.5 s (--timeout); it did not stop when asked and was killed"
    )


def test_at_the_end_all_are_ended(make: Make, tmp_path: Path) -> None:
    executor, server = make(1)
    executor.submit(jobs(tmp_path, "ab"))
    executor.close()
    assert server.ended == [("a", True)]
    assert executor.states() == {"a": RUNNING}


def test_one_that_has_ended_waits_again_where_it_is_submitted_again(make: Make, tmp_path: Path) -> None:
    executor, server = make(1)
    first, other = jobs(tmp_path, "ab")
    executor.submit([first])
    server.messages = [message("a", 1)]
    assert executor.states() == {"a": OVER}
    executor.submit([other, first])
    assert executor.states() == {"a": PENDING, "b": RUNNING}
    assert executor.why("a") == ""


@pytest.mark.parametrize(
    ("status", "asked", "stands", "why"),
    [
        ("running", False, RUNNING, ""),
        ("pending", False, RUNNING, ""),
        ("done", False, OVER, ""),  # only the news were lost
        ("running", True, OVER, "interrupted: stopped before its first step; run again to resume"),
    ],
)
def test_what_a_dead_server_took_with_it_goes_on_on_another(
    tmp_path: Path, status: str, asked: bool, stands: JobState, why: str
) -> None:
    servers = [Fake(), Fake()]
    opened = iter(servers)
    executor = Local(Settings(slots=1, timeout=None, server=lambda: next(opened)))  # type: ignore[arg-type, return-value]
    first, other = jobs(tmp_path, "ab")
    executor.submit([first, other])
    if asked:
        executor.cancel(["a"], hard=False)
    TrialFolder(first.folder).write_status(status)
    servers[0].dead = True
    assert executor.states()["a"] is stands
    assert executor.why("a") == why
    assert servers[1].names == (["a"] if stands is RUNNING else ["b"]), "before those that have not begun"


def test_what_a_dead_server_had_still_told_is_heard(tmp_path: Path) -> None:
    servers = [Fake(), Fake()]
    opened = iter(servers)
    executor = Local(Settings(slots=2, timeout=None, server=lambda: next(opened)))  # type: ignore[arg-type, return-value]
    executor.submit(jobs(tmp_path, "ab"))

    def end(name: str, *, hard: bool) -> None:
        servers[0].messages = [message("a", 1)]
        servers[0].dead = True

    servers[0].end = end  # type: ignore[method-assign]
    executor.cancel(["a"], hard=True)
    executor.states()
    executor.states()
    assert executor.why("a") == f"interrupted: {STOPPED}"
    assert servers[1].names == ["b"]


def test_nothing_starts_anew_before_the_last_of_a_dead_servers_processes_is_gone(tmp_path: Path) -> None:
    """They may still write to the folders of their trials, and still tell how they ended."""
    servers = [Fake(), Fake()]
    opened = iter(servers)
    executor = Local(Settings(slots=2, timeout=None, server=lambda: next(opened)))  # type: ignore[arg-type, return-value]
    executor.submit(jobs(tmp_path, "ab"))
    died = ServerDied("the process that starts trials has died")
    told: Iterator[ServerDied | list[dict[str, Any]]] = iter([died, [], [message("a", 1)], [], died])

    def receive(timeout: float) -> list[dict[str, Any]]:
        found = next(told)
        assert servers[1].names == []
        if isinstance(found, ServerDied):
            raise found
        return found

    servers[0].receive = receive  # type: ignore[method-assign]
    assert executor.states() == {"a": OVER, "b": RUNNING}
    assert [*told] == []
    assert servers[1].names == ["b"]


def test_a_trial_with_which_servers_die_is_not_started_without_end(tmp_path: Path) -> None:
    """Three times it may have been chance. Another trial is not blamed for it."""
    servers, server = opening()
    executor = Local(Settings(slots=1, timeout=None, server=server))  # type: ignore[arg-type]
    executor.submit(jobs(tmp_path, "ab"))
    for starts in (1, 2, 3):
        assert len(servers) == starts
        assert servers[-1].names == ["a"]
        servers[-1].dead = True
        states = executor.states()
    assert states == {"a": OVER, "b": RUNNING}
    assert executor.why("a") == "the process that starts trials died 3 times while this one ran"


def test_servers_that_die_before_they_have_started_anything_end_the_run(tmp_path: Path) -> None:
    servers, server = opening(dead=True)
    executor = Local(Settings(slots=1, timeout=None, server=server))  # type: ignore[arg-type]
    with pytest.raises(ServerDied):
        executor.submit(jobs(tmp_path, "a"))
    assert len(servers) == local.STARTS


def test_where_no_server_can_start_all_have_failed_and_none_is_tried_again(tmp_path: Path) -> None:
    servers, server = opening()
    executor = Local(Settings(slots=1, timeout=None, server=server))  # type: ignore[arg-type]
    executor.submit(jobs(tmp_path, "ab"))

    def receive(timeout: float) -> list[dict[str, Any]]:
        raise CannotStart("no torch")

    servers[0].receive = receive  # type: ignore[method-assign]
    assert executor.states() == {"a": OVER, "b": OVER}
    assert (executor.why("a"), executor.why("b")) == ("no torch", "no torch")
    assert len(servers) == 1


FAILED = "ended with exit code 3 before it was done"


@pytest.mark.parametrize(
    ("code", "more", "asked", "said"),
    [
        (3, {}, "", FAILED),
        (0, {}, "", "ended with exit code 0 before it was done"),
        (-9, {}, "", "killed by signal 9 (SIGKILL)"),
        (-250, {}, "", "killed by signal 250"),
        (-9, {}, "timeout: no", "timeout: no"),
        (-9, {"why": "memory-limit: too much"}, "timeout: no", "memory-limit: too much"),
        (3, {"left": 1}, "", f"{FAILED}; 1 process that it left behind was ended too"),
        (3, {"left": 2}, "", f"{FAILED}; 2 processes that it left behind were ended too"),
        (3, {"left": 2}, "timeout: no", "timeout: no"),
        (3, {"last_line": "bye"}, "timeout: no", "timeout: no; its last line of output: bye"),
    ],
)
def test_how_a_process_ended_in_words(code: int, more: dict[str, Any], asked: str, said: str) -> None:
    assert _ending(message("a", code, **more), asked) == said
