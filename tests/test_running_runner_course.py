"""The course of a run: what is looked up and opened before it, who is told what, and what ends it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganbench.errors import StoreError, UsageError
from ganbench.executors import Executor, Job, JobState, Layout, Settings, Wish
from ganbench.records.folder import TrialFolder
from ganbench.running import runner
from ganbench.running.interrupts import Interrupts
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.handed import Handed
from ganbench.store.store import Store
from tests import clocks
from tests.grids import Ending, Noting, Run, Site, three_seeds
from tests.trials import make_spec, make_trial


@pytest.fixture
def three(tmp_path: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch) -> Run:
    return three_seeds(tmp_path / "runs", trial_spec, monkeypatch)


@pytest.fixture
def halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two trials, of which the first is done already."""
    specs = [make_spec(seed=seed) for seed in range(2)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    make_trial(tmp_path, specs[0])
    return Run(tmp_path, trials, monkeypatch)


def test_who_waits_is_told_of_every_trial_once(three: Run) -> None:
    display = Noting()

    class Slow(Ending):
        looks = 0

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            type(self).looks += 1
            first, *others = three.names
            return super().states() if self.looks > 2 else {first: JobState.RUNNING} | dict.fromkeys(
                others, (JobState.PENDING, JobState.UNKNOWN)[self.looks - 1]
            )  # fmt: skip

    three.on(Slow, display)
    assert display.ticks == Slow.looks == 3
    kinds = [told[0] for told in display.told]
    assert kinds == ["planning", "planned", "started", "finished", "started", "finished", "started", "finished"]
    assert display.told[1] == ("planned", 3, 0, 0)
    label = display.told[2][2]
    assert label.startswith("wgan-gp") and label.endswith("seed 0")  # noqa: PT018
    assert display.told[2] == ("started", three.names[0], label, 2000)
    assert display.told[3] == ("finished", three.names[0], label, "failed", "of itself")


@pytest.mark.parametrize("is_there", [True, False])
def test_the_folder_is_tried_once_before_planning_where_it_is_there_else_after(
    is_there: bool, three: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    display = Noting()
    prepare = Store.prepare

    def tried(store: Store) -> None:
        display.told.append(("tried",))
        prepare(store)

    monkeypatch.setattr(Store, "prepare", tried)
    if is_there:
        three.out.mkdir()
    three.on(Ending, display)
    begin = [told[0] for told in display.told[:3]]
    assert begin == (["tried", "planning", "planned"] if is_there else ["planning", "tried", "planned"])
    assert display.told.count(("tried",)) == 1


def test_who_waits_is_told_that_a_baseline_has_no_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec, display = make_spec(baseline="real"), Noting()
    Run(tmp_path, [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution())], monkeypatch).on(
        Ending, display
    )
    (steps,) = [told[3] for told in display.told if told[0] == "started"]
    assert steps == 0


def test_what_is_done_is_looked_up_and_given_to_nobody(halved: Run) -> None:
    display = Noting()
    submitted: list[str] = []

    class Site(Ending):
        def submit(self, jobs: Iterable[Job]) -> None:
            jobs = list(jobs)
            submitted.extend(job.trial_id for job in jobs)
            super().submit(jobs)

    outcome = halved.on(Site, display)
    assert submitted == halved.names[1:]
    assert display.told[1] == ("planned", 2, 1, 0)
    assert [row.status for row in outcome.rows()] == ["done", "failed"]
    assert not outcome.interrupted
    assert (outcome.detached, outcome.unwritten) == ("", {})


def test_a_warning_of_several_trials_is_one_line(three: Run) -> None:
    display = Noting()
    three.trials = [trial.model_copy(update={"warnings": ("few samples", "odd")}) for trial in three.trials]
    three.on(Ending, display)
    assert display.notes == ["few samples", "odd"]


def test_what_was_left_to_another_executor_is_refused(three: Run) -> None:
    three.folder(1).write_status("pending")
    Handed("slurm", "a", 0, 1, 0.0).write(three.folder(1).path)
    with pytest.raises(UsageError, match=f"{three.names[1]} was left to slurm by an earlier run"):
        three.on(Ending)
    assert not three.folder(0).spec.exists()


def test_a_grid_that_its_executor_refuses_leaves_no_folder_behind(three: Run) -> None:
    class Refusing(Ending):
        def __init__(self, settings: Settings) -> None:
            raise UsageError("there is no such queue")

    with pytest.raises(UsageError, match="no such queue"):
        three.on(Refusing)
    assert not three.out.exists()


class OnGPUs(Ending):
    @classmethod
    def layout(cls, wish: Wish) -> Layout:
        return Layout(device="cuda", slots=1, threads=3, devices=("0",))


@pytest.mark.parametrize(
    ("site", "done", "given", "opened"),
    [
        (OnGPUs, ("failed", "diverged"), {}, 1),
        (OnGPUs, ("diverged", "diverged"), {}, 0),
        (OnGPUs, ("diverged", "diverged"), {"retry": True}, 1),
        (Ending, ("failed", "failed"), {}, 0),
    ],
    ids=["a trial is missing", "all are there", "what diverged runs again", "no GPU is needed"],
)
def test_torch_is_asked_for_the_gpu_before_any_trial_of_a_plan_that_was_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: type[Executor], done: tuple[str, str],
    given: dict[str, Any], opened: int,
) -> None:  # fmt: skip
    asked: list[tuple[Any, ...]] = []

    @contextmanager
    def server(device: str, threads: int, *, needs_gpu: bool) -> Iterator[Callable[[], None]]:
        asked.append((device, threads, needs_gpu))
        yield lambda: asked.append(("opened",))

    monkeypatch.setattr(runner, "shared_server", server)
    specs = [make_spec(seed=seed) for seed in range(2)]
    for spec, status in zip(specs, done, strict=True):
        make_trial(tmp_path, spec, status, "of itself")
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    Run(tmp_path, trials, monkeypatch).on(site, **given)
    gpu = site is OnGPUs
    assert asked[0][2] is gpu
    if gpu:
        assert asked[0] == ("cuda", 3, True)
    assert len(asked) == 1 + opened


