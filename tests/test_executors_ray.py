"""What the Ray executor makes of a cluster; tests/clusters runs it on a real one."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError
from ganbench.executors import JobState, Settings, ray, ray_site
from ganbench.executors.ray import Ray
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import ask_to_stop, asked_to_stop
from ganbench.testing.executor_trials import write_trial


class Cluster:
    """In the place of Ray's module: its tasks end when the test says so."""

    exceptions = SimpleNamespace(RayError=RuntimeError)
    gcs_address = "10.0.0.1:6379"

    def __init__(self) -> None:
        self.functions: list[Mapping[str, Any]] = []
        self.tasks: list[tuple[str, ...]] = []
        self.over: set[int] = set()
        self.lost: set[int] = set()
        self.cancelled: set[int] = set()

    def get_runtime_context(self) -> "Cluster":
        return self

    def remote(self, **terms: Any) -> Callable[[object], "Cluster"]:
        self.functions.append(terms)
        return lambda function: self

    def options(self, **names: str) -> "Task":
        return Task(self)

    def wait(self, references: list[int], **how: Any) -> tuple[list[int], list[int]]:
        return [one for one in references if one in self.over], []

    def cancel(self, reference: int, *, force: bool) -> None:
        self.cancelled.add(reference)

    def get(self, reference: int) -> None:
        if reference in self.lost:
            raise RuntimeError("Traceback (most recent call last):\n  somewhere\n  its worker died  \n\n")


class Task:
    """A call of the function that a node runs."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def remote(self, content: Mapping[str, Any], index: int, name: str) -> int:
        self._cluster.tasks.append(tuple(Path(path).name for path in content["packs"][index]))
        return len(self._cluster.tasks)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(ray_site, "connect", lambda *_: found)
    monkeypatch.setattr(ray_site, "check_that_it_fits", lambda *_: None)
    monkeypatch.setattr(ray_site, "check_the_nodes", lambda *_: None)
    monkeypatch.setattr(ray_site, "refusal", lambda address: "")
    return found


def executor(slots: int, **options: str) -> Ray:
    return Ray(Settings(slots=slots, timeout=None, server=pytest.fail, options=options))


@pytest.mark.parametrize(("reached", "given_up"), [(True, True), (False, False)])
@pytest.mark.usefixtures("cluster")
def test_a_head_that_went_away_is_told_from_one_behind_a_proxy(
    monkeypatch: pytest.MonkeyPatch, reached: bool, given_up: bool
) -> None:
    """Whoever connects through ``ray://`` may never reach the head itself."""
    answers = iter([""] if reached else [])
    monkeypatch.setattr(ray_site, "refusal", lambda address: address and next(answers, "nobody answers"))
    monkeypatch.setattr(ray_site, "KNOCK_SECONDS", 0.0)
    monkeypatch.setattr(ray, "SILENCE_SECONDS", 0.0)
    found = executor(slots=1)
    gone = pytest.raises(GanbenchError, match=r"the Ray cluster at 10\.0\.0\.1:6379 is gone")
    with gone if given_up else nullcontext():
        for _ in range(3):
            found.states()
            time.sleep(0.001)


@pytest.mark.parametrize(("slots", "pack", "first"), [(0, "1", 5), (2, "1", 2), (2, "2", 2)])
def test_as_many_tasks_run_at_once_as_were_asked_for(
    cluster: Cluster, tmp_path: Path, slots: int, pack: str, first: int
) -> None:
    """And each of them is a call of one function: Ray sends every function that it is given to all of its nodes."""
    found = executor(slots, pack=pack)
    jobs = [write_trial(tmp_path, seed=seed) for seed in range(5)]
    found.submit(jobs)
    assert len(cluster.tasks) == first
    found.states()
    assert len(cluster.tasks) == first, "none of them is over"
    cluster.over = {1}
    ended = cluster.tasks[0]
    assert {name for name, state in found.states().items() if state is JobState.ENDED} == set(ended)
    assert len(cluster.tasks) == min(first + 1, 5)
    cluster.over = set(range(1, 6))
    for _ in range(5):
        found.states()
    assert sorted(sum(cluster.tasks, ())) == sorted(job.trial_id for job in jobs)
    assert len(cluster.functions) == 1


def test_of_a_task_the_folders_of_its_trials_say_how_far_they_are(cluster: Cluster, tmp_path: Path) -> None:
    found = executor(slots=1, pack="3")
    jobs = [write_trial(tmp_path, seed=seed) for seed in range(3)]
    found.submit(jobs)
    for job, status in zip(jobs, ("done", "running", "pending"), strict=True):
        TrialFolder(job.folder).write_status(status)
    states = found.states()
    assert [states[job.trial_id] for job in jobs] == [JobState.ENDED, JobState.RUNNING, JobState.PENDING]


def test_how_a_task_ended_is_said_of_each_of_its_trials(cluster: Cluster, tmp_path: Path) -> None:
    found = executor(slots=0, pack="2", attempts="3")
    jobs = [write_trial(tmp_path, seed=seed) for seed in range(4)]
    found.submit(jobs)
    cluster.over, cluster.lost = {1, 2}, {2}
    ask_to_stop(jobs[0].folder)
    TrialFolder(jobs[0].folder).write_status("done")
    assert set(found.states().values()) == {JobState.ENDED}
    assert [found.why(job.trial_id) for job in jobs] == [
        *["its task ended without a result"] * 2,
        *["RuntimeError after 3 attempts: its worker died"] * 2,
    ]
    assert not asked_to_stop(jobs[0].folder)


@pytest.mark.parametrize(
    ("chosen", "status", "hard", "cancelled"),
    [
        ((0, 1), "pending", False, {1}),
        ((0, 1), "running", False, set()),
        ((0, 1), "running", True, {1}),
        ((0,), "pending", True, set()),
    ],
    ids=["not begun", "begun", "at once", "one of two"],
)
def test_a_task_is_ended_where_none_of_its_trials_is_wanted_or_writes_a_checkpoint(
    cluster: Cluster, tmp_path: Path, chosen: tuple[int, ...], status: str, hard: bool, cancelled: set[int]
) -> None:
    found = executor(slots=0, pack="2")
    jobs = [write_trial(tmp_path, seed=seed) for seed in range(4)]
    found.submit(jobs)
    TrialFolder(jobs[1].folder).write_status(status)
    found.cancel([jobs[place].trial_id for place in chosen], hard=hard)
    assert cluster.cancelled == cancelled
    assert [asked_to_stop(job.folder) for job in jobs] == [place in chosen for place in range(4)]
    assert set(found.states()) == {job.trial_id for job in (jobs[2:] if cancelled else jobs)}
