"""Trials that differ in nothing but their seed, given to an executor as one job."""

from collections.abc import Iterable, Mapping

from ganbench.executors import Executor, Job, JobState
from ganbench.records.folder import TrialFolder


class Batching(Executor):
    """Stands before another executor and gives it the seeds of a cell as one job, split over its free slots.

    The job is that of one trial, whose ``spec.json`` names the others: any executor can run it. Baselines and trials
    on images on a CPU, where batched convolutions are slower than convolutions in several processes, stay alone.
    """

    def __init__(self, inner: Executor) -> None:
        super().__init__(inner.settings)
        self._inner = inner
        self._leaders: dict[str, str] = {}  # by a trial's name, that of the job in which it is

    def submit(self, jobs: Iterable[Job]) -> None:
        """Group jobs by cell and hand on one for each group."""
        cells: dict[str, list[Job]] = {}
        for job in jobs:
            cells.setdefault(_cell(job), []).append(job)
        # Several processes only where there are not cells enough to keep all slots busy.
        shares = max(1, self.settings.slots // max(1, len(cells)))
        handed = []
        for cell in cells.values():
            parts = min(shares, len(cell))
            handed += [self._as_one(cell[part::parts]) for part in range(parts)]
        self._inner.submit(handed)

    def states(self, timeout: float = 0.0) -> Mapping[str, JobState]:
        """What a job's state is, all of its trials' states are."""
        found = self._inner.states(timeout)
        return {trial_id: found[leader] for trial_id, leader in self._leaders.items() if leader in found}

    def cancel(self, trial_ids: Iterable[str], *, hard: bool) -> None:
        """End the jobs in which these trials are."""
        leaders = [self._leaders[trial_id] for trial_id in trial_ids if trial_id in self._leaders]
        self._inner.cancel(dict.fromkeys(leaders), hard=hard)

    def why(self, trial_id: str) -> str:
        """How the job ended in which this trial was."""
        return self._inner.why(self._leaders.get(trial_id, trial_id))

    def close(self) -> None:
        """Close the executor behind this."""
        self._inner.close()

    def _as_one(self, jobs: list[Job]) -> Job:
        leader, *others = jobs
        if leader.trial_id in self._leaders:  # tried again, alone, it no longer leads those that were with it
            self._leaders = {one: its for one, its in self._leaders.items() if its != leader.trial_id}
        self._leaders |= dict.fromkeys((job.trial_id for job in jobs), leader.trial_id)
        folder = TrialFolder(leader.folder)
        trial = folder.read_spec()
        beside = tuple(job.trial_id for job in others)
        folder.write_spec(trial.model_copy(update={"execution": trial.execution.model_copy(update={"beside": beside})}))
        return leader._replace(weight=sum(job.weight for job in jobs))


def _cell(job: Job) -> str:
    """What the jobs of one cell share; something of its own for a trial that stays alone."""
    trial = TrialFolder(job.folder).read_spec()
    spec = trial.spec
    if spec.baseline or (spec.data.kind == "image" and trial.execution.device == "cpu"):
        return job.trial_id
    return spec.cell_id
