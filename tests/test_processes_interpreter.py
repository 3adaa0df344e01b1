"""Another Python searches for modules where this one does: the working folder only where this one does as well."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.processes import interpreter

CODE = "import sys; from ganbench.processes.interpreter import python; print('-P' in python('-c', ''))"


@pytest.mark.parametrize(("flags", "safe"), [(["-c", CODE], False), (["-P", "-c", CODE], True)])
def test_the_working_folder_is_searched_by_both_or_by_none(flags: list[str], safe: bool, tmp_path: Path) -> None:
    path = os.pathsep.join(filter(None, sys.path))
    answer = subprocess.run(
        [sys.executable, *flags], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == str(safe)


def test_a_path_that_names_the_working_folder_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/somewhere"])
    assert interpreter.python("-m", "this")[-3:] == ["-P", "-m", "this"]
    monkeypatch.setattr(sys, "path", ["/somewhere", str(tmp_path)])
    assert "-P" not in interpreter.python("-m", "this")


LOOK = """
import subprocess, sys
sys.path[:0] = {path}
from ganbench.processes.interpreter import python
subprocess.run(python("-c", "import importlib.util; print(importlib.util.find_spec('planted') is not None)"))
"""


@pytest.mark.parametrize(("flags", "found"), [([], True), (["-E"], False), (["-I"], False)])
def test_pythonpath_is_searched_by_both_or_by_none(flags: list[str], found: bool, tmp_path: Path) -> None:
    (tmp_path / "planted.py").touch()
    code = LOOK.format(path=list(filter(None, sys.path)))
    answer = subprocess.run(
        [sys.executable, *flags, "-c", code], env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert answer.stdout.strip() == str(found)


def test_a_file_of_the_users_is_not_taken_for_a_standard_module(tmp_path: Path) -> None:
    """By the process that plans and starts trials: the command itself does not search the working folder."""
    (tmp_path / "copy.py").write_text("raise SystemExit('this is my own file')\n")
    script = "import sys; from ganbench.__main__ import main; sys.exit(main())"
    command = ["run", "--losses", "vanilla", "--arch", "mlp", "--dataset", "ring", "--dry-run"]
    answer = subprocess.run(
        [sys.executable, "-P", "-c", script, *command], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "1 trials" in answer.stdout or "1 trial" in answer.stdout
