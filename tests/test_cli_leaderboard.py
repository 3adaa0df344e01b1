"""``ganbench leaderboard compare`` as CI calls it: its exit codes, what it writes, what it will not judge."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.errors import StoreError, UsageError
from ganbench.leaderboard.build import assemble, write
from ganbench.leaderboard.schema import load
from ganbench.planning.suite import Suite
from ganbench.planning.suite import load as load_suite
from tests.rows import HIGH, LOW
from tests.trials import make_spec, make_trial, trial


def test_the_command_line(tmp_path: Path) -> None:
    for seed in range(5):
        trial(tmp_path / "base", "a", seed, LOW[seed])
        trial(tmp_path / "worse", "a", seed, HIGH[seed])
        trial(tmp_path / "near", "a", seed, LOW[seed] + 0.05)
    base = str(tmp_path / "base")
    junit, comment = tmp_path / "out" / "gate.xml", tmp_path / "out" / "comment.md"
    codes = {}
    for name in ("base", "worse", "near"):
        arguments = ["leaderboard", "compare", base, str(tmp_path / name), "--margin", "0", "--github"]
        arguments += ["--junit", str(junit), "--markdown", str(comment)]
        answer = CliRunner().invoke(cli, arguments, standalone_mode=False)
        codes[name] = answer.return_value
        assert answer.stdout.count("::notice title=ganbench::") == 1
        first, *_ = lines = answer.stdout.splitlines()
        assert re.fullmatch("::stop-commands::[0-9a-f]{32}", first)
        end = lines.index(f"::{first.removeprefix('::stop-commands::')}::")
        assert all(line.startswith("::") for line in lines[end:])
        assert not any(line.startswith("::") for line in lines[1:end])
        assert junit.read_text().startswith("<?xml")
        assert comment.read_text().startswith("### ")
    assert codes == {"base": 0, "worse": 1, "near": 3}


def test_one_file_is_not_written_twice(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "a", 0, LOW[0])
    one, same = tmp_path / "gate.xml", tmp_path / "runs" / ".." / "gate.xml"
    arguments = ["leaderboard", "compare", str(tmp_path / "runs"), str(tmp_path / "runs"), "--junit", str(one)]
    with pytest.raises(UsageError, match=r"--markdown and --junit would both write .*gate\.xml; choose another file"):
        CliRunner().invoke(cli, [*arguments, "--markdown", str(same)], standalone_mode=False, catch_exceptions=False)
    assert not one.exists()


@pytest.mark.parametrize(("option", "name"), [("--markdown", "other.md"), ("--junit", "other.json")])
def test_another_leaderboard_is_not_written_over(tmp_path: Path, option: str, name: str) -> None:
    """What is compared is not; a slip may name a third one."""
    trial(tmp_path / "runs", "a", 0, LOW[0])
    runs, content = str(tmp_path / "runs"), '{"format": "ganbench-leaderboard"}'
    (tmp_path / "other.json").write_text(content)
    arguments = ["leaderboard", "compare", runs, runs, option, str(tmp_path / name)]
    with pytest.raises(UsageError, match=rf"{option} .*{name} would overwrite part of the leaderboard .*other\.json"):
        CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
    assert (tmp_path / "other.json").read_text() == content


def test_the_suite_that_a_board_names_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stands on the pages as it can be run elsewhere."""
    trial(tmp_path / "runs", "a", 0, LOW[0])
    monkeypatch.chdir(tmp_path)
    build = ["leaderboard", "build", "runs", "--out", "board", "--suite"]
    with pytest.raises(UsageError, match=r"cannot read the suite nowhere\.toml"):
        CliRunner().invoke(cli, [*build, "nowhere.toml"], standalone_mode=False, catch_exceptions=False)
    assert not Path("board.json").exists()
    Path("grid.toml").write_text('losses = ["a"]\n')
    CliRunner().invoke(cli, [*build, str(tmp_path / "grid.toml")], standalone_mode=False, catch_exceptions=False)
    assert load(Path("board.json")).suite == "grid.toml"


