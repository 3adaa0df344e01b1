"""Errors that nobody foresaw: one line that names whose they are, never the silence of a reader who has left."""

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganbench.cli import unforeseen
from tests.commands import ganbench
from tests.distribution import write_distribution

DAMAGE = {
    "raise ImportError('libx.so.1: cannot open shared object file')": "ImportError: libx.so.1: cannot open shared",
    "raise OSError('libx.so.2: file too short')": "OSError: libx.so.2: file too short",
    "import no_such_module": "ModuleNotFoundError: No module named 'no_such_module'",
}
BREAKING = """
import socket
import click
from ganbench import hookimpl

@hookimpl
def register_commands(cli):
    @cli.command("send")
    def send():
        ours, theirs = socket.socketpair()
        theirs.close()
        ours.send(b"x")
"""


class Left(io.StringIO):
    """A stream whose reader has left, where the system does not say so when it is asked."""

    def flush(self) -> None:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


def path_with(site: Path) -> str:
    return os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_torch_that_cannot_be_imported_is_named_by_commands_that_need_it(damage: str, tmp_path: Path) -> None:
    """They do a worker's job in their own process; where trials run, that process says so."""
    (tmp_path / "site" / "torch").mkdir(parents=True)
    (tmp_path / "site" / "torch" / "__init__.py").write_text(damage + "\n")
    for words in (["show", "hinge"], ["plugins", "check", "ganbench", "--only", "hinge"]):
        answer = ganbench(*words, cwd=tmp_path, PYTHONPATH=path_with(tmp_path / "site"))
        assert (answer.returncode, answer.stdout) == (2, "")
        (line,) = answer.stderr.splitlines()
        assert line.startswith(f"ganbench: torch cannot be imported ({DAMAGE[damage]}")
        assert line.endswith("); see 'ganbench doctor'")


def test_a_package_that_is_not_there_is_named(tmp_path: Path) -> None:
    blocked = "import sys; sys.modules['torch'] = None; from ganbench.cli import main; main(['show', 'hinge'])"
    answer = subprocess.run([sys.executable, "-c", blocked], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("ganbench: torch cannot be imported (ModuleNotFoundError: ")


def test_a_socket_of_a_plugins_own_that_breaks_is_no_reader_who_has_left(tmp_path: Path) -> None:
    write_distribution(tmp_path / "site", "gb-breaking", {"gb_breaking": BREAKING})
    answer = ganbench("send", cwd=tmp_path, PYTHONPATH=path_with(tmp_path / "site"))
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        "ganbench: unexpected BrokenPipeError: [Errno 32] Broken pipe (plugin gb-breaking: gb_breaking, line 12); run "
        "again with --debug for the traceback\n"
    )
    told = ganbench("send", "--debug", cwd=tmp_path, PYTHONPATH=path_with(tmp_path / "site"))
    assert (told.returncode, "Traceback" in told.stderr, "gb_breaking.py" in told.stderr) == (1, True, True)


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_a_reader_has_left_where_what_is_held_cannot_be_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not unforeseen.reader_left()
    monkeypatch.setattr(sys, name, Left())
    assert unforeseen.reader_left()
