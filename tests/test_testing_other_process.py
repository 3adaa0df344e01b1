"""A module asked in another process: an answer, or in one line why there is none."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.testing import other_process
from ganbench.testing.other_process import NoAnswer, ask


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module ``asked`` that both processes find."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "asked.py"


def test_the_answer_is_told_from_what_is_printed(module: Path) -> None:
    module.write_text(
        "import os, sys\nfrom ganbench.testing.other_process import answer\n"
        "print('noise', end='')\nanswer([sys.argv[1], os.environ['WORD']])\n"
    )
    assert ask("asked", "first", doing="answer", environment={"WORD": "second"}) == ["first", "second"]


ISOLATED = """
import sys
sys.path[:0] = {path}
from ganbench.testing.other_process import ask
print(ask("asked", doing="answer", environment={{"PYTHONHASHSEED": "1"}}))
"""


def test_an_isolated_process_finds_modules_there_too(module: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    module.write_text(
        "import os, sys\nfrom ganbench.testing.other_process import answer\n"
        "answer([sys.flags.ignore_environment, os.environ['PYTHONHASHSEED']])\n"
    )
    code = ISOLATED.format(path=list(filter(None, sys.path)))
    answer = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=tmp_path_factory.mktemp("elsewhere"), capture_output=True, text=True
    )
    assert answer.stdout == "[0, '1']\n", answer.stderr


def test_an_error_is_its_last_line(module: Path) -> None:
    module.write_text("raise ValueError('nothing here')\n")
    with pytest.raises(NoAnswer, match=r"^another process could not load it \(ValueError: nothing here\)$"):
        ask("asked", doing="load it")


def test_an_end_without_a_word_is_its_exit_code(module: Path) -> None:
    module.write_text("raise SystemExit(3)\n")
    with pytest.raises(NoAnswer, match=r"could not load it \(exit 3\)"):
        ask("asked", doing="load it")


def test_nobody_waits_for_ever(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(other_process, "SECONDS", 1)
    with pytest.raises(NoAnswer, match="did not load it within 1 seconds"):
        ask("asked", doing="load it")
