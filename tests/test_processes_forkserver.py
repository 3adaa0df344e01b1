"""What the fork server must not do before it forks: a process whose parent has asked for a GPU cannot use one."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ganbench.processes.server import CannotStart, Server

STARTED = """
import os, sys, torch

def refuse(name):
    def asked(*arguments, **options):
        print(name, flush=True)
        os._exit(3)
    return asked

for name in dir(torch._C):
    if name.startswith("_cuda_") and callable(getattr(torch._C, name)):
        setattr(torch._C, name, refuse(name))
if "ask" in sys.argv:
    torch.cuda.is_available()
from ganbench.processes.forkserver import serve
sys.exit(serve())
"""
"""A server in which whatever asks CUDA for something ends it."""


@pytest.mark.parametrize(("arguments", "expected"), [([], (0, "")), (["ask"], (3, "_cuda_getDeviceCount\n"))])
def test_the_server_asks_for_no_gpu(arguments: list[str], expected: tuple[int, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == expected, done.stderr


def test_what_cannot_be_imported_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('libgone.so: cannot open shared object file')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, sys.path)]))
    why = r"^no trial can be started here \(ImportError: libgone.so: cannot open .*\); see 'ganbench doctor'$"
    with closing(Server(threads=1, device="cpu")) as server, pytest.raises(CannotStart, match=why) as caught:
        server.run("resolve", [], tmp_path / "log", 300)
    assert str(tmp_path / "torch.py") in str(caught.value.__cause__)
