"""The contenders of the benchmark of an evaluation: they score the same fakes, wherever they read them from."""

from pathlib import Path

import pytest

from benchmarks import evaluation
from benchmarks.evaluation import Scorer, levels_of, write_folder


def test_all_contenders_give_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "keep_freed_memory", lambda: True)  # this process is no contender's
    fakes, reals = levels_of(40, 16)
    folders = write_folder(tmp_path / "fakes", fakes), write_folder(tmp_path / "reals", reals)
    own, *others = (
        Scorer(label, "digits", 40, folders, threads=1).numbers() for label in ("ganbench", "ganbench-files")
    )
    assert all(evaluation._same(own, other) for other in others)