@pytest.mark.parametrize("option", [["--suite", "a.toml"], ["--partial"]])
def test_a_check_without_sources_takes_nothing_that_is_about_them(option: list[str], tmp_path: Path) -> None:
    arguments = ["leaderboard", "build", "--check", "--out", str(tmp_path / "board"), *option]
    with pytest.raises(UsageError, match=f"{option[0]} is about what is built from sources"):
        CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)


def test_a_suite_to_make_a_board_of_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the suite \.: Is a directory"):
        CliRunner().invoke(cli, ["leaderboard", "make", "."], standalone_mode=False, catch_exceptions=False)


def test_a_suite_to_make_a_board_of_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is trained is what was looked at, also where the file is changed meanwhile."""
    read: list[Path] = []

    def seen(path: Path) -> Suite:
        read.append(path)
        return load_suite(path)

    monkeypatch.setattr("ganbench.planning.suite.load", seen)
    path = tmp_path / "grid.toml"
    path.write_text('losses = ["hinge"]\n')
    with pytest.raises(UsageError, match="no architecture"):
        CliRunner().invoke(cli, ["leaderboard", "make", str(path)], standalone_mode=False, catch_exceptions=False)
    assert read == [path]


@pytest.mark.parametrize("side", ["base", "new"])
def test_what_has_not_ended_is_not_judged(tmp_path: Path, side: str) -> None:
    for place in ("base", "new"):
        for seed in range(3):
            trial(tmp_path / place, "a", seed, LOW[seed])
    make_trial(tmp_path / side, make_spec("a", seed=3), "running")
    arguments = ["leaderboard", "compare", str(tmp_path / "base"), str(tmp_path / "new")]
    with pytest.raises(StoreError, match=f"1 of 4 trials of {tmp_path / side} is unfinished"):
        CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)


def test_a_folder_is_no_name_of_a_board_and_said_so_before_anything_trains(tmp_path: Path) -> None:
    (tmp_path / "boards").mkdir()
    (tmp_path / "grid.toml").write_text('losses = ["hinge"]\n')
    arguments = ["leaderboard", "make", str(tmp_path / "grid.toml"), "--out", str(tmp_path / "boards")]
    with pytest.raises(UsageError, match=r"boards' is a folder; name the leaderboard in it, e\.g\. .*boards/NAME$"):
        CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)


def test_another_folder_of_trials_is_asked_for_by_the_option_that_names_it(tmp_path: Path) -> None:
    """``--out`` is where the board goes."""
    (tmp_path / "grid.toml").write_text('losses = ["hinge"]\narchitectures = ["mlp"]\ndatasets = ["ring"]\n')
    arguments = ["leaderboard", "make", str(tmp_path / "grid.toml"), "--device", "cpu", "--runs"]
    for name in ("file", "another folder with --out"):  # what the user has named is quoted as it is
        (tmp_path / name).touch()
        told = rf"/{name} is a file, not a folder; choose another folder with --runs$"
        with pytest.raises(StoreError, match=told):
            CliRunner().invoke(cli, [*arguments, str(tmp_path / name)], standalone_mode=False, catch_exceptions=False)


def test_what_a_strangers_board_says_rings_no_bell(tmp_path: Path) -> None:
    trial(tmp_path / "runs", "a", 0, LOW[0])
    (place, *_) = write(assemble([tmp_path / "runs"], tmp_path / "board"), tmp_path / "board")
    content = json.loads(place.read_text())
    content["trials"][0]["trial_id"] = "a\x07b"
    place.write_text(json.dumps(content))
    answer = CliRunner().invoke(cli, ["leaderboard", "build", "--check", "--out", str(place)], standalone_mode=False)
    assert answer.return_value == 1
    assert "was edited: ab has the specification of" in answer.stderr
    assert "\x07" not in answer.stderr
