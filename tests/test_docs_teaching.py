"""The guides for teachers: one content in two languages, and their commands print the tables that they show."""

import re
import shlex
from pathlib import Path

import pytest

from tests.commands import ganbench

TEACHING = Path(__file__).resolve().parents[1] / "docs" / "teaching"
ENGLISH, CHINESE = ((TEACHING / f"{name}.md").read_text("utf-8") for name in ("en", "zh"))
EXERCISE = re.compile(r"^```\n(ganbench run .*?)^```\n\n((?:\|[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
EXERCISES = {found[0].rsplit("results ")[-1].split()[0]: found for found in EXERCISE.findall(ENGLISH)}
BLOCK = re.compile(r"^```\w*\n.*?^```$", re.MULTILINE | re.DOTALL)


def test_both_languages_have_the_same_commands_and_tables() -> None:
    assert BLOCK.findall(ENGLISH) == BLOCK.findall(CHINESE)
    tables = [[line for line in guide.splitlines() if line.startswith("|")] for guide in (ENGLISH, CHINESE)]
    assert tables[0] == tables[1]
    assert [guide.count("\n## ") for guide in (ENGLISH, CHINESE)] == [6, 6]
    assert len(EXERCISES) == 5


@pytest.mark.parametrize(("commands", "table"), EXERCISES.values(), ids=EXERCISES)
def test_a_table_has_the_columns_that_its_command_asks_for(commands: str, table: str) -> None:
    command = shlex.split(commands.splitlines()[-1])
    asked = command[command.index("--columns") + 1].split(",")
    labels = {
        "fid": "FID ↓",
        "is": "IS ↑",
        "modes": "modes ↑",
        "high_quality": "high quality ↑",
        "reverse_kl": "reverse KL ↓",
    }
    assert cells(table.splitlines()[0]) == [labels.get(name, name) for name in asked]
    folders = {re.search(r"(?:--out|results) (\w+)", line)[1] for line in commands.splitlines()}  # type: ignore[index]
    assert folders == {command[2]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["critic", "smoothing"])
def test_the_commands_of_an_exercise_print_its_table(name: str, tmp_path: Path) -> None:
    """Shortened, one on points and one on images: columns and rows are the guide's, the numbers are not."""
    commands, table = EXERCISES[name]
    for command in commands.splitlines():
        shorter = re.sub(r"--steps \d+", "--steps 20", re.sub(r"--seeds \d", "--seeds 1", command))
        form = ["--format", "markdown"] if " results " in command else ["--quiet", "--device", "cpu"]
        done = ganbench(*shlex.split(shorter)[1:], *form, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    shown, printed = table.splitlines(), done.stdout.split("\n\n")[0].splitlines()
    assert printed[:2] == shown[:2]
    assert [cells(line)[:2] for line in printed[2:]] == [cells(line)[:2] for line in shown[2:]]


def cells(line: str) -> list[str]:
    return line.removeprefix("| ").removesuffix(" |").split(" | ")
