"""Which trials of a run its executor is given, and what becomes of the others."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from ganbench.display import make_display
from ganbench.executors import Executor, Job, Settings
from ganbench.records.folder import TrialFolder
from ganbench.running.dispatching import Dispatcher
from ganbench.running.waiting import Elsewhere
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.store.store import Store
from tests.trials import make_spec, make_trial


class Noting(Executor):
    """Notes what it is given; what an earlier run left to it is what the test says."""

    def __init__(self) -> None:
        super().__init__(Settings(slots=1, timeout=None, server=pytest.fail))
        self.given: list[str] = []
        self.left: set[str] = set()

    def adopt(self, jobs: Iterable[Job]) -> frozenset[str]:
        return frozenset(self.left & {job.trial_id for job in jobs})

    def submit(self, jobs: Iterable[Job]) -> None:
        self.given += [job.trial_id for job in jobs]


class Dispatching:
    """Trials, and all that a dispatcher needs."""

    def __init__(
        self, out: Path, specs: list[TrialSpec], execution: Execution | None = None, *, retry: bool = False
    ) -> None:
        trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution or Execution()) for spec in specs]
        self.store, self.executor, self.unwritten = Store(out), Noting(), dict[str, tuple[str, str]]()
        self.elsewhere = Elsewhere(self.store)
        self.said = io.StringIO()
        self.names = [trial.trial_id for trial in trials]
        self.dispatcher = Dispatcher(
            {trial.trial_id: trial for trial in trials},
            self.store,
            self.executor,
            make_display(quiet=True, stream=self.said),
            elsewhere=self.elsewhere,
            unwritten=self.unwritten,
            retry=retry,
        )

    def folder(self, place: int) -> TrialFolder:
        return self.store.folder(self.names[place])

    def is_free(self, place: int) -> bool:
        other = Store(self.store.path)
        taken = other.lease(self.names[place])
        other.release_all()
        return taken


@pytest.fixture
def two(tmp_path: Path, trial_spec: Callable[..., TrialSpec]) -> Dispatching:
    return Dispatching(tmp_path, [trial_spec(seed=seed) for seed in range(2)])


def test_what_is_missing_is_leased_written_and_handed_over(two: Dispatching) -> None:
    assert two.dispatcher.dispatch(two.names) == set(two.names)
    assert two.executor.given == two.names
    for place in range(2):
        assert two.folder(place).read_spec().trial_id == two.names[place]
        assert two.folder(place).read_status()["status"] == "pending"
        assert not two.is_free(place)
    two.store.release_all()


def test_what_another_run_has_is_left_to_it(two: Dispatching) -> None:
    other = Store(two.store.path)
    assert other.lease(two.names[0])
    assert two.dispatcher.dispatch(two.names) == {two.names[1]}
    assert list(two.elsewhere) == two.names[:1]
    assert two.executor.given == two.names[1:]
    for store in (other, two.store):
        store.release_all()


def test_what_an_earlier_run_left_to_the_executor_is_not_written_again(two: Dispatching) -> None:
    two.executor.left = {two.names[0]}
    assert two.dispatcher.dispatch(two.names) == set(two.names)
    assert two.executor.given == two.names[1:]
    assert not two.folder(0).spec.exists()
    two.store.release_all()


def test_what_another_run_has_ended_meanwhile_is_given_back(two: Dispatching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "cached", lambda _, name, retry: "done" if name == two.names[0] else None)
    assert two.dispatcher.dispatch(two.names) == {two.names[1]}
    assert two.is_free(0)
    two.store.release_all()


@pytest.mark.parametrize("when", ["before it is leased", "before it is written"])
def test_one_that_cannot_be_written_has_failed_and_keeps_no_lease(two: Dispatching, when: str) -> None:
    if when == "before it is leased":
        two.folder(0).path.write_text("")
    else:
        two.folder(0).spec.mkdir(parents=True)
    assert two.dispatcher.dispatch(two.names) == {two.names[1]}
    assert two.executor.given == two.names[1:]
    status, reason = two.unwritten[two.names[0]]
    assert status == "failed"
    assert str(two.folder(0).path) in reason
    assert reason in two.said.getvalue()
    if when == "before it is written":
        assert two.is_free(0)
    two.store.release_all()


@pytest.mark.parametrize("restored", [True, False])
def test_one_that_had_ended_and_lost_its_specification_is_restored_or_trained_again(
    tmp_path: Path, restored: bool
) -> None:
    """Its manifest says what was there, and another specification is not that."""
    specs = [make_spec(seed=seed) for seed in range(2)]
    folder = make_trial(tmp_path, specs[0])
    two = Dispatching(tmp_path, specs, Execution() if restored else Execution(checkpoint_seconds=50))
    before = folder.spec.read_bytes()
    folder.spec.unlink()
    assert two.dispatcher.dispatch(two.names) == set(two.names[restored:])
    assert two.executor.given == two.names[restored:]
    said = two.said.getvalue()
    label = "vanilla · dcgan · digits · seed 0"
    if restored:
        assert said == f"{label}: its spec.json was lost or damaged; it is written again, as its manifest confirms\n"
        assert folder.spec.read_bytes() == before
        assert two.is_free(0)
    else:
        assert said.startswith(f"{label}: it had ended, but is trained again: cannot read {folder.spec}")
        assert said.count("\n") == 1
    two.store.release_all()


def test_one_that_lost_more_than_its_specification_is_trained_again(tmp_path: Path) -> None:
    specs = [make_spec(seed=0)]
    folder = make_trial(tmp_path, specs[0])
    two = Dispatching(tmp_path, specs)
    folder.spec.unlink()
    folder.result.write_text(folder.result.read_text().replace("8.25", "9.25"))
    assert two.dispatcher.dispatch(two.names) == set(two.names)
    assert two.executor.given == two.names
    assert "it had ended, but is trained again: " in two.said.getvalue()
    two.store.release_all()


@pytest.mark.parametrize("lost", [False, True])
def test_one_that_diverged_runs_again_where_that_is_asked_for(tmp_path: Path, lost: bool) -> None:
    """Also one whose specification alone was lost, which is done where nobody asks."""
    specs = [make_spec()]
    folder = make_trial(tmp_path, specs[0], "diverged", "NaN")
    for retry in (False, True):
        if lost:
            folder.spec.unlink()
        one = Dispatching(tmp_path, specs, retry=retry)
        assert one.dispatcher.dispatch(one.names) == set(one.names if retry else [])
        assert one.executor.given == (one.names if retry else [])
        one.store.release_all()
