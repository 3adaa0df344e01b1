"""Progress: what is said, when, and that nothing a trial leaves behind can break it."""

import io
import re
from itertools import pairwise
from pathlib import Path

import pytest

from ganbench.display import make_display
from ganbench.display.live import Live
from ganbench.display.plain import Plain, Quiet
from ganbench.display.watching import Watched, Work, roughly
from ganbench.records.folder import TrialFolder
from tests.trials import make_spec, make_trial


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def report(folder: TrialFolder, step: int, **more: object) -> None:
    """A line of progress as a worker writes it."""
    record = {"step": step, "images": step * 64, "d_loss": 0.5, "g_loss": 1.25, "images_per_second": 3512.0}
    folder.append_progress(record | {"seconds": step / 100, "memory": 700 * 2**20} | more)


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
    assert stream.getvalue() == f"careful\nfailed: b: boom ({folder.log})\n"


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


@pytest.mark.parametrize(
    ("values", "score"),
    [({"is": 8.0, "fid": 12.34}, "IS 8"), ({"density": None, "coverage": 0.5, "abc": 1.0}, "coverage 0.5")],
)
def test_the_score_of_a_running_trial_is_the_first_that_it_has(
    tmp_path: Path, values: dict[str, float | None], score: str
) -> None:
    watched = Watched(make_trial(tmp_path, make_spec()), "a", 1000)
    watched.folder.append_metrics({"step": 500, "values": values})
    watched.look()
    assert watched.facts()["score"] == score


def test_time_left_is_measured(tmp_path: Path, clock: Clock) -> None:
    folder = make_trial(tmp_path, make_spec())
    watched = Watched(folder, "a", 1000, clock=clock)
    assert watched.remaining is None
    report(folder, 100)
    watched.look()
    assert watched.remaining is None
    clock.now += 10
    report(folder, 200)
    watched.look()
    assert watched.remaining == pytest.approx(80)
    clock.now += 5
    assert watched.remaining == pytest.approx(75)
    clock.now += 500
    assert watched.remaining == pytest.approx(70)


def test_a_resumed_trial_is_not_taken_for_a_fast_one(tmp_path: Path, clock: Clock) -> None:
    folder = make_trial(tmp_path, make_spec())
    report(folder, 900)
    watched = Watched(folder, "a", 1000, clock=clock)
    watched.look()
    assert (watched.step, watched.remaining) == (0, None)
    folder.rewind({})
    report(folder, 800)
    watched.look()
    clock.now += 10
    report(folder, 810)
    watched.look()
    assert watched.remaining == pytest.approx(190)


def test_time_left_of_all(tmp_path: Path, clock: Clock) -> None:
    work = Work(total=4, clock=clock)
    assert work.seconds_left is None
    folders = [make_trial(tmp_path, make_spec(seed=seed)) for seed in range(2)]
    for folder in folders:
        work.start(folder, "a", 100)
    assert work.waiting == 2
    assert work.seconds_left is None
    for step in (0, 50):
        for folder in folders:
            report(folder, step + 1)
        clock.now += 0 if step else 10
        work.look()
        clock.now += 0 if step else 10
    # Each has 49 steps left at 5 steps a second, and one more trial of about 20 + 9.8 seconds behind it.
    assert work.seconds_left == pytest.approx(9.8 + 29.8)
    assert work.share == pytest.approx(102 / 400)
    for folder in folders:
        work.end(folder, "done")
    assert work.share == pytest.approx(0.5)
    assert work.seconds_left == pytest.approx(20)


def test_looking_takes_a_twentieth_of_the_time_at_most(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of trials on a cluster, on a file server that needs a second for all of them."""
    looks: list[float] = []

    def slowly(watched: Watched) -> None:
        looks.append(clock.now)
        clock.now += 1

    monkeypatch.setattr(Watched, "look", slowly)
    work = Work(total=1, clock=clock)
    work.start(make_trial(tmp_path, make_spec()), "a", 100)
    for _ in range(200):
        work.look()
        clock.now += 0.25
    assert looks[0] == 1000.0
    assert all(20 <= after - before <= 20.5 for before, after in pairwise(looks))
    assert len(looks) == 3


def test_a_trial_taken_over_from_another_run_is_counted_once(tmp_path: Path, clock: Clock) -> None:
    work = Work(total=2, elsewhere=1, clock=clock)
    folders = [make_trial(tmp_path, make_spec(seed=seed)) for seed in range(2)]
    for folder in folders:
        work.start(folder, "a", 100)
        work.end(folder, "done")
    assert (work.finished, work.elsewhere, work.waiting, work.share) == (2, 0, 0, 1.0)


def test_baselines_alone_have_no_speed(tmp_path: Path, clock: Clock) -> None:
    work = Work(total=1, clock=clock)
    folder = make_trial(tmp_path, make_spec(baseline="real"))
    work.start(folder, "(real data)", 0)
    assert 0.0 <= work.share <= 1.0
    work.end(folder, "done")
    assert work.finished == 1


def test_time_left_in_words() -> None:
    words = [roughly(seconds) for seconds in (0, 23, 56, 58, 200, 3590, 4300)]
    assert words == [
        "about 5 s", "about 25 s", "about 55 s", "about 1 m", "about 3 m", "about 1 h 00 m", "about 1 h 10 m",
    ]  # fmt: skip
