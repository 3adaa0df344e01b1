"""How many trials share a GPU where that is found out while they run. What they report is written by hand."""

from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.executors import AUTO, Job, JobState, Layout, Settings, Wish, devices
from ganbench.executors.layouts import on_this_machine
from ganbench.executors.local import Local
from ganbench.executors.sharing import CONTEXT, REPORTS, Sharing
from ganbench.executors.slurm_site import layout as slurm_layout
from ganbench.records.folder import TrialFolder
from ganbench.testing.executor_trials import write_trial

GIB = 2**30


class Gpu:
    """One device on which jobs run that report speeds; ``together`` is images per second by how many they are.

    ``memory`` is what the device has, or this part of it; ``others`` what other users hold of it.
    """

    def __init__(
        self, out: Path, together: list[float], *, most: int = 16, memory: int | None = 80 * GIB, others: int = 0
    ) -> None:
        self.waiting = [write_trial(out, seed=seed, steps=100) for seed in range(12)]
        self.running: list[Job] = []
        self._together = together
        self._memory, self._others = memory, others
        self.sharing = Sharing(most)

    def fill(self) -> int:
        """Start what may start; return how many run."""
        while (job := self.sharing.next("0", self.running, self.waiting)) is not None:
            self.waiting.remove(job)
            self.running.append(job)
        return len(self.running)

    def report(self, count: int = REPORTS, memory: int = GIB) -> None:
        speed = self._together[len(self.running) - 1] / len(self.running)
        free = None if self._memory is None else self._memory - self._others - len(self.running) * (memory + CONTEXT)
        line = {"images_per_second": speed, "memory": memory, "device_free": free}
        for job in self.running:
            for _ in range(count):
                TrialFolder(job.folder).append_progress(line)

    def settle(self, memory: int = GIB) -> int:
        for _ in range(12):
            self.fill()
            self.report(memory=memory)
        return self.fill()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "runs"


def test_the_first_runs_alone_until_it_has_been_measured(out: Path) -> None:
    gpu = Gpu(out, [100.0, 190.0, 200.0])
    assert gpu.fill() == 1
    gpu.report(1)
    assert gpu.fill() == 1
    gpu.report(REPORTS)
    assert gpu.fill() == 2


@pytest.mark.parametrize(
    ("together", "kept"),
    [
        ([100.0, 190.0, 260.0, 270.0, 270.0], 3),
        ([100.0, 101.0], 1),
        ([100.0, 90.0], 1),
        ([100.0 * number for number in range(1, 13)], 12),
    ],
)
def test_a_number_is_kept_only_while_it_pays(out: Path, together: list[float], kept: int) -> None:
    """The one too many ends as it will; nobody takes its place."""
    gpu = Gpu(out, together)
    running = gpu.settle()
    assert running in (kept, kept + 1)
    if running > kept:
        gpu.running.pop()
        assert gpu.fill() == kept


@pytest.mark.parametrize(
    ("memory", "others", "kept"),
    [(82, 0, 3), (83, 0, 4), (80, 17, 3), (80, 19, 2), (80, 60, 1), (20, 0, 1), (42, 0, 2)],
)
def test_memory_bounds_the_number(memory: int, others: int, kept: int, out: Path) -> None:
    """Three trials of 16 GiB, with headroom and a context each, fit into 82 GiB; without either of these four would.

    Of a part of a GPU no more is there, and what others hold is not free.
    """
    gpu = Gpu(out, [100.0 * number for number in range(1, 13)], memory=memory * GIB, others=others * GIB)
    assert gpu.settle(memory=16 * GIB) == kept


def test_the_most_that_one_held_counts_when_those_after_it_hold_less(out: Path) -> None:
    """An evaluation to come may need as much again."""
    gpu = Gpu(out, [100.0, 200.0, 300.0], memory=42 * GIB)
    gpu.fill()
    gpu.report(memory=16 * GIB)
    assert gpu.fill() == 2
    gpu.report(memory=8 * GIB)
    assert gpu.fill() == 2


def test_the_least_that_any_of_them_says_is_free_counts(out: Path) -> None:
    """One that reports seldom may have looked before another took it."""
    gpu = Gpu(out, [100.0, 200.0, 300.0])
    gpu.fill()
    gpu.report()
    assert gpu.fill() == 2
    for job, free in zip(gpu.running, (1, 60), strict=True):
        for _ in range(REPORTS):
            TrialFolder(job.folder).append_progress(
                {"images_per_second": 100.0, "memory": GIB, "device_free": free * GIB}
            )
    assert gpu.fill() == 2


def test_nothing_is_shared_where_the_memory_is_not_known(out: Path) -> None:
    assert Gpu(out, [100.0, 200.0], memory=None).settle() == 1


def test_there_is_a_most(out: Path) -> None:
    assert Gpu(out, [100.0 * number for number in range(1, 13)], most=4).settle() == 4


