"""From a plan to its trials: what can never be held in memory is refused, and how heavy a trial is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from ganbench import plugins
from ganbench.errors import UsageError
from ganbench.executors import Executor, Layout
from ganbench.external import SourceSpec
from ganbench.plan import Planned, PlanRequest
from ganbench.planning import trials
from ganbench.planning.request import RunRequest
from ganbench.processes.server import Server
from ganbench.spec import Execution, TrialFile
from tests.trials import make_spec

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
    for baseline in ("", "untrained"):
        with pytest.raises(UsageError, match=words):
            planned(monkeypatch, memory=memory, limit=limit, baseline=baseline)


def test_samples_that_fit_or_are_there_already_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(planned(monkeypatch, memory=8 * GIB, limit=4 * GIB)) == 1
    assert len(planned(monkeypatch)) == 1  # on a cluster, whose nodes may have more than this machine
    assert len(planned(monkeypatch, memory=GIB, baseline="real")) == 1


@pytest.mark.parametrize(
    ("latent_dim", "words"), [(256, "needs 2.0 GiB"), (768, "needs 4.0 GiB"), (0, "needs 1.0 GiB")]
)
def test_the_z_of_a_generator_from_elsewhere_are_its_own(
    monkeypatch: pytest.MonkeyPatch, latent_dim: int, words: str
) -> None:
    """And not those of a recipe, which it does not have."""
    source = SourceSpec(kind="torchscript", label="g.pt", fingerprint="ab" * 32, latent_dim=latent_dim)
    spec = make_spec(num_samples=2**20, latent_dim=8).model_copy(update={"source": source})
    monkeypatch.setattr(trials, "plan", lambda *_: (Planned(spec=spec, source="/g.pt"),))
    request = RunRequest(plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(0,), out=Path("runs"))
    with pytest.raises(UsageError, match=words):
        trials.plan_trials(request, pytest.fail, Layout(device="cpu", slots=1, threads=1, memory=2**20), pytest.fail)


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


def test_how_often_each_network_runs_is_told_to_the_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "plan", lambda *_: (Planned(spec=make_spec(), passes=1.25, g_passes=1.5),))
    request = RunRequest(plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(0,), out=Path("runs"))
    (found,) = trials.plan_trials(request, pytest.fail, Layout(device="cpu", slots=1, threads=1), pytest.fail)
    assert (found.execution.passes, found.execution.g_passes) == (1.25, 1.5)


def test_a_trial_is_as_heavy_as_the_samples_of_its_updates() -> None:
    def heavy(passes: float = 1.0, g_passes: float = 1.0, **changes: object) -> float:
        spec = make_spec(baseline=str(changes.pop("baseline", "")), steps=10, batch_size=4, n_critic=5)
        spec = spec.model_copy(update=changes)
        execution = Execution(passes=passes, g_passes=g_passes)
        return trials.weight(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))

    assert heavy() == 10 * 4 * (1 + 5)  # several critic steps are no penalty
    assert heavy(passes=1.25) == 10 * 4 * (1 + 1.25 * 5)
    doubled = make_spec(steps=10, batch_size=4, n_critic=5).recipe.model_copy(update={"g_batches": 2})
    assert heavy(recipe=doubled) == 10 * 4 * (2 + 5)
    more = doubled.model_copy(update={"n_generator": 3})
    assert heavy(recipe=more) == 10 * 4 * (3 * 2 + 5)
    assert heavy(recipe=more, g_passes=1.5) == 10 * 4 * (1.5 * 3 * 2 + 5)
    again = make_spec(steps=10)  # a trial that is scored again, and trains no more
    path = Execution(source_path="runs/before")
    assert trials.weight(TrialFile(trial_id=again.trial_id, spec=again, execution=path)) == 0
    boosted = doubled.model_copy(update={"g_batches": 1, "n_critic_boost": 100, "boost_first": 3})
    assert heavy(recipe=boosted) == 4 * (10 + 3 * 100 + 7 * 5)
    assert heavy(baseline="untrained") == 0


WHERE = Layout(
    device="cuda", slots=6, threads=3, devices=("0", "2"), per_device=2, shared=True, adaptive=True, memory=64 * GIB
)


def test_each_cell_is_a_trial_per_seed_a_baseline_one_and_what_is_scored_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", "kept")  # of the folder that a run is started in
    cells = (
        Planned(spec=make_spec(baseline="real"), baseline=True),
        Planned(spec=make_spec(), warnings=("mind",), data_at={"path": "/here/photos"}),
        Planned(spec=make_spec("hinge", seed=7), source="/there/generator.pt"),
    )
    plan = PlanRequest(losses=(), architectures=(), datasets=(), data_root="elsewhere")
    request = RunRequest(plan=plan, seeds=(3, 4), out=Path("runs"), checkpoint_seconds=5)
    found = trials.trials_of(cells, request, WHERE, pytest.fail)
    assert [(trial.spec.loss_label, trial.spec.seed) for trial in found] == [
        ("(real data)", 3), ("vanilla", 3), ("vanilla", 4), ("hinge", 7)
    ]  # fmt: skip
    assert [trial.trial_id for trial in found] == [trial.spec.trial_id for trial in found]
    assert [trial.warnings for trial in found] == [(), ("mind",), ("mind",), ()]
    assert [trial.execution.source_path for trial in found] == ["", "", "", "/there/generator.pt"]
    assert [trial.execution.data_at for trial in found] == [{}, *[{"path": "/here/photos"}] * 2, {}]
    for trial in found:
        told = trial.execution
        assert (told.device, told.threads, told.shared_device) == ("cuda", 3, True)
        assert (told.data_root, told.checkpoint_seconds) == ("elsewhere", 5.0)
        assert Path(told.cache_dir) == Path.cwd() / "kept"


def test_where_nothing_is_kept_a_trial_keeps_no_reference_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "cache_folder", lambda: None)
    request = RunRequest(plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(3,), out=Path("runs"))
    (found,) = trials.trials_of((Planned(spec=make_spec()),), request, WHERE, pytest.fail)
    assert found.execution.cache_dir == ""


def test_an_executor_is_told_where_and_for_how_long_trials_run() -> None:
    request = RunRequest(
        plan=PlanRequest(losses=(), architectures=(), datasets=()), seeds=(0,), out=Path("there"), timeout=9.0,
        memory_limit=4 * GIB, executor_options={"partition": "gpu"},
    )  # fmt: skip
    told = trials.settings(request, WHERE, pytest.fail)
    for name in ("slots", "device", "threads", "devices", "per_device", "adaptive"):
        assert getattr(told, name) == getattr(WHERE, name), name
    assert (told.timeout, told.memory_limit, told.out) == (9.0, 4 * GIB, Path("there"))
    assert told.options == {"partition": "gpu"}


def test_samples_that_just_fit_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(planned(monkeypatch, memory=2 * GIB, limit=2 * GIB)) == 1
    with pytest.raises(UsageError, match="of this machine"):
        planned(monkeypatch, memory=2 * GIB - 1)


class Here(Executor):
    """It ends with this process."""


class There(Executor):
    """It goes on without."""

    detachable = True


def chosen(loaded: object, **how: bool) -> type[Executor]:
    entry = SimpleNamespace(name="site", distribution="theirs", target="theirs:Site", load=lambda: loaded)
    registry = SimpleNamespace(find=lambda kind, name: entry if (kind, name) == ("executor", "site") else None)
    plan = PlanRequest(losses=(), architectures=(), datasets=())
    request = RunRequest(plan=plan, seeds=(0,), out=Path("runs"), executor="site", **how)
    return trials.executor_class(request, SimpleNamespace(registry=registry))  # type: ignore[arg-type]


def test_an_executor_is_taken_where_it_can_do_what_was_asked_for() -> None:
    assert [chosen(Here), chosen(There)] == [Here, There]
    assert chosen(There, detach=True) is There
    assert chosen(Here, batch_seeds=True) is Here
    for loaded, how, words in (
        (Here, {"detach": True}, "executor 'site' cannot continue without this process; leave --detach out"),
        (There, {"batch_seeds": True}, "executor 'site' runs the seeds one by one; leave --batch-seeds out"),
        (dict, {}, "executor 'site' of theirs: theirs:Site must be a subclass of ganbench.executors.Executor"),
        (len, {}, "must be a subclass of ganbench.executors.Executor"),
    ):
        with pytest.raises(UsageError, match=words):
            chosen(loaded, **how)


@pytest.mark.parametrize("executor", ["slurm", "ray"])
def test_seeds_are_not_batched_on_a_cluster_which_looks_after_each_trial_alone(executor: str) -> None:
    plan = PlanRequest(losses=(), architectures=(), datasets=())
    request = RunRequest(plan=plan, seeds=(0, 1), out=Path("runs"), executor=executor, batch_seeds=True)
    with pytest.raises(UsageError, match=f"'{executor}' runs the seeds one by one; leave --batch-seeds out"):
        trials.executor_class(request, plugins.load())
