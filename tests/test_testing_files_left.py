"""What a call leaves on the disk is seen, whoever writes it, and a metric that leaves something is caught."""

import json
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.api import Evidence
from ganbench.testing import check
from ganbench.testing.files_left import leftovers
from tests.kit import assert_caught, failed
from tests.kit.components import RightMetric


def _renamed(path: Path) -> None:
    draft = path.with_name("draft")
    draft.write_bytes(b"1")
    os.replace(draft, path)


def _low(path: Path) -> None:
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


WRITERS: dict[str, Callable[[Path], Any]] = {
    "text": lambda path: path.write_text("1"),
    "numpy": lambda path: np.save(path, np.zeros(3)),
    "torch": lambda path: torch.save(torch.zeros(3), path),
    "torch by a text": lambda path: torch.save(torch.zeros(3), str(path)),
    "renamed": _renamed,
    "low": _low,
    "sqlite": lambda path: sqlite3.connect(path).execute("create table if not exists a (b)").connection.close(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_each_way_to_write_is_seen(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "cache.npy"
    with leftovers() as left:
        WRITERS[writer](path)
    assert left == [path]
    with leftovers() as left:  # over itself
        WRITERS[writer](path)
    assert left == [path]


def test_what_is_read_or_removed_or_compiled_is_none(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    with leftovers() as left:
        json.loads((tmp_path / "data.json").read_text())
        (tmp_path / "__pycache__" / "module.pyc").write_bytes(b"1")
        (tmp_path / "draft").write_text("1")
        (tmp_path / "draft").unlink()
        with tempfile.TemporaryDirectory() as folder:
            torch.save(torch.zeros(3), Path(folder) / "features.pt")
        (tmp_path / "folder").mkdir()
    assert left == []
    (tmp_path / "later").write_text("1")
    assert left == []


def test_it_is_seen_also_where_the_call_fails(tmp_path: Path) -> None:
    save = torch.save
    with pytest.raises(TypeError), leftovers() as left:
        np.save(tmp_path / "cache.npy", torch)  # it opens the file first
    assert left == [tmp_path / "cache.npy"]
    assert torch.save is save


class Cached(RightMetric):
    """Keeps the reference's mean in a folder of its own."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        np.save(Path(tempfile.gettempdir()) / "gap-reference.npy", np.zeros(3))
        return super().compute(fake, reference)


class ForAWhile(RightMetric):
    """Right: what it writes is gone when it returns."""

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        with tempfile.NamedTemporaryFile() as file:
            np.save(file, np.zeros(3))
            return super().compute(fake, reference)


def test_a_metric_with_a_cache_of_its_own_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert_caught(
        check(Cached), "files", f"compute() leaves {tmp_path / 'gap-reference.npy'} behind, which trials that run"
    )
    assert failed(check(ForAWhile)) == {}