def test_a_device_holds_trials_of_one_cell(out: Path) -> None:
    """A trial of other steps waits until the device is empty, and is measured alone."""
    gpu = Gpu(out, [100.0, 200.0, 300.0])
    other = write_trial(out, seed=0, steps=7)
    gpu.waiting = [gpu.waiting[0], other, *gpu.waiting[1:]]
    gpu.fill()
    gpu.report()
    assert gpu.fill() == 2
    assert other in gpu.waiting
    gpu.running.clear()
    assert gpu.fill() == 1
    assert gpu.running == [other]


def test_one_that_runs_out_of_memory_lowers_the_number_for_good(out: Path) -> None:
    gpu = Gpu(out, [100.0 * number for number in range(1, 13)])
    assert gpu.settle() == 12
    gpu.sharing.ran_out(gpu.running.pop(), 12)
    assert gpu.fill() == 11
    gpu.sharing.ran_out(gpu.running.pop(), 3)
    gpu.sharing.ran_out(gpu.running.pop(), 9)  # of those that still run since before
    gpu.running = gpu.running[:1]
    gpu.waiting = [write_trial(out, seed=seed, steps=100) for seed in range(20, 30)]
    assert gpu.settle() == 2


def test_one_that_runs_out_of_memory_alone_says_nothing_of_sharing(out: Path) -> None:
    gpu = Gpu(out, [100.0, 200.0])
    gpu.fill()
    gpu.sharing.ran_out(gpu.running.pop(), 1)
    gpu.fill()
    gpu.report()
    assert gpu.fill() == 2


def test_a_waiting_trial_that_cannot_be_read_holds_up_nobody(out: Path) -> None:
    """Somebody removes its folder while the others run; its own worker will say so."""
    gpu = Gpu(out, [100.0, 200.0, 300.0])
    gpu.fill()
    gone = gpu.waiting[0]
    TrialFolder(gone.folder).spec.unlink()
    gpu.report()
    assert gpu.fill() == 2
    assert gone in gpu.waiting
    gpu.running.clear()
    gpu.fill()
    assert gpu.running == [gone]


def test_auto_is_for_gpus_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--per-device is for GPUs"):
        on_this_machine(Wish(device="cpu", per_device=AUTO))
    with pytest.raises(UsageError, match="give a number"):
        slurm_layout(Wish(per_device=AUTO, options={"gres": "gpu:1"}))
    monkeypatch.setattr(devices, "gpus", lambda: ("A100",) * 2)
    monkeypatch.setattr(devices, "cores", lambda: 16)
    place = on_this_machine(Wish(per_device=AUTO))
    assert place == Layout(
        device="cuda", slots=16, threads=1, devices=("0", "1"), per_device=8, shared=True, adaptive=True,
        memory=devices.main_memory(),
    )  # fmt: skip
    assert "up to 16 at once, as long as more are faster" in place.sentence()


def test_the_local_executor_begins_with_one_on_each_device(out: Path) -> None:
    class Nothing:
        def __getattr__(self, name: str) -> object:
            return lambda *_, **__: []

    local = Local(Settings(slots=8, timeout=None, server=Nothing, devices=("0", "1"), per_device=4, adaptive=True))  # type: ignore[arg-type]
    jobs = [write_trial(out, seed=seed) for seed in range(6)]
    local.submit(jobs)
    assert sorted(state.value for state in local.states().values()) == ["pending"] * 4 + ["running"] * 2
    for job in jobs:
        for _ in range(REPORTS):
            TrialFolder(job.folder).append_progress({"images_per_second": 10.0, "memory": GIB, "device_free": 70 * GIB})
    assert sorted(state.value for state in local.states().values()) == ["pending"] * 2 + ["running"] * 4


def test_the_local_executor_tells_of_memory_that_ran_out(out: Path) -> None:
    """Two share a device; one says in its folder that it ran out of memory, and nobody takes its place."""
    exits: list[dict[str, object]] = []

    class Fake:
        def receive(self, timeout: float) -> list[dict[str, object]]:
            found, exits[:] = list(exits), []
            return found

        def start(self, *_: object, **__: object) -> None: ...

    local = Local(Settings(slots=8, timeout=None, server=Fake, devices=("0",), per_device=4, adaptive=True))  # type: ignore[arg-type]
    jobs = [write_trial(out, seed=seed) for seed in range(4)]
    local.submit(jobs)
    for _ in range(REPORTS):
        TrialFolder(jobs[0].folder).append_progress({"images_per_second": 10.0, "memory": GIB, "device_free": 70 * GIB})
    assert list(local.states().values()).count(JobState.RUNNING) == 2
    first = next(job for job in jobs if local.states()[job.trial_id] is JobState.RUNNING)
    TrialFolder(first.folder).write_status("out-of-memory", "batch_size=64")
    exits.append({"id": first.trial_id, "code": 0, "why": "", "left": 0, "last_line": ""})
    assert local.states()[first.trial_id] is JobState.ENDED
    running = [job for job in jobs if local.states()[job.trial_id] is JobState.RUNNING]
    for _ in range(2 * REPORTS):
        for job in running:
            TrialFolder(job.folder).append_progress({"images_per_second": 10.0, "memory": GIB, "device_free": 70 * GIB})
        assert list(local.states().values()).count(JobState.RUNNING) == 1
