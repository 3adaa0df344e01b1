"""Progress: what is said, when, and that nothing a trial leaves behind can break it."""

import io
import re
from pathlib import Path

import pytest

from ganbench.display import make_display
from ganbench.display.live import Live
from ganbench.display.plain import UNCHANGED_SECONDS, Plain, Quiet
from ganbench.records.folder import TrialFolder
from tests.progress import Clock, report
from tests.trials import make_spec, make_trial


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_display_suits_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_display(quiet=False, stream=Terminal()), Live)
    assert isinstance(make_display(quiet=False, stream=io.StringIO()), Plain)
    assert isinstance(make_display(quiet=True, stream=Terminal()), Quiet)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_display(quiet=False, stream=Terminal()), Plain)


def test_quiet_says_only_what_is_wrong(tmp_path: Path) -> None:
    stream = io.StringIO()
    display = make_display(quiet=True, stream=stream)
    folder = make_trial(tmp_path, make_spec())
    display.planning()
    display.planned(2, 0, 0)
    display.started(folder, "a", 100)
    display.tick()
    display.finished(folder, "a", "done", "")
    display.close()
    assert stream.getvalue() == ""
    display.note("careful")
    display.finished(folder, "b", "failed", "boom\n\x1b[31m")
    assert stream.getvalue() == f"careful\nfailed: b: boom ({folder.path})\n", "one that never started has no log"
    folder.log.touch()
    display.finished(folder, "b", "failed", "boom")
    assert stream.getvalue().endswith(f"failed: b: boom ({folder.log})\n")


def test_plain_lines(tmp_path: Path, clock: Clock) -> None:
    stream = io.StringIO()
    display = Plain(stream, clock=clock)
    folder = make_trial(tmp_path, make_spec())
    display.planning()
    display.planned(3, 1, 1)
    display.started(folder, "vanilla · dcgan", 2000)
    report(folder, 100)
    for _ in range(4):
        display.tick()
    assert "step" not in stream.getvalue().splitlines()[-1].replace("2,000 steps", "")
    clock.now += 31
    report(folder, 500)
    folder.append_metrics({"step": 500, "values": {"fid": 12.34, "is": 8.0}})
    display.tick()
    display.tick()
    clock.now += 170.4
    display.finished(folder, "vanilla · dcgan", "done", "")
    display.close()
    assert stream.getvalue().splitlines() == [
        "planning",
        "3 trials: 1 done before, 1 running elsewhere, 1 to run",
        "started: vanilla · dcgan, 2,000 steps",
        "vanilla · dcgan: step 500/2,000, 3,512 images/s, D 0.500 G 1.250, FID 12.34, 700 MiB, about 2 m left",
        "[2/3] done: vanilla · dcgan, 3 m 21 s, FID 1.50",
    ]


def test_what_has_not_changed_is_said_again_only_now_and_then(tmp_path: Path, clock: Clock) -> None:
    stream = io.StringIO()
    display = Plain(stream, clock=clock)
    folder = make_trial(tmp_path, make_spec())
    display.planned(1, 0, 0)
    display.started(folder, "a", 2000)
    before = len(stream.getvalue().splitlines())
    report(folder, 500)
    seconds = 2 * UNCHANGED_SECONDS
    for second in range(int(seconds)):
        clock.now += 1
        if second == seconds - 100:
            report(folder, 520)
        display.tick()
    said = stream.getvalue().splitlines()[before:]
    assert [line.split(",")[0] for line in said] == ["a: step 500/2", "a: step 500/2", "a: step 520/2"]


def test_live_shows_all_and_leaves_only_what_ended(tmp_path: Path, clock: Clock) -> None:
    stream = Terminal()
    display = Live(stream, clock=clock)
    display._console.width = 160
    folder = make_trial(tmp_path, make_spec())
    display.planning()
    display.planned(2, 0, 0)
    display.started(folder, "vanilla · dcgan · digits · seed 0", 2000)
    for step in (10, 500, 1000):
        clock.now += 10
        report(folder, step)
        display.tick()
    display.note("a [bold]warning[/bold] \x1b[2J")
    display.finished(folder, "vanilla · dcgan · digits · seed 0", "diverged", "NaN at step 5")
    display.close()
    display.close()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "planning" in text
    assert "step 1,000/2,000" in text
    assert "left" in text
    assert "a [bold]warning[/bold]" in text
    assert "\x1b[2J" not in stream.getvalue()
    assert "[1/2] diverged: vanilla · dcgan · digits · seed 0, 30 s, NaN at step 5" in text.replace("\n", " ")


def test_live_does_not_draw_more_than_four_times_a_second(tmp_path: Path, clock: Clock) -> None:
    stream = Terminal()
    display = Live(stream, clock=clock)
    display.planned(1, 0, 0)
    display.started(make_trial(tmp_path, make_spec()), "a", 10)
    before = stream.tell()
    for _ in range(100):
        display.tick()
    assert stream.tell() == before
    display.close()


def test_a_closed_stream_ends_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    folder = make_trial(tmp_path, make_spec())
    for stream in (io.StringIO(), Terminal()):
        display = make_display(quiet=False, stream=stream)
        stream.close()
        display.planned(1, 0, 0)
        display.started(folder, "a", 10)
        display.tick()
        display.note("careful")
        display.finished(folder, "a", "done", "")
        display.close()


def test_a_stream_without_the_alphabet(tmp_path: Path) -> None:
    raw = io.BytesIO()
    display = Plain(io.TextIOWrapper(raw, encoding="ascii"))
    display.note("a · b")
    assert raw.getvalue() == b"a ? b\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"garbage",
        b'{"step": 5',
        b'[1, 2]\n"text"\n',
        b"\xff\xfe\x00",
        b'{"step": "many", "d_loss": NaN, "g_loss": null, "images_per_second": Infinity, "memory": true}\n',
        b'{"step": -1, "d_loss": [], "memory": 1e999, "values": {"fid": NaN}}\n',
        b'{"step": 3, "values": {"fid": {}}}\n',
        b'{"values": [1]}\n',
        b'{"step": ' + b"9" * 400 + b"}\n",
    ],
)
def test_damaged_files_are_survived(tmp_path: Path, clock: Clock, content: bytes) -> None:
    folder = TrialFolder(tmp_path / "trial")
    for display in (Plain(io.StringIO(), clock=clock), Live(Terminal(), clock=clock)):
        display.planned(1, 0, 0)
        display.started(folder, "a", 10)
        display.tick()
        folder.path.mkdir(exist_ok=True)
        folder.progress.write_bytes(content)
        folder.metrics.write_bytes(content)
        folder.result.write_bytes(content)
        clock.now += 60
        display.tick()
        display.finished(folder, "a", "done", "")
        display.close()
