"""The tracker: a run for each trial, found again by the trial's name."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.trackers import Settings, Tracked, Tracker

# Before mlflow is imported: it reports its use to its makers unless it is told not to.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

TAG = "ganbench.trial_id"
STATUS = {"done": "FINISHED", "interrupted": "KILLED"}
PROGRESS = ("d_loss", "g_loss", "images_per_second", "memory")
ARTIFACTS = ("samples.png", "result.json", "spec.json", "worker.log")
LONGEST = 500
"""MLflow's limit for a parameter's value."""


class MLflow(Tracker):
    """Writes a run for each trial.

    Args:
        experiment: the experiment's name; made where it is not there.
        uri: where runs are kept; by default what ``MLFLOW_TRACKING_URI`` says, else a SQLite file in the folder
            ``mlflow`` of the trials' folder.
        artifacts: whether samples, result, specification and log are copied too.
    """

    def __init__(self, settings: Settings, experiment: str = "ganbench", uri: str = "", artifacts: bool = True) -> None:
        super().__init__(settings)
        if not str(experiment).strip():
            raise ValueError("experiment must have a name")
        self.experiment = str(experiment)
        self.artifacts = artifacts
        self._folder = settings.out / "mlflow"
        self._uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self._folder}/mlflow.db"
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._runs: dict[str, str] = {}
        self._written: dict[str, dict[str, int]] = {}

    @property
    def client(self) -> MlflowClient:
        """The client; it connects when the first trial starts, so that nothing waits for a server before."""
        if self._client is None:
            place = None
            if self._uri.startswith("sqlite:"):
                # A server knows where its files go; a local store would put them where the command was typed.
                self._folder.mkdir(parents=True, exist_ok=True)
                place = (self._folder / "artifacts").as_uri()
            client = MlflowClient(tracking_uri=self._uri)
            known = client.get_experiment_by_name(self.experiment)
            self._experiment_id = (
                known.experiment_id if known else client.create_experiment(self.experiment, artifact_location=place)
            )
            self._client = client
        return self._client

    def trial_started(self, trial: Tracked) -> None:
        """Make the trial's run, or go on in the one it has."""
        client = self.client
        found = client.search_runs([self._experiment_id], filter_string=f"tags.`{TAG}` = '{trial.trial_id}'")
        if found:
            run_id = found[0].info.run_id
            client.update_run(run_id, status="RUNNING")
            self._written[trial.trial_id] = self._last_steps(run_id)
        else:
            run = client.create_run(
                self._experiment_id,
                start_time=int(trial.started * 1000),
                tags={TAG: trial.trial_id, "ganbench.folder": str(trial.folder)},
                run_name=trial.label,
            )
            run_id = run.info.run_id
            client.log_batch(run_id, params=[Param(key, value[:LONGEST]) for key, value in parameters(trial.spec)])
        self._runs[trial.trial_id] = run_id

    def progress(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """Write losses and costs."""
        self._metrics(trial, record, {name: record.get(name) for name in PROGRESS})

    def evaluation(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """Write every score that has a value."""
        self._metrics(trial, record, record.get("values", {}))

    def trial_finished(self, trial: Tracked, status: str, result: Mapping[str, Any]) -> None:
        """Copy the files and end the run with the trial's status."""
        run_id = self._runs.pop(trial.trial_id)
        if self.artifacts:
            for path in (trial.folder / name for name in ARTIFACTS):
                # A trial's folder may be a stranger's, and a link in it may lead to a file that is nobody's business.
                if path.is_file() and not path.is_symlink():
                    self.client.log_artifact(run_id, str(path))
        reason = str(result.get("reason") or "")
        tags = [RunTag("ganbench.status", status), *([RunTag("ganbench.reason", reason)] if reason else [])]
        self.client.log_batch(run_id, tags=tags)
        seconds = float((result.get("cost") or {}).get("seconds") or 0.0)
        self.client.set_terminated(run_id, STATUS.get(status, "FAILED"), int((trial.started + seconds) * 1000))

    def _metrics(self, trial: Tracked, record: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        step = int(record["step"])
        written = self._written.get(trial.trial_id, {})  # before the trial was interrupted
        when = int((trial.started + float(record.get("seconds") or 0.0)) * 1000)
        metrics = [
            Metric(name, float(value), when, step)
            for name, value in values.items()
            if _is_number(value) and step > written.get(name, -1)
        ]
        if metrics:
            self.client.log_batch(self._runs[trial.trial_id], metrics=metrics)

    def _last_steps(self, run_id: str) -> dict[str, int]:
        """The last step that each metric of a run has."""
        names = self.client.get_run(run_id).data.metrics
        return {name: max(point.step for point in self.client.get_metric_history(run_id, name)) for name in names}


def parameters(spec: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """What a run is found by: the parts, the seed and the recipe."""
    parts = {"loss": spec.get("loss"), "architecture": spec.get("architecture"), "dataset": spec["data"]["component"]}
    for role, part in parts.items():
        if part:
            yield role, str(part["label"])
    if spec.get("penalties"):
        yield "penalties", "+".join(str(part["label"]) for part in spec["penalties"])
    yield "baseline", str(spec.get("baseline") or "none")
    yield "seed", str(spec["seed"])
    for name, value in spec["recipe"].items():
        yield name, str(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
