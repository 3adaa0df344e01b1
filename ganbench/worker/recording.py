"""What a trial writes down while it runs, and the result it ends with."""

import itertools
import math
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import torch

from ganbench.api import Value
from ganbench.files import read_lines, write_json
from ganbench.protocol import UNKNOWN, Protocol, scored_by
from ganbench.provenance import conditions, environment
from ganbench.provenance.conditions import Conditions
from ganbench.provenance.cuda import free_memory
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import SCHEMA, TrialFile, TrialSpec

TRAINING_COSTS = ("train_seconds", "real_images", "images_per_second", "beside")
"""Those that stay what they were where a trained generator is scored again."""


class Recorder:
    """Writes progress, evaluations and the result of one trial into its folder."""

    def __init__(self, folder: TrialFolder, trial: TrialFile) -> None:
        self.folder = folder
        self.trial = trial
        self.started = time.time()
        self.step = 0
        self.beside = 0
        """How many other seeds are trained in the same steps: then a speed would not be the trial's own."""
        self._values: Mapping[str, Value] = {}
        self._owners: Mapping[str, str] = {}
        self._environment: dict[str, Any] = {}
        self._device = torch.device("cpu")
        self._warnings = list(trial.warnings)
        self._parts: list[Conditions] = []
        self._since: float | None = None
        self._began = time.monotonic()
        self._elapsed_before = 0.0
        self._trained = 0.0
        self._evaluated = 0.0
        self._steal = environment.steal_seconds()
        self._energy: float | None = None
        self._last = (0.0, 0)
        self._real_images: Callable[[], int] = lambda: 0
        self._inherited: dict[str, Any] = {}

    @property
    def training_seconds(self) -> float:
        """Seconds spent in training steps, over all attempts."""
        return self._trained + (time.monotonic() - self._since if self._since is not None else 0.0)

    def prepared(
        self, values: Mapping[str, Value], owners: Mapping[str, str], described: dict[str, Any], device: torch.device
    ) -> None:
        """Take in what is known once the parts are built; ``owners``: by value, the metric that returns it."""
        self._values, self._owners, self._environment, self._device = values, owners, described, device
        self._energy = environment.energy_joules(device)

    def warn(self, *warnings: str) -> None:
        """Add warnings to the result."""
        self._warnings.extend(warnings)

    @property
    def elapsed(self) -> float:
        """Seconds spent on the trial in all, over all attempts."""
        return self._elapsed_before + time.monotonic() - self._began

    def begin_anew(self) -> None:
        """Forget all lines of earlier attempts."""
        self.folder.rewind({})
        self._parts = [self._present()]

    def state_dict(self) -> dict[str, Any]:
        """What a later attempt has to know of this one to go on from here.

        Raises:
            StoreError: the lines that were written cannot be read.
        """
        return {
            "seconds": self.training_seconds,
            "elapsed": self.elapsed,
            "evaluated": self._evaluated,
            "warnings": list(self._warnings),
            "parts": self._parts,
            "written": dict(self.folder.written()),
        }

    def go_on(self, step: int, images: int, earlier: Mapping[str, Any]) -> None:
        """Go on from a checkpoint: take up its clocks, warnings and conditions, and forget later lines.

        Args:
            step: generator updates done.
            images: real images seen.
            earlier: what :meth:`state_dict` gave then.
        """
        self.folder.rewind(earlier["written"])
        self.step = step
        self._elapsed_before = float(earlier["elapsed"])
        # What an earlier attempt used is not known, and a part would pass for the whole.
        self._energy = None
        self._trained = float(earlier["seconds"])
        # Checkpoints of older versions do not know it.
        self._evaluated = float(earlier.get("evaluated", 0.0))
        self._last = (self._trained, images)
        self._warnings = [*earlier["warnings"], *self._warnings]
        self._parts = conditions.followed(earlier["parts"], self._present())

    def take_over(self, result: Mapping[str, Any]) -> None:
        """Take over what training cost, and its conditions, from the result of the trial that was trained."""
        cost = result.get("cost") or {}
        self._inherited = {name: cost.get(name) for name in TRAINING_COSTS}
        self._parts = conditions.followed(conditions.of_result(result), self._present())

    def _present(self) -> Conditions:
        return conditions.present(self._device, beside=self.beside)

    def attempt(self) -> None:
        """Note that a worker begins to train, and from which step."""
        self.folder.append_attempt(
            {"pid": os.getpid(), "host": socket.gethostname(), "time": self.started, "step": self.step}
        )

    def begin(self, real_images: Callable[[], int]) -> None:
        """Start the training clock; ``real_images`` tells at any time how many the discriminator has seen."""
        self._since = time.monotonic()
        self._real_images = real_images

    @contextmanager
    def not_training(self) -> Iterator[None]:
        """Stop the training clock."""
        self._synchronise()
        begin = time.monotonic()
        self._trained = self.training_seconds
        self._since = None
        try:
            yield
        finally:
            self._since = time.monotonic()
            self._evaluated += self._since - begin

    def progress(self, step: int, images: int, discriminator_loss: float, generator_loss: float) -> None:
        """Write a line of progress; speed is that since the last line."""
        self.step = step
        seconds = self.training_seconds
        elapsed = seconds - self._last[0]
        speed = (images - self._last[1]) / elapsed if elapsed > 0 else 0.0
        self._last = (seconds, images)
        self.folder.append_progress(
            {
                "step": step,
                "images": images,
                "d_loss": discriminator_loss,
                "g_loss": generator_loss,
                "images_per_second": round(speed, 1),
                "seconds": round(seconds, 3),
                "memory": environment.peak_memory(self._device),
                "device_free": free_memory(),
            }
        )

    def evaluation(self, step: int, images: int, values: Mapping[str, float]) -> None:
        """Write a line of metrics, as they are declared; a value that is undefined for these samples is ``null``."""
        self.step = step
        ordered = {name: values[name] for name in self._values if name in values} | dict(values)
        finite = {name: value if math.isfinite(value) else None for name, value in ordered.items()}
        self.folder.append_metrics(
            {"step": step, "images": images, "seconds": round(self._trained, 3), "values": finite}
        )

    def memory_note(self) -> str:
        """Peak memory in words."""
        return f"peak {environment.peak_memory(self._device) / 2**20:.0f} MiB"

    def finish(self, status: str, reason: str = "", step: int | None = None) -> None:
        """Write the result, then the status, so that a status of ``done`` always has its result."""
        self._synchronise()
        spec = self.trial.spec
        history = read_lines(self.folder.metrics)
        # What a trial that ends early has trained since the last evaluation was trained, too.
        seconds = self._trained if status == "done" else self.training_seconds
        real_images = self._real_images()
        parts = self._parts or [self._present()]
        beside = conditions.most_beside(parts)
        last = history[-1]["values"] if history and status == "done" else {}
        result = {
            "schema_version": SCHEMA,
            "trial_id": self.trial.trial_id,
            "status": status,
            "reason": reason,
            "step": step if step is not None else self.step,
            "metrics": last,
            "best": _best(history, self._values),
            "area": _area(history, self._values),
            "values": {
                name: asdict(value) | {"place": place, "metric": self._owners.get(name)}
                for place, (name, value) in enumerate(self._values.items())
            },
            "protocol": protocol(spec, self._environment, located=bool(self.trial.execution.data_at)).model_dump(
                mode="json"
            ),
            "warnings": list(dict.fromkeys([*self._warnings, *conditions.cautions(parts)])),
            "cost": self._cost(real_images, seconds, beside),
            "environment": self._environment,
            "determinism": conditions.determinism(spec, parts),
        }
        write_json(self.folder.result, result)
        manifest.write(self.folder, self.trial.trial_id)
        self.folder.write_status(status, reason, started=self.started, finished=time.time())

    def _cost(self, real_images: int, seconds: float, beside: int) -> dict[str, Any]:
        """What the trial cost. ``seconds`` are those of training, of which a batched trial has none of its own."""
        return {
            "seconds": round(self.elapsed, 3),
            "train_seconds": None if beside else round(seconds, 3),
            "evaluation_seconds": round(self._evaluated, 3),
            "real_images": real_images,
            "images_per_second": None if beside else _speed(real_images, seconds),
            "beside": beside,
            "peak_memory": environment.peak_memory(self._device),
            "energy_joules": self._used(),
            "steal_seconds": self._stolen(),
            **self._inherited,
        }

    def _stolen(self) -> float | None:
        now = environment.steal_seconds()
        return round(now - self._steal, 2) if now is not None and self._steal is not None else None

    def _used(self) -> float | None:
        """Energy of the device since the parts were built; that of other trials on it is in it."""
        now = environment.energy_joules(self._device) if self._energy is not None else None
        return round(now - self._energy, 1) if now is not None and self._energy is not None else None

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _speed(images: int, seconds: float) -> float | None:
    return round(images / seconds, 1) if seconds > 0 and images else None


