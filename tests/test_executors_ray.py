"""What the Ray executor makes of a cluster; tests/clusters runs it on a real one."""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import JobState, Layout, Settings, Wish, ray, ray_site
from ganbench.executors.node import Task as NodeTask
from ganbench.executors.ray import Ray
from ganbench.provenance.fingerprint import fingerprint
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
        self.names: list[str] = []
        self.waited: list[float | None] = []
        self.contents: list[Mapping[str, Any]] = []
        self.left = False

    def shutdown(self) -> None:
        self.left = True

    def get_runtime_context(self) -> "Cluster":
        return self

    def remote(self, **terms: Any) -> Callable[[object], "Cluster"]:
        self.functions.append(terms)
        return lambda function: self

    def options(self, *, name: str) -> "Task":
        self.names.append(name)
        return Task(self)

    def wait(
        self, references: list[int], *, num_returns: int, timeout: float | None = None
    ) -> tuple[list[int], list[int]]:
        assert isinstance(references, list), "Ray takes no other"
        assert num_returns <= len(set(references)) == len(references)
        self.waited.append(timeout)
        return [one for one in references if one in self.over][:num_returns], []

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
        self._cluster.contents.append(content)
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
    device = "cuda" if "gpus" in options else "cpu"
    return Ray(Settings(slots=slots, timeout=None, server=pytest.fail, options=options, device=device))


@pytest.mark.parametrize("reached", [True, False])
@pytest.mark.usefixtures("cluster")
def test_a_head_that_went_away_is_told_from_one_behind_a_proxy(monkeypatch: pytest.MonkeyPatch, reached: bool) -> None:
    """Whoever connects through ``ray://`` may never reach the head itself. One that is back in time may leave again."""
    now, there = [100.0], [reached]
    monkeypatch.setattr(ray_site, "refusal", lambda address: "nobody answers" if address and not there[0] else "")
    monkeypatch.setattr(ray, "time", SimpleNamespace(monotonic=lambda: now[0]))
    found = executor(slots=1)
    for now[0], there[0] in ((100, False), (125, False), (131, True), (137, False), (160, False), (166, False)):
        found.states()
    now[0] = 172
    gone = pytest.raises(GanbenchError, match=r"the Ray cluster at 10\.0\.0\.1:6379 is gone")
    with gone if reached else nullcontext():
        found.states()


TWO = {"pack": "2", "gpus": "2"}  # at once, one on each


@pytest.mark.parametrize(("slots", "options", "first"), [(0, {}, 5), (2, {"pack": "2"}, 2), (5, TWO, 2), (1, TWO, 1)])
def test_as_many_run_as_were_asked_for(cluster: Cluster, tmp_path: Path, slots: int, options: Any, first: int) -> None:
    """And each of them is a call of one function: Ray sends every function that it is given to all of its nodes."""
    found = executor(slots, **options)
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
    states = found.states(timeout=2.5)
    assert cluster.waited == [2.5]
    assert [states[job.trial_id] for job in jobs] == [JobState.ENDED, JobState.RUNNING, JobState.PENDING]


def test_one_that_is_tried_again_is_no_part_of_its_first_task(cluster: Cluster, tmp_path: Path) -> None:
    found = executor(slots=1, pack="2")
    first, second = (write_trial(tmp_path, seed=seed) for seed in range(2))
    found.submit([first, second])
    found.submit([first])
    cluster.over = {1}
    assert found.states() == {first.trial_id: JobState.PENDING, second.trial_id: JobState.ENDED}
    assert cluster.tasks[1:] == [(first.trial_id,)]


def test_how_a_task_ended_is_said_of_each_of_its_trials(cluster: Cluster, tmp_path: Path) -> None:
    found = executor(slots=0, pack="2", attempts="3")
    jobs = [write_trial(tmp_path, seed=seed) for seed in range(4)]
    found.submit(jobs)
    cluster.over, cluster.lost = {1, 2}, {2}
    ask_to_stop(jobs[0].folder)
    TrialFolder(jobs[0].folder).write_status("done")
    assert set(found.states(timeout=2.5).values()) == {JobState.ENDED}
    assert cluster.waited == [2.5, 0]
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


def test_a_cluster_is_asked_for_what_trials_need_before_anything_is_submitted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Any, ...]] = []

    def connect(*what: Any) -> Cluster:
        asked.append(what)
        return cluster

    monkeypatch.setattr(ray_site, "connect", connect)
    monkeypatch.setattr(ray_site, "check_that_it_fits", lambda *what: asked.append(what))
    monkeypatch.setattr(ray_site, "check_the_nodes", lambda *what: asked.append(what))
    wanted = {"num_cpus": 2.0, "num_gpus": 0.0}
    found = executor(slots=0, cpus="2", attempts="4")
    assert asked == [("auto", 4), (cluster, wanted), (cluster, fingerprint())]
    assert cluster.functions == [{"max_calls": 1, "max_retries": 3, "retry_exceptions": False, **wanted}]
    left = [cluster.left]
    found.close()
    assert [*left, cluster.left] == [False, True]
    executor(slots=0, address="h:1")
    assert asked[3] == ("h:1", 3)


