"""Standard output and error that are full, closed, left by their reader, or a terminal."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trials import trial


def into_full(words: list[str], cwd: Path, *, messages: bool = False) -> tuple[int, str]:
    """Run a command whose output, or whose messages, go where there is no room; its exit code and the other."""
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "ganbench", *words],
            cwd=cwd,
            text=True,
            timeout=300,
            stdout=subprocess.PIPE if messages else full,
            stderr=full if messages else subprocess.PIPE,
        )
    return answer.returncode, answer.stdout if messages else answer.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full")
@pytest.mark.parametrize(
    "words", [["list"], ["--help"], ["list", "--json"], ["results", "runs"], ["runs", "list", "--json"]]
)
def test_output_that_cannot_be_written_is_one_line(words: list[str], tmp_path: Path) -> None:
    for seed in range(40):  # more than a stream holds
        trial(tmp_path / "runs", "a", seed, 1.0)
    assert into_full(words, tmp_path) == (2, "ganbench: cannot write the output: No space left on device\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="writes to /dev/full")
def test_messages_that_cannot_be_written_leave_the_exit_code(tmp_path: Path) -> None:
    assert into_full(["rn"], tmp_path, messages=True) == (2, "")
    assert into_full(["runs"], tmp_path, messages=True) == (2, "")
    assert into_full(["--version"], tmp_path, messages=True)[0] == 0


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        ("results runs", ">&-"),
        ("status runs", ">&-"),
        ("leaderboard compare runs runs --margin 1", "<&- >&- 2>&-"),
        ("run --losses vanilla --arch mlp --device cpu --dry-run", "<&- >&-"),
        ("results runs", "<&- 2>&-"),
    ],
)
def test_streams_that_are_closed_are_no_error(words: str, closed: str, tmp_path: Path) -> None:
    for seed in range(3):
        trial(tmp_path / "runs", "a", seed, 1.0)
    line = f"exec {sys.executable} -m ganbench {words} {closed}"
    answer = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (answer.returncode, "Error" in answer.stderr) == (0, False), answer.stderr
    assert ("vanilla" in answer.stdout or "FID" in answer.stdout) is (" 2>&-" in closed and " >&-" not in closed)


@pytest.mark.parametrize(
    ("environment", "plain"),
    [({"TERM": "xterm"}, False), ({"TERM": "dumb"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, True)],
)
@pytest.mark.parametrize(
    "words", ["list", "results runs", "leaderboard compare runs runs --margin 1", "leaderboard power runs --draws 2"]
)
def test_a_terminal_that_is_to_be_plain_gets_no_escapes(
    words: str, environment: dict[str, str], plain: bool, tmp_path: Path
) -> None:
    for seed in range(3):
        trial(tmp_path / "runs", "a", seed, 1.0)
    ours, theirs = os.openpty()
    around = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    command = [sys.executable, "-m", "ganbench", *words.split()]
    with subprocess.Popen(command, cwd=tmp_path, stdout=theirs, stdin=theirs, env=around | environment):
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # the other end is closed
            while data := os.read(ours, 4096):
                printed += data
    os.close(ours)
    assert printed
    assert (b"\x1b" not in printed) is plain


@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["results", "runs"], ["--help"], ["--version"]])
def test_a_reader_that_has_left_is_no_error(words: list[str], tmp_path: Path) -> None:
    trial(tmp_path / "runs", "a", 0, 1.0)
    read, write = os.pipe()
    os.close(read)
    answer = subprocess.run(
        [sys.executable, "-m", "ganbench", *words], cwd=tmp_path, stdout=write, stderr=subprocess.PIPE, timeout=300
    )
    os.close(write)
    assert (answer.returncode, answer.stderr) == (141, b""), "1 would be a verdict"
