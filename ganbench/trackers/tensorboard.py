"""Event files for TensorBoard, written with the package ``tensorboard`` alone: no torch and no TensorFlow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.files import is_regular
from ganbench.trackers import Settings, Tracked, Tracker

try:
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"{error}; run: pip install 'ganbench[tensorboard]'") from error

SCALARS = {
    "d_loss": "loss/discriminator",
    "g_loss": "loss/generator",
    "images_per_second": "cost/images per second",
    "memory": "cost/peak memory in bytes",
}
FLUSH_SECONDS = 10


class TensorBoard(Tracker):
    """A folder of events for each trial, with its settings as hyperparameters and its last samples as a picture.

    A trial that goes on has its earlier events replaced, since all of them come again.

    Args:
        logdir: where ``tensorboard --logdir`` finds them; by default ``tensorboard`` in the folder of trials.
    """

    def __init__(self, settings: Settings, logdir: str = "") -> None:
        super().__init__(settings)
        # No shell makes the home folder of a ~ that stands within brackets.
        self.logdir = Path(os.path.expanduser(logdir)) if logdir else settings.out / "tensorboard"
        self._writers: dict[str, EventFileWriter] = {}

    def trial_started(self, trial: Tracked) -> None:
        """Begin its event file with its hyperparameters."""
        folder = self.logdir / trial.trial_id
        for earlier in folder.glob("events.out.tfevents.*"):
            earlier.unlink()
        self._writers[trial.trial_id] = EventFileWriter(str(folder), flush_secs=FLUSH_SECONDS)
        summary = summary_v2.hparams_pb(hyperparameters(trial.spec), start_time_secs=trial.started)
        self._write(trial, 0, trial.started, summary)

    def progress(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """Write losses and costs."""
        self._scalars(trial, record, {tag: record.get(name) for name, tag in SCALARS.items()})

    def evaluation(self, trial: Tracked, record: Mapping[str, Any]) -> None:
        """Write every metric that has a value."""
        self._scalars(trial, record, {f"metric/{name}": value for name, value in record.get("values", {}).items()})

    def trial_finished(self, trial: Tracked, status: str, result: Mapping[str, Any]) -> None:
        """Write the picture and how the trial ended, and close its file."""
        step = int(result.get("step") or 0)
        cost = result.get("cost") or {}
        ended = trial.started + float(cost.get("seconds") or 0.0)
        picture = trial.folder / "samples.png"
        if is_regular(picture):
            image = summary_pb2.Summary.Image(encoded_image_string=picture.read_bytes())
            value = summary_pb2.Summary.Value(tag="samples", image=image)
            self._write(trial, step, ended, summary_pb2.Summary(value=[value]))
        outcome = api_pb2.STATUS_SUCCESS if status == "done" else api_pb2.STATUS_FAILURE
        self._write(trial, step, ended, session_end(outcome, ended))
        self._writers.pop(trial.trial_id).close()

    def close(self) -> None:
        """Close the files of trials that have not ended."""
        for writer in self._writers.values():
            writer.close()

    def _scalars(self, trial: Tracked, record: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        numbers = {tag: float(value) for tag, value in values.items() if isinstance(value, int | float)}
        summary = summary_pb2.Summary(
            value=[summary_pb2.Summary.Value(tag=tag, simple_value=number) for tag, number in numbers.items()]
        )
        self._write(trial, int(record["step"]), trial.started + float(record.get("seconds") or 0.0), summary)

    def _write(self, trial: Tracked, step: int, when: float, summary: "summary_pb2.Summary") -> None:
        self._writers[trial.trial_id].add_event(event_pb2.Event(wall_time=when, step=step, summary=summary))


def session_end(outcome: int, when: float) -> "summary_pb2.Summary":
    """What tells the table of hyperparameters how a trial ended."""
    end = plugin_data_pb2.SessionEndInfo(status=outcome, end_time_secs=when)
    data = plugin_data_pb2.HParamsPluginData(session_end_info=end)
    value = summary_pb2.Summary.Value(
        tag=metadata.SESSION_END_INFO_TAG,
        metadata=metadata.create_summary_metadata(data),
        tensor=metadata.NULL_TENSOR,
    )
    return summary_pb2.Summary(value=[value])


def hyperparameters(spec: Mapping[str, Any]) -> dict[str, bool | float | str]:
    """What TensorBoard's table of hyperparameters shows: the parts by name, the seed and the recipe."""
    parts = {"loss": spec.get("loss"), "architecture": spec.get("architecture"), "dataset": spec["data"]["component"]}
    found: dict[str, bool | float | str] = {role: part["label"] for role, part in parts.items() if part}
    penalties = [part["label"] for part in spec.get("penalties", ())]
    if penalties:
        found["penalties"] = "+".join(penalties)
    return {**found, "seed": spec["seed"], **spec["recipe"]}
