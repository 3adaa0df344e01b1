"""The tracker held by the kit, and what it writes to a real MLflow store: a SQLite file in a temporary folder."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.grid import parse_axis
from ganbench.testing import Conformance
from ganbench.trackers import Settings, Tracked
from ganbench.trackers.following import make_trackers

tracker = pytest.importorskip("ganbench_mlflow.tracker", reason="ganbench-mlflow is not installed")
for needed in ("sqlalchemy", "alembic"):
    pytest.importorskip(needed, reason=f"{needed} is not installed, which MLflow keeps its local database with")

SPEC = {
    "baseline": "", "seed": 3, "loss": {"label": "wgan-gp[lambda_gp=1]"}, "architecture": {"label": "dcgan"},
    "penalties": [{"label": "r1"}], "data": {"component": {"label": "digits"}},
    "recipe": {"steps": 20, "g_lr": 0.0002, "init": "architecture"},
}  # fmt: skip


class TestMLflow(Conformance):
    component, name = tracker.MLflow, "mlflow"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One store for all tests: making its tables takes longer than everything else."""
    return f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"


def trial(tmp_path: Path, name: str) -> Tracked:
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    (folder / "result.json").write_text(json.dumps({"status": "done"}))
    (folder / "worker.log").write_text("step 1\n")
    return Tracked(trial_id=name, label="wgan-gp · seed 3", folder=folder, spec=SPEC, started=1_700_000_000.0)


def follow(one: Any, of: Tracked, steps: tuple[int, ...], status: str, reason: str = "") -> None:
    one.trial_started(of)
    for step in steps:
        one.progress(of, {"step": step, "seconds": step / 10, "d_loss": 1.0 / step, "g_loss": None, "memory": 10})
    one.evaluation(of, {"step": steps[-1], "seconds": 2.0, "values": {"fid": 4.5, "is": None}})
    one.trial_finished(of, status, {"reason": reason, "cost": {"seconds": 12.5}})
    one.close()


def the_run(one: Any, of: Tracked) -> Any:
    (run,) = one.client.search_runs([one._experiment_id], filter_string=f"tags.`ganbench.trial_id` = '{of.trial_id}'")
    return run


def test_a_trial_is_a_run_with_its_settings_scores_and_files(tmp_path: Path, store: str) -> None:
    of = trial(tmp_path, "a-1")
    one = tracker.MLflow(Settings(out=tmp_path), uri=store, experiment="first")
    one.client.create_experiment("elsewhere")
    follow(one, of, (10, 20), "done")
    run = the_run(one, of)
    assert run.info.run_name == "wgan-gp · seed 3"
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_700_000_000_000, 1_700_000_012_500)
    assert run.data.params == {
        "loss": "wgan-gp[lambda_gp=1]", "architecture": "dcgan", "dataset": "digits", "penalties": "r1",
        "baseline": "none", "seed": "3", "steps": "20", "g_lr": "0.0002", "init": "architecture",
    }  # fmt: skip
    assert run.data.metrics == {"d_loss": 0.05, "memory": 10, "fid": 4.5}
    history = one.client.get_metric_history(run.info.run_id, "d_loss")
    assert [(point.step, point.value, point.timestamp) for point in history] == [
        (10, 0.1, 1_700_000_001_000), (20, 0.05, 1_700_000_002_000),
    ]  # fmt: skip
    assert run.data.tags["ganbench.status"] == "done"
    assert sorted(path.name for path in (tmp_path / "mlflow" / "artifacts").rglob("*.*")) == [
        "result.json",
        "worker.log",
    ]


def test_a_trial_that_goes_on_goes_on_in_its_run(tmp_path: Path, store: str) -> None:
    of = trial(tmp_path, "b-1")
    follow(tracker.MLflow(Settings(out=tmp_path), uri=store, artifacts=False), of, (5, 10), "interrupted")
    again = tracker.MLflow(Settings(out=tmp_path), uri=store, artifacts=False)
    assert the_run_status(again, of) == "KILLED"
    follow(again, of, (5, 10, 15), "done")
    run = the_run(again, of)
    assert run.info.status == "FINISHED"
    assert [point.step for point in again.client.get_metric_history(run.info.run_id, "d_loss")] == [5, 10, 15]


def the_run_status(one: Any, of: Tracked) -> str:
    one.client  # noqa: B018 - connects
    return str(the_run(one, of).info.status)


def test_what_a_link_leads_to_is_not_copied(tmp_path: Path, store: str) -> None:
    of = trial(tmp_path, "e-1")
    (tmp_path / "private").write_text("a key")
    (of.folder / "worker.log").unlink()
    (of.folder / "worker.log").symlink_to(tmp_path / "private")
    one = tracker.MLflow(Settings(out=tmp_path / "runs"), uri=store, experiment="links")
    follow(one, of, (1,), "done")
    copied = one.client.list_artifacts(the_run(one, of).info.run_id)
    assert [artifact.path for artifact in copied] == ["result.json"]


def test_a_failure_keeps_its_reason(tmp_path: Path, store: str) -> None:
    of = trial(tmp_path, "c-1")
    one = tracker.MLflow(Settings(out=tmp_path), uri=store, artifacts=False)
    follow(one, of, (1,), "diverged", "loss is nan at step 2")
    run = the_run(one, of)
    assert run.info.status == "FAILED"
    assert run.data.tags["ganbench.reason"] == "loss is nan at step 2"


def test_by_default_everything_stays_beside_the_trials(tmp_path: Path) -> None:
    of = trial(tmp_path, "d-1")
    one = tracker.MLflow(Settings(out=tmp_path / "runs"))
    follow(one, of, (1,), "done")
    assert (tmp_path / "runs" / "mlflow" / "mlflow.db").is_file()
    files = {path.name for path in (tmp_path / "runs" / "mlflow" / "artifacts").rglob("*") if path.is_file()}
    assert files == {"result.json", "worker.log"}


def test_nothing_is_reported_to_anybody() -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert is_telemetry_disabled()


def test_it_is_found_by_name_and_refuses_nonsense(tmp_path: Path) -> None:
    registry = plugins.load().registry
    (request,) = parse_axis("tracker", ["mlflow[experiment=mine]"], registry)
    made = make_trackers([request], registry, tmp_path)
    mine = made["mlflow"]
    assert isinstance(mine, tracker.MLflow)
    assert mine.experiment == "mine"
    assert not (tmp_path / "mlflow").exists()
    with pytest.raises(ValueError, match="must have a name"):
        tracker.MLflow(Settings(out=tmp_path), experiment=" ")
