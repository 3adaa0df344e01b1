"""The seeds of a cell as one job: which are together, and what becomes of them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ganbench.executors import Executor, Job, JobState, Settings
from ganbench.executors.batching import Batching
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile


class Noting(Executor):
    """Takes jobs and runs none."""

    def __init__(self, slots: int) -> None:
        super().__init__(Settings(slots=slots, timeout=None, server=lambda: pytest.fail("no server is needed")))
        self.jobs: list[Job] = []
        self.cancelled: list[str] = []
        self.hard: list[bool] = []
        self.waited: list[float] = []
        self.closed = False

    def submit(self, jobs: Iterable[Job]) -> None:
        self.jobs += jobs

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        self.waited.append(timeout)
        return {job.trial_id: JobState.RUNNING for job in self.jobs}

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        self.cancelled += trial_ids
        self.hard.append(hard)

    def why(self, trial_id: str) -> str:
        return f"because of {trial_id}"

    def close(self) -> None:
        self.closed = True


def jobs_for(path: Path, trial_spec: Any, *cells: dict[str, Any], seeds: int = 4, device: str = "cpu") -> list[Job]:
    jobs = []
    for cell in cells:
        for seed in range(seeds):
            spec = trial_spec(**cell, seed=seed)
            folder = TrialFolder(path / spec.trial_id)
            folder.path.mkdir(parents=True)
            folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(device=device)))
            jobs.append(Job(spec.trial_id, folder.path, 2.0))
    return jobs


def points(trial_spec: Any) -> dict[str, Any]:
    data = trial_spec().data
    return {"data": data.model_copy(update={"kind": "vector", "shape": (2,)})}


def test_the_seeds_of_a_cell_are_one_job_for_each_free_slot(tmp_path: Path, trial_spec: Any) -> None:
    jobs = jobs_for(tmp_path, trial_spec, points(trial_spec))
    for slots, sizes in ((1, [4]), (2, [2, 2]), (3, [2, 1, 1]), (9, [1, 1, 1, 1])):
        inner = Noting(slots)
        Batching(inner).submit(jobs)
        assert [1 + len(TrialFolder(job.folder).read_spec().execution.beside) for job in inner.jobs] == sizes
        assert [job.weight for job in inner.jobs] == [2.0 * size for size in sizes]


def test_cells_are_kept_apart(tmp_path: Path, trial_spec: Any) -> None:
    cell = points(trial_spec)
    inner = Noting(2)
    Batching(inner).submit(jobs_for(tmp_path, trial_spec, cell, cell | {"recipe": {"steps": 7}}, seeds=3))
    assert len(inner.jobs) == 2
    for job in inner.jobs:
        trial = TrialFolder(job.folder).read_spec()
        others = [TrialFolder(tmp_path / name).read_spec() for name in trial.execution.beside]
        assert {other.spec.recipe for other in others} == {trial.spec.recipe}
        assert sorted([trial.spec.seed, *(other.spec.seed for other in others)]) == [0, 1, 2]


def test_images_stay_alone_on_a_cpu_and_baselines_everywhere(tmp_path: Path, trial_spec: Any) -> None:
    for device, count in (("cpu", 4), ("cuda", 1)):
        inner = Noting(1)
        Batching(inner).submit(jobs_for(tmp_path / device, trial_spec, {}, device=device))
        assert len(inner.jobs) == count
    baseline = {"baseline": "untrained", "loss": None}
    inner = Noting(1)
    Batching(inner).submit(jobs_for(tmp_path / "b", trial_spec, baseline | points(trial_spec), device="cuda"))
    assert len(inner.jobs) == 4


def test_what_becomes_of_a_job_becomes_of_all_its_trials(tmp_path: Path, trial_spec: Any) -> None:
    jobs = jobs_for(tmp_path, trial_spec, points(trial_spec))
    inner = Noting(1)
    batching = Batching(inner)
    batching.submit(jobs)
    assert set(batching.states()) == {job.trial_id for job in jobs}
    assert batching.why(jobs[3].trial_id) == f"because of {jobs[0].trial_id}"
    batching.cancel([jobs[2].trial_id, jobs[3].trial_id], hard=False)
    assert inner.cancelled == [jobs[0].trial_id]
    inner.jobs.clear()
    assert batching.states() == {}, "what the executor has forgotten is forgotten with all its trials"


def test_how_long_is_waited_and_how_jobs_end_is_for_the_executor_behind_it(tmp_path: Path, trial_spec: Any) -> None:
    """A batch that is asked to end writes a checkpoint, as a trial alone does."""
    jobs = jobs_for(tmp_path, trial_spec, points(trial_spec))
    inner = Noting(1)
    batching = Batching(inner)
    batching.submit(jobs)
    batching.states(timeout=0.3)
    for hard in (False, True):
        batching.cancel([jobs[1].trial_id], hard=hard)
    assert (inner.waited, inner.hard) == ([0.3], [False, True])


def test_it_is_closed_with_the_executor_behind_it() -> None:
    inner = Noting(1)
    Batching(inner).close()
    assert inner.closed


def test_one_that_is_tried_again_alone_leads_no_other(tmp_path: Path, trial_spec: Any) -> None:
    """As after they have run out of memory together: what becomes of it then is its own."""
    jobs = jobs_for(tmp_path, trial_spec, points(trial_spec), seeds=3)
    leader, *others = [job.trial_id for job in jobs]
    inner = Noting(1)
    batching = Batching(inner)
    for again in ([*jobs], jobs[:1], jobs[1:2]):
        batching.submit(again)
    assert [job.trial_id for job in inner.jobs] == [leader, leader, others[0]]
    assert TrialFolder(jobs[0].folder).read_spec().execution.beside == ()
    assert batching.why(others[0]) == f"because of {others[0]}"
    batching.cancel([others[1]], hard=True)
    assert inner.cancelled == []
    batching.cancel([others[0], leader], hard=True)
    assert inner.cancelled == [others[0], leader]
