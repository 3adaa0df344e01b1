"""Trials that run together on a device whose memory they fill: what each of them says of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench import trial
from ganbench.trial import run_seeds
from ganbench.worker import together
from ganbench.worker.recording import Recorder
from ganbench.worker.resuming import fresh_or_resumed
from tests.workers import MLP, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.mark.parametrize("place", ["fresh_state", "fresh_or_resumed", "train_together"])
def test_a_batch_without_memory_says_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """As it is built, before any network and after some, and as it trains."""
    folders = planned(tmp_path, MLP)

    def full(*arguments: object, **options: object) -> bool:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(together, place, full)
    assert run_seeds(folders[0]) == ["out-of-memory"] * 3
    hint = "batched with 2 other seeds (without --batch-seeds less memory is needed)"
    assert [hint in folder.read_status()["reason"] for folder in folders] == [True] * 3


def test_one_that_had_ended_keeps_its_reason_where_the_others_have_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are built, and after some steps."""
    statuses = ["failed", "out-of-memory", "out-of-memory"]

    def full(parts: Any, recorder: Recorder) -> Any:
        if recorder.trial.spec.seed > 0:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return fresh_or_resumed(parts, recorder)

    folders = planned(tmp_path / "built", MLP)
    folders[0].metrics.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(together, "fresh_or_resumed", full)
        assert run_seeds(folders[0]) == statuses
    assert str(folders[0].metrics) in folders[0].read_status()["reason"]

    def train(members: Any, recipe: Any, *, evaluate_every: int, end: Callable[..., None]) -> bool:
        end(members[0], ValueError("a metric's own trouble"))
        raise torch.OutOfMemoryError("CUDA out of memory")

    folders = planned(tmp_path / "trained", MLP)
    monkeypatch.setattr(together, "train_together", train)
    assert run_seeds(folders[0]) == statuses
    assert "a metric's own trouble" in folders[0].read_status()["reason"]


def test_a_seed_without_memory_in_its_own_turn_was_in_no_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the one that stood for the batch until it was known that there is none."""
    folders = planned(tmp_path, MLP)

    def full(*arguments: object, **options: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(together, "obstacle_to_batching", lambda *arguments: "for the test")
    monkeypatch.setattr(trial, "Parts", full)
    assert run_seeds(folders[0]) == ["out-of-memory"] * 3
    assert ["--batch-seeds" in folder.read_status()["reason"] for folder in folders] == [False] * 3
