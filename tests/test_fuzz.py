"""Generated inputs in short form; ``python -m tests.fuzz --inputs 20000`` is the long one."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.__main__ import try_inputs
from tests.fuzz.example import write_example
from tests.fuzz.guard import guarded
from tests.fuzz.inputs import KINDS

INPUTS = 300


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_example(tmp_path_factory.mktemp("example"))


def test_the_kinds_share_all_inputs() -> None:
    assert sum(KINDS.values()) == 100


@pytest.mark.parametrize("kind", list(KINDS), ids=lambda kind: kind.__name__)
def test_inputs_are_taken_or_refused(kind: Callable[[Any, Path, Path], None], example: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of zipfile, which makes the same name twice for us
        assert try_inputs(kind, INPUTS * KINDS[kind] // 100, 0, example) > 0


def test_the_guard_sees_a_write_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with guarded(tmp_path / "in"):
        (tmp_path / "in" / "x").write_text("")
    with pytest.raises(AssertionError, match="written outside"), guarded(tmp_path / "in"):
        (tmp_path / "out").write_text("")
    with pytest.raises(AssertionError, match="written outside"), guarded(tmp_path / "in"):
        (tmp_path / "out").unlink()
