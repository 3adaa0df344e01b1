"""What is known of running trials: the last record of a growing file, speeds, and the time that is left."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.display.watching import Tail, Watched, Work, roughly
from ganbench.files import append_line
from tests.progress import Clock, report
from tests.trials import make_spec, make_trial


@pytest.fixture
def clock() -> Clock:
    return Clock()


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("tail") / "progress.jsonl"
    path.write_bytes(content + b'\n{"step": 7}\n{"step": 8, "d_lo')
    tail = Tail(path)
    assert tail.look()
    assert tail.record == {"step": 7}
    assert not tail.look()


def test_only_the_tail_is_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    path.write_text("".join(json.dumps({"step": step, "pad": "x" * 100}) + "\n" for step in range(5000)))
    tail = Tail(path)
    assert tail.look()
    assert tail.record["step"] == 4999


def test_a_torn_line_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    append_line(path, {"step": 1})
    tail = Tail(path)
    assert tail.look()
    with path.open("ab") as file:
        file.write(b'{"step"')
    assert not tail.look()
    with path.open("ab") as file:
        file.write(b": 2}\n")
    assert tail.look()
    assert tail.record == {"step": 2}


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


def test_a_resumed_trial_stands_where_it_goes_on_from(tmp_path: Path, clock: Clock) -> None:
    """And not at step 0, nor with the speed of the attempt before, until its first report: that may take minutes."""
    folder = make_trial(tmp_path, make_spec())
    folder.append_attempt({"time": 1.0, "step": 0})
    for step in (800, 900):
        report(folder, step)
    watched = Watched(folder, "a", 1000, clock=clock)
    watched.look()
    assert watched.facts() == {}, "step 0 would look as if the work of before were lost"
    folder.append_attempt({"time": 2.0, "step": 850})
    watched.look()
    assert watched.facts() == {"step": "step 850/1,000"}
    assert watched.remaining is None
    report(folder, 900, d_loss=0.75)
    watched.look()
    assert watched.facts()["step"] == "step 900/1,000"
    assert watched.facts()["losses"] == "D 0.750 G 1.250"


def test_a_trial_whose_attempt_is_not_seen_to_begin_stands_where_it_reports(tmp_path: Path, clock: Clock) -> None:
    """The line may be late on a file server; and a trial that was never begun is at step 0."""
    folder = make_trial(tmp_path, make_spec())
    assert Watched(folder, "a", 1000, clock=clock).facts() == {"step": "step 0/1,000"}
    folder.append_attempt({"time": 1.0, "step": 0})
    watched = Watched(folder, "a", 1000, clock=clock)
    assert watched.facts() == {}
    report(folder, 700)
    watched.look()
    assert watched.facts()["step"] == "step 700/1,000"


def test_a_trial_that_trains_already_is_seen_to(tmp_path: Path, clock: Clock) -> None:
    """A cluster may say that a trial runs when it has been running for a while."""
    folder = make_trial(tmp_path, make_spec())
    report(folder, 600)
    folder.write_status("running", started=2.0)
    folder.append_attempt({"time": 2.0, "step": 650})
    assert Watched(folder, "a", 1000, clock=clock).facts() == {"step": "step 650/1,000"}


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


def test_an_interrupted_trial_is_done_as_far_as_it_got(tmp_path: Path, clock: Clock) -> None:
    work = Work(total=2, clock=clock)
    stopped, failed = (make_trial(tmp_path, make_spec(seed=seed)) for seed in range(2))
    for folder in (stopped, failed):
        work.start(folder, "a", 100)
        report(folder, 25)
    clock.now += 10
    work.look()
    work.end(stopped, "interrupted")
    assert work.share == pytest.approx(50 / 200)
    work.end(failed, "failed")
    assert work.share == pytest.approx(125 / 200)
    assert (work.finished, work.failed) == (2, 2)


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
