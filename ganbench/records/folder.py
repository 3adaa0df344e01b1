"""A trial's folder: the only thing host and worker share."""

import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganbench.errors import StoreError
from ganbench.files import append_line, open_regular, read_json, read_whole, write_bytes, write_json
from ganbench.records.schema import upgrade, why_unreadable
from ganbench.spec import FINAL, STATUSES, TrialFile

NOT_STARTED = "not started yet; run again to start it"
"""Of a trial that was to stop before it had begun."""
Written = Mapping[str, tuple[int, str]]
"""By the name of a file of lines: its bytes at some moment, and their SHA-256."""


def require_runs(runs: Path) -> None:
    """Raise :class:`StoreError` where there is no such folder of trials."""
    if runs.exists() and not runs.is_dir():
        raise StoreError(f"{runs} is a file, not a folder of trials")
    if not runs.is_dir():
        raise StoreError(f"there is no folder {runs}; run something first, or name the folder given to --out")


def require_generator(folder: "TrialFolder") -> None:
    """Require that a trial has trained a generator, and still has it.

    Raises:
        StoreError: it has none; says why. Or its specification cannot be read.
    """
    spec = folder.read_spec().spec
    if spec.architecture is None:
        raise StoreError(f"{folder.path} has no generator, because it scores {spec.loss_label}; name a trained trial")
    if folder.generator.exists():
        return
    status = folder.read_status()["status"]
    if status == "done":
        raise StoreError(
            f"{folder.path} has lost its generator.safetensors; restore it, or remove the folder and run it again"
        )
    raise StoreError(f"{folder.path} has no generator.safetensors, because its status is {status}")


def previous_checkpoint(path: Path) -> Path:
    """Where the checkpoint before the last one, ``.../checkpoint.pt``, is kept."""
    return path.with_suffix(".previous.pt")


class TrialFolder:
    """The files of one trial, each written whole or not at all.

    The folder may come from a stranger: a file in it that is a symbolic link, a pipe or a device is neither read nor
    written through.
    """

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
            content = read_json(self.spec, links=False)
            stored = content.get("spec") if isinstance(content, dict) else None
            if isinstance(stored, dict):
                content = {**content, "spec": upgrade("spec", stored, self.spec)}
            trial = TrialFile.model_validate(content)
        except ValidationError as error:
            raise StoreError(f"{self.spec} is not the specification of a trial: {why_unreadable(error)}") from error
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
        """Read where the trial stands.

        Without a readable status it has ended as its result says, which is written first, or is pending.
        """
        try:
            content = read_json(self.status, links=False)
        except StoreError:
            content = None
        if isinstance(content, dict) and content.get("status") in STATUSES:
            return {"reason": "", **content}
        result = self.read_result()
        if result.get("status") in FINAL and result.get("trial_id") == self.path.resolve().name:
            return {"status": result["status"], "reason": str(result.get("reason", ""))}
        return {"status": "pending", "reason": ""}

    def read_result(self) -> dict[str, Any]:
        """Read the final result; empty where there is none."""
        try:
            content = read_json(self.result, links=False)
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

    def written(self) -> Written:
        """How far the files of lines go, brought to the disk: a checkpoint counts on them.

        Raises:
            StoreError: one cannot be read.
        """
        found = {}
        for path in self._lines():
            with _read_errors(path), open_regular(path) as file:
                os.fsync(file.fileno())
                data = file.read()
            found[path.name] = (len(data), hashlib.sha256(data).hexdigest())
        return found

    def require_written(self, written: Written) -> None:
        """Look whether the files of lines still begin with what was there when :meth:`written` was called.

        Raises:
            StoreError: lines were lost or changed since.
        """
        for name, (size, expected) in written.items():
            path = self.path / name
            with _read_errors(path):
                found = hashlib.sha256(read_whole(path)[:size]).hexdigest()
            if found != expected:
                raise StoreError(f"lines of {name} were lost or changed since then")

    def rewind(self, written: Written) -> None:
        """Forget what was written to the files of lines later: a resumed trial writes it again.

        Raises:
            StoreError: one cannot be read or written.
        """
        for path in self._lines():
            size = written.get(path.name, (0, ""))[0]
            with _read_errors(path):
                kept = read_whole(path)[:size] if size else b""
            write_bytes(path, kept)

    def _lines(self) -> list[Path]:
        """The files of lines that are there and that a resumed trial writes on."""
        return [path for path in (self.progress, self.metrics, self.snapshots) if path.exists()]

    def log_tail(self, lines: int = 5) -> list[str]:
        """The last lines of the worker's log."""
        try:
            with open_regular(self.log) as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 8192))
                text = file.read().decode("utf-8", errors="replace")
        except OSError:
            return []
        return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Let what keeps a file from being read be a :class:`StoreError` that names it."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror or error}") from error
