"""Checkpoints: written whole, verified before use, two of them kept, loaded without running any code in them."""

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch

from ganbench.errors import StoreError, in_one_line, with_kind
from ganbench.files import read_whole, write_bytes
from ganbench.records import sealing
from ganbench.records.folder import previous_checkpoint
from ganbench.training.device_errors import is_of_the_device

Taken = TypeVar("Taken")


class DamagedCheckpoint(Exception):
    """The file is not a checkpoint of this trial, or not a whole one; the message says which."""


def save(path: Path, trial_id: str, content: dict[str, Any]) -> None:
    """Write a checkpoint, keeping the one before it as ``*.previous.pt``.

    Args:
        path: ``.../checkpoint.pt``.
        trial_id: whose it is.
        content: tensors, numbers, text, and lists and dictionaries of them.

    Raises:
        StoreError: it cannot be written; a checkpoint that was there before is still one of the two.
    """
    buffer = io.BytesIO()
    torch.save({"trial_id": trial_id, "content": _compact(content)}, buffer)
    fresh = following(path)
    # Written in full before the older ones are touched: a full disk leaves both of them as they are.
    write_bytes(fresh, sealing.seal(buffer.getvalue()))
    try:
        if path.exists():
            os.replace(path, previous_checkpoint(path))
        os.replace(fresh, path)
    except OSError as error:  # a file server that does not answer now may do so the next time
        raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place") from error


def load(path: Path, trial_id: str) -> dict[str, Any]:
    """Read a checkpoint.

    Raises:
        DamagedCheckpoint: torn, changed, or of another trial.
    """
    try:
        payload = sealing.unseal(read_whole(path))
    except sealing.Damaged as error:
        raise DamagedCheckpoint(f"{path.name} {error}") from error
    except OSError as error:
        raise DamagedCheckpoint(f"{path.name} cannot be read: {error.strerror or error}") from error
    try:
        loaded = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:
        raise DamagedCheckpoint(f"{path.name} cannot be loaded: {in_one_line(error, 200)}") from error
    if not isinstance(loaded, dict) or loaded.get("trial_id") != trial_id:
        raise DamagedCheckpoint(f"{path.name} belongs to another trial")
    content = loaded.get("content")
    if not isinstance(content, dict):
        raise DamagedCheckpoint(f"{path.name} has no content")
    return content


def latest(path: Path, trial_id: str, take: Callable[[dict[str, Any]], Taken]) -> tuple[Taken | None, list[str]]:
    """Return what ``take`` makes of the newest usable checkpoint, ``None`` where there is none.

    With it comes a warning for each checkpoint that is not usable and was set aside as ``*.damaged``.

    Args:
        path: ``.../checkpoint.pt``.
        trial_id: whose it must be.
        take: takes the content up; where that raises, the checkpoint is not usable, unless it is the device that fails.
            A :class:`StoreError` says that what the checkpoint counts on is no longer there.

    Raises:
        RuntimeError: the device has no memory left, or has failed; the checkpoints stay where they are.
    """
    warnings: list[str] = []
    for candidate in (path, previous_checkpoint(path)):
        if not candidate.exists():
            continue
        try:
            return take(load(candidate, trial_id)), warnings
        except DamagedCheckpoint as error:
            reason = str(error)
        except StoreError as error:
            reason = f"cannot resume from {candidate.name}: {error}"
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
            if is_of_the_device(error):
                raise
            # Whole, but of a version whose networks or state were others.
            reason = f"{candidate.name} does not fit ({with_kind(error, 200)})"
        aside = candidate.with_suffix(".damaged")
        os.replace(candidate, aside)
        warnings.append(f"{reason}; it is kept as {aside.name}")
    return None, warnings


def remove(path: Path) -> None:
    """Remove a finished trial's checkpoints: its weights and results are in files of their own.

    One that cannot be removed stays, and is read no more: the trial is done all the same.
    """
    for candidate in (path, previous_checkpoint(path), following(path)):
        with contextlib.suppress(OSError):
            candidate.unlink()


def following(path: Path) -> Path:
    """Where the next checkpoint is written before the last one makes room for it."""
    return path.with_suffix(".next.pt")


def _compact(content: Any) -> Any:
    """Copies of tensors that are views: torch would write all of what they are views of."""
    if isinstance(content, torch.Tensor):
        whole = content.untyped_storage().nbytes() == content.numel() * content.element_size()
        return content if whole else content.clone()
    if isinstance(content, dict):
        return {key: _compact(value) for key, value in content.items()}
    return [_compact(value) for value in content] if isinstance(content, list) else content