@pytest.mark.parametrize("check", ["check_that_it_fits", "check_the_nodes"])
def test_a_cluster_that_cannot_run_this_is_left(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, check: str) -> None:
    def refused(*_: object) -> None:
        raise UsageError("not there")

    monkeypatch.setattr(ray_site, check, refused)
    with pytest.raises(UsageError, match="not there"):
        executor(slots=0)
    assert cluster.left


def test_heavy_trials_go_first_and_their_task_knows_all_there_is_to_know(cluster: Cluster, tmp_path: Path) -> None:
    settings = Settings(
        slots=0, timeout=9.0, memory_limit=2**30, threads=3, server=pytest.fail,
        options={"pack": "2", "attempts": "4", "deadline": "1h"},
    )  # fmt: skip
    light, heavy, middle = (
        write_trial(tmp_path, seed=seed)._replace(weight=weight) for seed, weight in enumerate((1.0, 3.0, 2.0))
    )
    before = time.time()
    Ray(settings).submit([light, heavy, middle])
    assert cluster.tasks == [(heavy.trial_id, middle.trial_id), (light.trial_id,)]
    assert cluster.names == [f"ganbench {heavy.trial_id} and 1 more", f"ganbench {light.trial_id}"]
    first, second = map(NodeTask.model_validate, cluster.contents)
    assert first.submission != second.submission
    assert (first.executor, first.device, first.threads, first.per_device) == ("ray", "cpu", 3, 1)
    assert (first.timeout, first.memory_limit, first.attempts) == (9.0, 2**30, 4)
    assert (first.folder, first.expected) == (str(Path.cwd()), fingerprint())
    assert first.deadline is not None
    assert before + 3600 <= first.deadline <= time.time() + 3600


def test_without_a_deadline_a_trial_waits_without_end(cluster: Cluster, tmp_path: Path) -> None:
    executor(slots=0).submit([write_trial(tmp_path)])
    assert cluster.contents[0]["deadline"] is None


def test_one_that_has_ended_is_submitted_anew(cluster: Cluster, tmp_path: Path) -> None:
    """Without what it was asked before, and without what was said of its end."""
    found, job = executor(slots=0), write_trial(tmp_path)
    found.submit([job])
    cluster.over = {1}
    assert found.states() == {job.trial_id: JobState.ENDED}
    ask_to_stop(job.folder)
    found.submit([job])
    assert not asked_to_stop(job.folder)
    assert found.why(job.trial_id) == ""
    assert found.states() == {job.trial_id: JobState.PENDING}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(), Layout(device="cpu", slots=0, threads=1)),
        (Wish(jobs=4, options={"cpus": "2.5"}), Layout(device="cpu", slots=4, threads=2)),
        (Wish(options={"cpus": "0.5"}), Layout(device="cpu", slots=0, threads=1)),
        (Wish(device="cuda"), Layout(device="cuda", slots=0, threads=1)),
        (Wish(options={"gpus": "1"}), Layout(device="cuda", slots=0, threads=1)),
        (Wish(options={"gpus": "0.5"}), Layout(device="cuda", slots=0, threads=1, shared=True)),
        (Wish(options={"gpus": "2", "cpus": "4"}), Layout(device="cuda", slots=0, threads=4)),
        (Wish(options={"cpus": "4", "pack": "3"} | TWO), Layout(device="cuda", slots=0, threads=2)),
        (Wish(options={"gpus": "0"}), Layout(device="cpu", slots=0, threads=1)),
        (Wish(device="cpu", options={"gpus": "0.5"}), Layout(device="cpu", slots=0, threads=1)),
    ],
)
def test_trials_run_on_gpus_where_some_are_asked_for(wish: Wish, expected: Layout) -> None:
    assert Ray.layout(wish) == expected


@pytest.mark.parametrize(
    ("wish", "complaint"),
    [
        (Wish(devices=("0",)), "--devices is for this machine, but Ray assigns devices itself"),
        (Wish(per_device=2), "--per-device is for this machine, but Ray assigns devices itself"),
        (Wish(device="cuda:1"), "--device cuda:1 is for this machine; with Ray use --device cuda"),
        (Wish(options={"gpus": "1.5"}), "option gpus=1.5 must be a fraction of one GPU, or a whole number"),
        (Wish(device="cuda", options={"gpus": "0"}), "--device cuda needs --ray gpus=1 or a fraction"),
        (Wish(options={"gpu": "1"}), "executor 'ray' has no option 'gpu'"),
    ],
)
def test_what_ray_cannot_give_is_refused(wish: Wish, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        Ray.layout(wish)