@pytest.mark.parametrize("batched", [True, False])
def test_seeds_are_one_job_where_that_is_asked_for(
    tmp_path: Path, trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch, batched: bool
) -> None:
    data = trial_spec().data.model_copy(update={"kind": "vector", "shape": (2,)})
    specs = [trial_spec(seed=seed, data=data) for seed in range(3)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    submitted: list[int] = []

    class Counting(Site):
        def submit(self, jobs: Iterable[Job]) -> None:
            jobs = list(jobs)
            submitted.append(len(jobs))
            super().submit(jobs)

        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            return dict.fromkeys(self.jobs, JobState.ENDED)

    Run(tmp_path, trials, monkeypatch).on(Counting, jobs=1, batch_seeds=batched)
    assert submitted[0] == (1 if batched else 3)


@pytest.mark.parametrize("detachable", [True, False])
def test_a_closed_terminal_ends_what_cannot_go_on_without_it(
    three: Run, monkeypatch: pytest.MonkeyPatch, detachable: bool
) -> None:
    given: list[bool] = []

    class Asked(Interrupts):
        def __init__(self, *, hangup: bool) -> None:
            given.append(hangup)
            super().__init__(hangup=hangup)

    monkeypatch.setattr(runner, "Interrupts", Asked)
    three.on(type("Leaving", (Ending,), {"detachable": detachable}))
    assert given == [not detachable]


class Leaving(Site):
    detachable = True

    def detach(self) -> str:
        return f"{len(self.jobs)} are with Slurm"

    def states(self, timeout: float = 0.0) -> dict[str, JobState]:
        raise AssertionError("nobody waits for them")


def test_what_is_left_to_a_cluster_is_not_waited_for(three: Run) -> None:
    outcome = three.on(Leaving, detach=True)
    assert outcome.detached == "3 are with Slurm"
    assert [row.status for row in outcome.rows()] == ["pending"] * 3


def test_where_nothing_is_missing_nothing_is_left(halved: Run) -> None:
    halved.trials, halved.names = halved.trials[:1], halved.names[:1]
    outcome = halved.on(Leaving, detach=True)
    assert outcome.detached == ""
    assert [row.status for row in outcome.rows()] == ["done"]


def test_what_an_executor_does_not_speak_of_has_ended_after_a_while(
    three: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins anew with each word, and nothing else is ended with it."""
    now = clocks.stop(monkeypatch, runner, 0.0)

    class Silent(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            now[0] += 2.0
            found = dict.fromkeys(three.names[1:], JobState.RUNNING)
            if now[0] == 6.0:  # a word, after two looks of silence
                found[three.names[0]] = JobState.RUNNING
            assert now[0] < 60.0, "nothing ends"
            return {three.names[1]: JobState.ENDED, three.names[2]: JobState.LOST} if now[0] > 30.0 else found

    ended: dict[str, float] = {}

    class Timing(Noting):
        def finished(self, folder: TrialFolder, label: str, status: str, reason: str) -> None:
            ended[folder.trial_id] = now[0]

    rows = three.on(Silent, Timing()).rows()
    lost = "its executor lost track of it"
    assert [row.reason for row in rows] == [lost, "it ended without a status", lost]
    assert [ended[name] for name in three.names] == [14.0, 32.0, 32.0], "5 s after the first look without a word, at 8"


def test_plugins_are_told_and_one_that_fails_is_a_note(halved: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []

    def call(hook: str, **arguments: Any) -> list[str]:
        told.append((hook, arguments))
        return [f"{hook} failed"]

    display = Noting()
    monkeypatch.setattr(Ending, "ends", {halved.names[1]: ("diverged", "D is not finite")})
    halved.on(Ending, display, SimpleNamespace(call=call, registry=None))  # type: ignore[arg-type]
    spec = halved.trials[1].spec.model_dump(mode="json")
    name = halved.names[1]
    assert told == [
        ("trial_started", {"trial_id": name, "spec": spec}),
        ("trial_finished", {"trial_id": name, "spec": spec, "status": "diverged", "result": {}}),
    ]
    assert display.notes == ["trial_started failed", "trial_finished failed"]


def test_a_status_that_cannot_be_written_is_in_the_row_all_the_same(
    three: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreError("no space left on device")

    class Filled(Site):
        def states(self, timeout: float = 0.0) -> dict[str, JobState]:
            monkeypatch.setattr("ganbench.records.folder.TrialFolder.write_status", full)
            return dict.fromkeys(self.jobs, JobState.ENDED)

        def why(self, trial_id: str) -> str:
            return "killed by signal 9"

    assert [(row.status, row.reason) for row in three.on(Filled).rows()] == [("failed", "killed by signal 9")] * 3
