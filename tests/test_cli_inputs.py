"""What commands say where there are no trials, or some cannot be read."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.cli.inputs import read_trials
from ganbench.cli.sample import _say
from ganbench.errors import StoreError
from ganbench.leaderboard.build import assemble, write
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.tables.ranking import PAIRED
from tests.trials import trial


@pytest.fixture
def runs(tmp_path: Path, trial_spec: Callable[..., TrialSpec]) -> Path:
    """A folder of one trial that waits, and one that cannot be read."""
    spec = trial_spec()
    waiting, damaged = TrialFolder(tmp_path / spec.trial_id), TrialFolder(tmp_path / "damaged")
    waiting.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    damaged.path.mkdir()
    damaged.spec.write_text("{")
    return tmp_path


def test_each_trial_that_is_left_out_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, incomplete = read_trials(runs)
    assert [row.status for row in rows] == ["pending"]
    assert incomplete
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganbench: left out: ")
    assert f"{runs / 'damaged' / 'spec.json'}" in line
    (runs / "damaged" / "spec.json").unlink()
    assert not read_trials(runs)[1]


@pytest.mark.parametrize("words", [["results"], ["report", "--out", "page.html"], ["track", "--tracker", "tensorboard"],
                                   ["status"]])  # fmt: skip
def test_a_folder_without_trials_is_an_error_of_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    command, *options = words
    result = CliRunner().invoke(cli, [command, str(empty), *options])
    assert isinstance(result.exception, StoreError)
    which = " that have ended" if command == "track" else ""
    assert str(result.exception) == (
        f"there are no trials in {empty}{which}; run something first, or name the folder given to --out"
    )
    assert list(tmp_path.iterdir()) == [empty]


@pytest.mark.parametrize("words", [["results"], ["report"], ["status"], ["track", "--tracker", "tensorboard"],
                                   ["leaderboard", "power"]])  # fmt: skip
def test_trials_one_folder_below_are_named_and_nobody_is_told_to_run_something(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are where ``leaderboard make`` has put them."""
    monkeypatch.chdir(tmp_path)
    trial(tmp_path / "runs" / "digits", "vanilla", 0, 1.0)
    result = CliRunner().invoke(cli, [*words, "runs"])
    told = "there are no trials in runs; name the folder of trials in it, e.g. runs/digits"
    assert (type(result.exception), str(result.exception)) == (StoreError, told)


def test_the_table_of_a_leaderboard_is_that_of_its_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every pair of rows, of which its page shows those of the best thirty."""
    monkeypatch.chdir(tmp_path)
    for number in range(PAIRED + 2):
        for seed in range(2):
            trial(tmp_path / "runs", f"w{number:02}", seed, 1.0 + number + seed / 10)
    write(assemble([Path("runs")], Path("board")), Path("board"))
    page = Path("board.md").read_text("utf-8")
    assert "the pairs of the best 30 of 32 rows; 'ganbench results --format json' prints all of them" in page
    tables = {}
    for place in ("runs", "board", "board.json", "board.md"):
        result = CliRunner().invoke(cli, ["results", place, "--format", "json"])
        assert result.exit_code == 0, result.output
        (tables[place],) = json.loads(result.output)
    assert len(tables["runs"]["comparisons"]["pairs"]) == 32 * 31 // 2
    assert tables["board"] == tables["board.json"] == tables["board.md"]
    for row in tables["runs"]["rows"]:
        for each in row["seeds"]:
            each["path"] = each["trial_id"]
            each["samples"] = None
    assert tables["board"] == tables["runs"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("notes.json", "notes.json is not a leaderboard; 'ganbench leaderboard build' makes one"),
        ("nowhere", "there is no folder of trials or leaderboard at nowhere; run something first"),
        ("nowhere.json", "there is no folder of trials or leaderboard at nowhere.json; run something first"),
    ],
)
def test_what_is_neither_trials_nor_a_leaderboard_is_one_line(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("notes.json").write_text("{}")
    result = CliRunner().invoke(cli, ["results", name])
    assert isinstance(result.exception, StoreError)
    assert str(result.exception).startswith(words)


def test_a_folder_of_leaderboards_and_a_place_of_nothing_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    (tmp_path / "boards").mkdir()
    write(assemble([Path("runs")], Path("boards/mine")), Path("boards/mine"))
    for place, told in (
        ("boards", "there are no trials in boards; name one of its leaderboards, e.g. boards/mine"),
        ("boards/yours.json", "there is no folder of trials or leaderboard at boards/yours.json; run something first"),
    ):
        result = CliRunner().invoke(cli, ["results", place])
        assert isinstance(result.exception, StoreError)
        assert told in str(result.exception)


def test_a_folder_is_no_name_of_a_leaderboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files would stand beside the folder, not in it."""
    monkeypatch.chdir(tmp_path)
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    (tmp_path / "boards").mkdir()
    result = CliRunner().invoke(cli, ["leaderboard", "build", "runs", "--out", "boards/"])
    assert "--out 'boards' is a folder; name the leaderboard in it, e.g. boards/NAME" in str(result.exception)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boards", "runs"]
    write(assemble([Path("runs")], Path("boards")), Path("boards"))
    result = CliRunner().invoke(cli, ["leaderboard", "build", "runs", "--out", "boards"])
    assert result.exit_code == 0, "a leaderboard that stands beside a folder of its name stays one"


def test_what_a_tracker_or_a_generator_says_rings_no_bell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def copy(rows: object, trackers: object, note: Callable[[str], None]) -> tuple[int, tuple[str, ...]]:
        note("a\x07b")
        return 0, ()

    monkeypatch.setattr("ganbench.trackers.following.copy", copy)
    trial(tmp_path, "vanilla", 0, 1.0)
    result = CliRunner().invoke(cli, ["track", str(tmp_path), "--tracker", "tensorboard"], standalone_mode=False)
    assert (result.return_value, result.stderr) == (1, "ganbench: ab\n")
    _say("the version 1\x07.0 of another package")
    assert capsys.readouterr().err == "warning: the version 1.0 of another package\n"
