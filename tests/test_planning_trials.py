"""From a plan to its trials: what can never be held in memory is refused, and how heavy a trial is."""

from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.executors import Layout
from ganbench.plan import Planned, PlanRequest
from ganbench.planning import trials
from ganbench.planning.request import RunRequest
from ganbench.processes.server import Server
from ganbench.spec import Execution, TrialFile
from tests.trials import component, make_spec

GIB = 2**30


def planned(
    monkeypatch: pytest.MonkeyPatch, *, baseline: str = "", memory: int | None = None, limit: int | None = None
) -> list[TrialFile]:
    """Trials of 2^20 samples of 16x16 with a z of 256: two GiB."""
    spec = make_spec(baseline=baseline, num_samples=2**20, latent_dim=256)
    monkeypatch.setattr(trials, "plan", lambda *_: (Planned(spec=spec),))
    request = RunRequest(
        plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(0,), out=Path("runs"), memory_limit=limit
    )

    def server() -> Server:
        pytest.fail("no server is needed here")

    return trials.plan_trials(request, server, Layout(device="cpu", slots=1, threads=1, memory=memory), pytest.fail)


@pytest.mark.parametrize(
    ("memory", "limit", "words"),
    [
        (GIB, None, "needs 2.0 GiB, more than the 1.0 GiB of this machine; use a smaller --num-samples"),
        (8 * GIB, GIB, "needs 2.0 GiB, more than the 1.0 GiB of --memory-limit"),
        (None, 2**20, "needs 2.0 GiB, more than the 1 MiB of --memory-limit"),
    ],
)
def test_more_samples_than_memory_are_refused(
    monkeypatch: pytest.MonkeyPatch, memory: int | None, limit: int | None, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        planned(monkeypatch, memory=memory, limit=limit)


def test_samples_that_fit_or_are_there_already_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(planned(monkeypatch, memory=8 * GIB, limit=4 * GIB)) == 1
    assert len(planned(monkeypatch)) == 1  # on a cluster, whose nodes may have more than this machine
    assert len(planned(monkeypatch, memory=GIB, baseline="real")) == 1


def test_equal_samples_at_two_places_are_one_trial_and_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(path: str) -> Planned:
        return Planned(spec=make_spec(), data_at={"path": path})

    cells = (at("/here/photos"), at("/here/photos"), at("/there/photos"))
    monkeypatch.setattr(trials, "plan", lambda *_: cells)
    request = RunRequest(plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(0, 1), out=Path("runs"))
    told: list[str] = []
    found = trials.plan_trials(request, pytest.fail, Layout(device="cpu", slots=1, threads=1), told.append)
    assert [trial.execution.data_at for trial in found] == [{"path": "/here/photos"}] * 2
    assert told == ["/there/photos contains the same samples as /here/photos, so they are one dataset and one row here"]


def test_a_trial_is_as_heavy_as_the_samples_of_its_updates() -> None:
    def heavy(**changes: object) -> float:
        spec = make_spec(baseline=str(changes.pop("baseline", "")), steps=10, batch_size=4, n_critic=5)
        spec = spec.model_copy(update=changes)
        return trials.weight(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))

    assert heavy() == 10 * 4 * (1 + 5)  # several critic steps are no penalty
    assert heavy(penalties=(component("r1"),)) == 10 * 4 * (1 + 2 * 5)
    seldom = make_spec(steps=10, batch_size=4, n_critic=5).recipe.model_copy(update={"penalty_every": 5})
    assert heavy(recipe=seldom, penalties=(component("r1"),)) == pytest.approx(10 * 4 * (1 + 1.2 * 5))
    doubled = make_spec(steps=10, batch_size=4, n_critic=5).recipe.model_copy(update={"g_batches": 2})
    assert heavy(recipe=doubled) == 10 * 4 * (2 + 5)
    more = doubled.model_copy(update={"n_generator": 3})
    assert heavy(recipe=more) == 10 * 4 * (3 * 2 + 5)
    again = make_spec(steps=10)  # a trial that is scored again, and trains no more
    path = Execution(source_path="runs/before")
    assert trials.weight(TrialFile(trial_id=again.trial_id, spec=again, execution=path)) == 0
    boosted = doubled.model_copy(update={"g_batches": 1, "n_critic_boost": 100, "boost_first": 3})
    assert heavy(recipe=boosted) == 4 * (10 + 3 * 100 + 7 * 5)
    assert heavy(baseline="untrained") == 0
