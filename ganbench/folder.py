"""A trial's folder: the only thing host and worker share."""

import json
import os
import time
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganbench.complaints import explain
from ganbench.errors import StoreError
from ganbench.files import append_line, read_json, read_lines, write_json, write_text
from ganbench.schema import upgrade
from ganbench.spec import STATUSES, TrialFile


def require_runs(runs: Path) -> None:
    """Raise :class:`StoreError` where there is no such folder of trials."""
    if runs.exists() and not runs.is_dir():
        raise StoreError(f"{runs} is a file, not a folder of trials")
    if not runs.is_dir():
        raise StoreError(f"there is no folder {runs}; run something first, or name the folder given to --out")


def previous_checkpoint(path: Path) -> Path:
    """Where the checkpoint before the last one, ``.../checkpoint.pt``, is kept."""
    return path.with_suffix(".previous.pt")


class TrialFolder:
    """The files of one trial, each written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec = path / "spec.json"
        self.status = path / "status.json"
        self.starts = path / "starts.jsonl"
        self.progress = path / "progress.jsonl"
        self.metrics = path / "metrics.jsonl"
        self.snapshots = path / "snapshots.jsonl"
        self.attempts = path / "attempts.jsonl"
        self.result = path / "result.json"
        self.checkpoint = path / "checkpoint.pt"
        self.generator = path / "generator.safetensors"
        self.samples = path / "samples.png"
        self.log = path / "worker.log"

    def goes_on(self) -> bool:
        """Whether there is a checkpoint to go on from, the last one or the one before it."""
        return any(path.exists() for path in (self.checkpoint, previous_checkpoint(self.checkpoint)))

    @property
    def trial_id(self) -> str:
        """The folder's name."""
        return self.path.name

    def write_spec(self, trial: TrialFile) -> None:
        """Write what the worker is told."""
        write_json(self.spec, trial.model_dump(mode="json"))

    def read_spec(self) -> TrialFile:
        """Read what the worker was told.

        Raises:
            StoreError: missing, damaged, of another schema, or not the specification its name says.
        """
        try:
            content = read_json(self.spec)
            stored = content.get("spec") if isinstance(content, dict) else None
            if isinstance(stored, dict):
                content = {**content, "spec": upgrade("spec", stored, self.spec)}
            trial = TrialFile.model_validate(content)
        except ValidationError as error:
            raise StoreError(f"{self.spec} is not a trial's specification: {explain(error)}") from error
        # An older version's file has fewer fields than the specification read from it; its name tells what it had.
        if trial.trial_id not in (trial.spec.trial_id, trial.spec.name_of(stored)):
            raise StoreError(f"{self.spec} was changed: it describes {trial.spec.trial_id}, not {trial.trial_id}")
        return trial

    def write_status(self, status: str, reason: str = "", **more: Any) -> None:
        """Write where the trial stands; ``reason`` is one line."""
        if status not in STATUSES:
            raise ValueError(f"'{status}' is no status")
        content = {"status": status, "reason": " ".join(reason.split()), "pid": os.getpid(), "time": time.time()}
        write_json(self.status, content | more)

    def read_status(self) -> dict[str, Any]:
        """Read where the trial stands; a folder without a readable status is pending."""
        try:
            content = read_json(self.status)
        except StoreError:
            return {"status": "pending", "reason": ""}
        if not isinstance(content, dict) or content.get("status") not in STATUSES:
            return {"status": "pending", "reason": ""}
        return {"reason": "", **content}

    def read_result(self) -> dict[str, Any]:
        """Read the final result; empty where there is none."""
        try:
            content = read_json(self.result)
        except StoreError:
            return {}
        return content if isinstance(content, dict) else {}

    def append_start(self, record: dict[str, Any]) -> None:
        """Add that a worker has started, whatever becomes of it: process, machine, devices, and what started it.

        A cluster counts these: a worker that dies before it trains has used up a start.
        """
        append_line(self.starts, record)

    def append_progress(self, record: dict[str, Any]) -> None:
        """Add one line: step, losses, images per second, memory."""
        append_line(self.progress, record)

    def append_metrics(self, record: dict[str, Any]) -> None:
        """Add one evaluation."""
        append_line(self.metrics, record)

    def append_snapshot(self, record: dict[str, Any]) -> None:
        """Add what the generator makes at one step, at the latent points that all trials share."""
        append_line(self.snapshots, record)

    def append_attempt(self, record: dict[str, Any]) -> None:
        """Add that a worker begins to train: its process and machine, when, and from which step it goes on."""
        append_line(self.attempts, record)

    def rewind(self, step: int) -> None:
        """Forget lines after ``step``: a resumed trial writes them again."""
        for path in (self.progress, self.metrics, self.snapshots):
            if not path.exists():
                continue
            kept = [record for record in read_lines(path) if record.get("step", 0) <= step]
            write_text(path, "".join(json.dumps(record, sort_keys=True) + "\n" for record in kept))

    def log_tail(self, lines: int = 5) -> list[str]:
        """The last lines of the worker's log."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 8192))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
