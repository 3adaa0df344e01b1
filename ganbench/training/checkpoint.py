"""Checkpoints: written whole, verified before use, two of them kept, loaded without running any code in them."""

import hashlib
import io
import os
from pathlib import Path
from typing import Any

import torch

from ganbench.files import write_bytes

_MAGIC = b"ganbench checkpoint 1\n"
_DIGEST = 32


class DamagedCheckpoint(Exception):
    """The file is not a checkpoint of this trial, or not a whole one; the message says which."""


def save(path: Path, trial_id: str, content: dict[str, Any]) -> None:
    """Write a checkpoint, keeping the one before it as ``*.previous.pt``.

    Args:
        path: ``.../checkpoint.pt``.
        trial_id: whose it is.
        content: tensors, numbers, text, and lists and dictionaries of them.
    """
    buffer = io.BytesIO()
    torch.save({"trial_id": trial_id, "content": content}, buffer)
    payload = buffer.getvalue()
    if path.exists():
        os.replace(path, previous(path))
    write_bytes(path, _MAGIC + hashlib.sha256(payload).digest() + payload)


def load(path: Path, trial_id: str) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        DamagedCheckpoint: torn, changed, or of another trial.
    """
    data = path.read_bytes()
    head, payload = data[: len(_MAGIC) + _DIGEST], data[len(_MAGIC) + _DIGEST :]
    if not head.startswith(_MAGIC):
        raise DamagedCheckpoint(f"{path.name} is not a checkpoint of ganbench")
    if hashlib.sha256(payload).digest() != head[len(_MAGIC) :]:
        raise DamagedCheckpoint(f"{path.name} is damaged: its hash does not match its content")
    try:
        loaded = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:
        raise DamagedCheckpoint(f"{path.name} cannot be loaded: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(loaded, dict) or loaded.get("trial_id") != trial_id:
        raise DamagedCheckpoint(f"{path.name} belongs to another trial")
    content = loaded.get("content")
    if not isinstance(content, dict):
        raise DamagedCheckpoint(f"{path.name} has no content")
    return content


def latest(path: Path, trial_id: str) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the newest usable checkpoint, or ``None``, with a warning for each that was set aside as ``*.damaged``."""
    warnings: list[str] = []
    for candidate in (path, previous(path)):
        if not candidate.exists():
            continue
        try:
            return load(candidate, trial_id), warnings
        except DamagedCheckpoint as error:
            aside = candidate.with_suffix(".damaged")
            os.replace(candidate, aside)
            warnings.append(f"{error}; set aside as {aside.name}")
    return None, warnings


def remove(path: Path) -> None:
    """Remove a finished trial's checkpoints: its weights and results are in files of their own."""
    path.unlink(missing_ok=True)
    previous(path).unlink(missing_ok=True)


def previous(path: Path) -> Path:
    """Where the checkpoint before the last one is kept."""
    return path.with_suffix(".previous.pt")
