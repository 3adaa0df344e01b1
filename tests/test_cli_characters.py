"""What a table looks like where the encoding lacks its characters."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trials import trial


def told(encoding: str, cwd: Path, *words: str) -> tuple[int, str, str]:
    """Exit code, output and messages of a command whose streams have an encoding."""
    around = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    answer = subprocess.run([sys.executable, "-m", "ganbench", *words], cwd=cwd, env=around, capture_output=True)
    name = encoding.partition(":")[0]
    return answer.returncode, answer.stdout.decode(name), answer.stderr.decode(name)


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "cp437"])
def test_a_table_is_written_in_lookalikes(encoding: str, tmp_path: Path) -> None:
    for seed in range(3):
        trial(tmp_path / "runs", "a", seed, 1.0 + seed)
    code, plain, messages = told(encoding, tmp_path, "results", "runs")
    assert (code, messages) == (0, "")
    _, whole, _ = told("utf-8", tmp_path, "results", "runs")
    assert "FID v" in plain
    assert "2.00 ± 1.00" in plain
    heading, rule, row = plain.splitlines()[:3]
    assert (len(heading), len(rule), len(row)) == tuple(map(len, whole.splitlines()[:3]))
    assert set(rule) <= {"-", "─"}


def test_any_other_character_is_named(tmp_path: Path) -> None:
    code, _, messages = told("latin-1", tmp_path, "results", "跑")
    assert code == 2
    assert "\\u8dd1" in messages


def test_another_way_that_was_chosen_is_kept(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "a", 0, 1.0)
    assert "FID ?" in told("latin-1:replace", tmp_path, "results", "runs")[1]