def protocol(spec: TrialSpec, described: Mapping[str, Any], *, located: bool = False) -> Protocol:
    """The protocol of a trial's numbers; ``located`` says that its data are known by their samples alone."""
    evaluation, recipe = spec.evaluation, spec.recipe
    trained = f"{recipe.steps} generator updates of {recipe.batch_size}"
    return Protocol(
        dataset=spec.data.component.label,
        **scored_by(evaluation),
        fidelity=described.get("versions", {}).get("torch-fidelity", "unknown"),
        extractor_sha256=evaluation.extractor_sha256,
        reference=evaluation.reference.split,
        reference_fingerprint=evaluation.reference.fingerprint,
        reference_size=evaluation.reference.size,
        num_samples=evaluation.num_samples,
        weights="none" if spec.baseline else spec.weights,
        budget={"": trained, "external": UNKNOWN}.get(spec.baseline, "untrained"),
        labels=evaluation.labels,
        training=spec.data.fingerprint if located else "",
    )


def _best(history: list[dict[str, Any]], values: Mapping[str, Value]) -> dict[str, dict[str, float]]:
    """The best value of each score over the evaluations where it is defined, with its step."""
    best = {}
    for name, value in values.items():
        points = [(line["values"][name], line["step"]) for line in history if line["values"].get(name) is not None]
        if points and value.direction is not None:
            sign = 1 if value.direction == "lower" else -1
            score, step = min(points, key=lambda point: (sign * point[0], point[1]))
            best[name] = {"value": score, "step": step}
    return best


def _area(history: list[dict[str, Any]], values: Mapping[str, Value]) -> dict[str, float]:
    """The mean height of each score's curve over the steps, by the trapezoid rule; needs two evaluations.

    The curve is that through the evaluations where the score is defined: straight over one in between where it is not,
    and begun later or ended earlier where that is at an end.
    """
    areas = {}
    for name, value in values.items():
        points = [(line["step"], line["values"][name]) for line in history if line["values"].get(name) is not None]
        if value.direction is None or len(points) < 2 or points[-1][0] == points[0][0]:
            continue
        total = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(points))
        areas[name] = total / (points[-1][0] - points[0][0])
    return areas
