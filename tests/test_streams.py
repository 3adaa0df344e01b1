"""Standard output for results alone: whoever prints meanwhile, and however."""

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ganbench import plugins
from ganbench.streams import results_apart


def test_whatever_is_printed_meanwhile_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with results_apart():
        print("by Python")
        os.write(1, b"to the descriptor\n")
        subprocess.run([sys.executable, "-c", "print('by another process')"], check=True)
        with results_apart():
            os.write(1, b"further in\n")
        os.write(1, b"out again\n")
    print("after")
    os.write(1, b"and to the descriptor\n")
    sys.stdout.flush()
    found = capfd.readouterr()
    assert sorted(found.out.splitlines()) == ["after", "and to the descriptor", "before"]
    assert set(found.err.splitlines()) == {
        "by Python", "to the descriptor", "by another process", "further in", "out again"
    }  # fmt: skip


def test_what_is_written_into_a_stream_that_somebody_kept_is_no_result() -> None:
    """As a logging handler of before does; its text waits in the stream's buffer where the output is a pipe."""
    program = "import sys\nfrom ganbench.streams import results_apart\nkept = sys.stdout\n"
    program += "with results_apart():\n    kept.write('noise\\n')\nprint('result')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == ("result\n", "noise\n")


def test_an_error_passes_and_leaves_the_streams_as_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    before = len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0
    with pytest.raises(SystemExit), results_apart():
        sys.exit(3)
    os.write(1, b"here\n")
    assert capfd.readouterr().out == "here\n"
    assert before == (len(os.listdir("/dev/fd")) if os.path.isdir("/dev/fd") else 0)


@pytest.mark.parametrize("closed", [1, 2])
def test_a_descriptor_that_the_caller_closed_stays_closed(closed: int) -> None:
    program = f"""
import os
from ganbench.streams import results_apart
os.close({closed})
with results_apart():
    pass
try:
    os.fstat({closed})
except OSError:
    os.write({3 - closed}, b"closed")
os._exit(0)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout + answer.stderr == "closed"


def test_plugins_and_what_they_register_are_imported_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    write = "import os\nos.write(1, b'{}\\n')\n"
    hook = "@hookimpl\ndef register_losses(register):\n    register('loud', 'loud_loss:os')\n"
    (tmp_path / "loud_loss.py").write_text(write.format("loss"))
    (tmp_path / "loud_plugin.py").write_text(f"from ganbench import hookimpl\n{write.format('plugin')}{hook}")
    monkeypatch.syspath_prepend(tmp_path)
    found = plugins.load([EntryPoint("loud", "loud_plugin", "ganbench")], {})
    found.registry.find("loss", "loud").load()
    for name in ("loud_plugin", "loud_loss"):
        monkeypatch.delitem(sys.modules, name)
    printed = capfd.readouterr()
    assert (printed.out, printed.err.split()) == ("", ["plugin", "loss"])
