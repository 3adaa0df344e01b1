"""What a trial writes down while it runs, and the result it ends with."""

import math
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import torch

from ganbench.api import Value
from ganbench.files import read_lines, write_json
from ganbench.protocol import protocol_of
from ganbench.provenance import conditions, environment
from ganbench.provenance.conditions import Conditions
from ganbench.provenance.cuda import free_memory
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import SCHEMA, TrialFile
from ganbench.worker.clock import Clock
from ganbench.worker.curves import areas, best_values
from ganbench.worker.meters import Meters

TRAINING_COSTS = ("train_seconds", "real_images", "images_per_second", "beside")
"""Costs that a trial keeps when its trained generator is scored again."""


class Recorder:
    """Writes progress, evaluations and the result of one trial into its folder.

    In this order: :meth:`start`; :meth:`prepared`; :meth:`begin` or, from a checkpoint, :meth:`resume`; :meth:`train`
    where something is trained; its lines; and :meth:`finish`. A trial can end after any of them.
    """

    def __init__(self, folder: TrialFolder, trial: TrialFile) -> None:
        self.folder = folder
        self.trial = trial
        self.started = time.time()
        self.step = 0
        self.beside = 0
        """How many other seeds are trained in the same steps, set by whoever trains them together. A speed would then
        not be the trial's own."""
        self._values: Mapping[str, Value] = {}
        self._owners: Mapping[str, str] = {}
        self._environment: dict[str, Any] = {}
        self._is_started = False
        self._device = torch.device("cpu")
        self._warnings = list(trial.warnings)
        self._conditions: list[Conditions] = []
        self._clock = Clock(self._synchronise)
        self._meters = Meters()
        self._last = (0.0, 0)  # seconds of training and images at the last line of progress
        self._real_images: Callable[[], int] = lambda: 0
        self._inherited: dict[str, Any] = {}  # costs of training, of a trial that is only scored again

    def start(self) -> None:
        """Note, once, that an attempt begins, when and where: the trial is running."""
        if self._is_started:
            return
        self._is_started = True
        place = environment.place()
        self.folder.append_start({"time": self.started, **place})
        self.folder.write_status("running", started=self.started, **place)

    def prepared(self, values: Mapping[str, Value], owners: Mapping[str, str], device: torch.device) -> None:
        """Take in what is known once the parts are built.

        Args:
            values: what the metrics return, in the order in which they declare it.
            owners: by value, the metric that returns it.
            device: where the trial is computed.
        """
        spec, execution = self.trial.spec, self.trial.execution
        self._values, self._owners, self._device = values, owners, device
        self._environment = environment.describe(execution, device)
        self.warn(*environment.cautions(spec, execution, device))
        self._meters.measure(device)

    def warn(self, *warnings: str) -> None:
        """Add warnings to the result."""
        self._warnings.extend(warnings)

    def begin(self) -> None:
        """Begin anew, and forget all lines of earlier attempts."""
        self.folder.rewind({})
        self._conditions = [self._present()]

    def state_dict(self) -> dict[str, Any]:
        """What a later attempt has to know of this one to go on from here.

        Raises:
            StoreError: the lines that were written cannot be read.
        """
        return {
            **self._clock.state_dict(),
            "warnings": list(self._warnings),
            "parts": self._conditions,
            "written": dict(self.folder.written()),
        }

    def resume(self, step: int, images: int, earlier: Mapping[str, Any]) -> None:
        """Go on from a checkpoint: take up its clocks, warnings and conditions, and forget later lines.

        Args:
            step: steps done.
            images: real images seen.
            earlier: what :meth:`state_dict` gave then.
        """
        self.folder.rewind(earlier["written"])
        self.step = step
        self._real_images = lambda: images  # until training goes on
        self._clock.load_state_dict(earlier)
        self._meters.forget()
        self._last = (self._clock.trained, images)
        self._warnings = [*earlier["warnings"], *self._warnings]
        self._conditions = conditions.followed(earlier["parts"], self._present())

    def take_over(self, result: Mapping[str, Any]) -> None:
        """Take over what training cost, and its conditions, from the result of the trial that was trained."""
        cost = result.get("cost") or {}
        self._inherited = {name: cost.get(name) for name in TRAINING_COSTS}
        self._conditions = conditions.followed(conditions.of_result(result), self._present())

    def _present(self) -> Conditions:
        return conditions.present(self._device, beside=self.beside)

    def train(self, real_images: Callable[[], int]) -> None:
        """Note that training begins, and from which step, and start its clock.

        Args:
            real_images: tells at any time how many the discriminator has seen.
        """
        self.folder.append_attempt(
            {"pid": os.getpid(), "host": socket.gethostname(), "time": self.started, "step": self.step}
        )
        self._real_images = real_images
        self._clock.start_training()

    def not_training(self) -> AbstractContextManager[None]:
        """Stop the training clock meanwhile; the time counts as evaluation."""
        return self._clock.evaluating()

    def progress(self, step: int, images: int, discriminator_loss: float, generator_loss: float) -> None:
        """Write a line of progress; the speed is that since the last line."""
        self.step = step
        seconds = self._clock.trained
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
                "memory": self._meters.peak_memory(),
                "device_free": free_memory(),
            }
        )

    def evaluation(self, step: int, images: int, values: Mapping[str, float]) -> None:
        """Write a line of metrics in declared order; a value that is undefined for these samples is ``null``."""
        self.step = step
        ordered = {name: values[name] for name in self._values if name in values} | dict(values)
        finite = {name: value if math.isfinite(value) else None for name, value in ordered.items()}
        self.folder.append_metrics(
            {"step": step, "images": images, "seconds": round(self._clock.stopped_at, 3), "values": finite}
        )

    def memory_note(self) -> str:
        """Peak memory in words."""
        return f"peak {self._meters.peak_memory() / 2**20:.0f} MiB"

    def finish(self, status: str, reason: str = "", step: int | None = None) -> None:
        """Write the result, then the status, so that a status of ``done`` always has its result."""
        self._synchronise()
        spec = self.trial.spec
        history = read_lines(self.folder.metrics)
        # A trial that ends early has trained since its last evaluation, too.
        seconds = self._clock.stopped_at if status == "done" else self._clock.trained
        real_images = self._real_images()
        parts = self._conditions or [self._present()]
        beside = conditions.most_beside(parts)
        last = history[-1]["values"] if history and status == "done" else {}
        result = {
            "schema_version": SCHEMA,
            "trial_id": self.trial.trial_id,
            "status": status,
            "reason": reason,
            "step": step if step is not None else self.step,
            "metrics": last,
            "best": best_values(history, self._values),
            "area": areas(history, self._values),
            "values": {
                name: asdict(value) | {"place": place, "metric": self._owners.get(name)}
                for place, (name, value) in enumerate(self._values.items())
            },
            "protocol": self._protocol(),
            "warnings": list(dict.fromkeys([*self._warnings, *conditions.cautions(parts)])),
            "cost": self._cost(real_images, seconds, beside),
            "environment": self._environment,
            "determinism": conditions.determinism(spec, parts),
        }
        write_json(self.folder.result, result)
        manifest.write(self.folder, self.trial.trial_id)
        self.folder.write_status(status, reason, started=self.started, finished=time.time())

    def _cost(self, real_images: int, seconds: float, beside: int) -> dict[str, Any]:
        """What the trial cost. ``seconds`` are those of training; a batched trial has none of its own."""
        return {
            "seconds": round(self._clock.elapsed, 3),
            "train_seconds": None if beside else round(seconds, 3),
            "evaluation_seconds": round(self._clock.evaluated, 3),
            "real_images": real_images,
            "images_per_second": None if beside else _speed(real_images, seconds),
            "beside": beside,
            "peak_memory": self._meters.peak_memory(),
            "energy_joules": self._meters.energy_joules(),
            "steal_seconds": self._meters.steal_seconds(),
            **self._inherited,
        }

    def _protocol(self) -> dict[str, Any]:
        fidelity = self._environment.get("versions", {}).get("torch-fidelity", "unknown")
        located = bool(self.trial.execution.data_at)
        return protocol_of(self.trial.spec, fidelity, located=located).model_dump(mode="json")

    def _synchronise(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)


def _speed(images: int, seconds: float) -> float | None:
    return round(images / seconds, 1) if seconds > 0 and images else None
