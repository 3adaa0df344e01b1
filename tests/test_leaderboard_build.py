"""What a leaderboard is made of, and what is said where its files are not what they must be."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.errors import UsageError
from ganbench.leaderboard.build import assemble, check, write
from tests.trials import make_spec, make_trial, trial


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    trial(tmp_path / "runs", "vanilla", 0, 1.0)
    return tmp_path / "runs"


def test_a_board_keeps_the_suite_that_a_source_names(runs: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    write(assemble([runs], made, suite="a.toml"), made)
    trial(tmp_path / "more", "hinge", 0, 2.0)
    for sources in ([made, tmp_path / "more"], [tmp_path / "more", made]):
        assert assemble(sources, tmp_path / "both").suite == "a.toml"
        assert assemble(sources, tmp_path / "both", suite="b.toml").suite == "b.toml"


def test_a_board_may_have_dots_in_its_name(runs: Path, tmp_path: Path) -> None:
    """What follows the last one is a suffix only where it is that of a page."""
    out = tmp_path / "digits-1.2"
    written = write(assemble([runs], out), out)
    assert sorted(path.name for path in written) == [
        "digits-1.2.csv",
        "digits-1.2.html",
        "digits-1.2.json",
        "digits-1.2.md",
    ]
    for given in (out, tmp_path / "digits-1.2.json", tmp_path / "digits-1.2.md"):
        assert check(given, [runs]) == []


def test_a_check_is_of_the_suite_of_the_board_unless_another_is_named(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "board"
    write(assemble([runs], out, suite="a.toml"), out)
    assert check(out, [runs]) == check(out, [runs], suite="a.toml") == []
    differing = {problem.partition(" ")[0] for problem in check(out, [runs], suite="b.toml")}
    assert differing == {f"{out}{suffix}" for suffix in (".json", ".md", ".html")}


def test_a_check_lets_unfinished_trials_in_where_the_board_did(runs: Path, tmp_path: Path) -> None:
    make_trial(runs, make_spec("lsgan"), "interrupted", "stopped")
    out = tmp_path / "board"
    write(assemble([runs], out, partial=True), out)
    assert check(out, [runs], partial=True) == []


def test_what_is_not_there_cannot_be_checked_and_is_no_difference(runs: Path, tmp_path: Path) -> None:
    """The exit code of a difference is for results that are not what they were."""
    out = tmp_path / "bord"
    for sources in ([], [str(runs)]):
        arguments = ["leaderboard", "build", *sources, "--check", "--out", str(out)]
        told = rf"^there is no leaderboard {out}\.json to check; correct --out, or build it from sources without"
        with pytest.raises(UsageError, match=told) as caught:
            CliRunner().invoke(cli, arguments, standalone_mode=False, catch_exceptions=False)
        assert caught.value.exit_code == 2
    Path(f"{out}.json").write_text("{}")
    assert check(out) == [f"{out}.json is not a leaderboard; 'ganbench leaderboard build' makes one"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda page: page.unlink(), "is missing"),
        (lambda page: page.write_bytes(b"\xff"), "cannot be read: 'utf-8' codec can't decode"),
        (lambda page: (page.unlink(), page.mkdir()), "cannot be read: [Errno 21] Is a directory"),
    ],
    ids=["missing", "no text", "a folder"],
)
def test_a_file_that_cannot_be_compared_is_one_problem(runs: Path, tmp_path: Path, spoil: object, told: str) -> None:
    out = tmp_path / "board"
    write(assemble([runs], out), out)
    page = tmp_path / "board.md"
    assert callable(spoil)
    spoil(page)
    (problem,) = check(out)
    assert problem.startswith(f"{page} {told}")


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda lines: ["", *lines], lambda count: 1),
        (lambda lines: [*lines[:4], "another", *lines[5:]], lambda count: 5),
        (lambda lines: lines[:4], lambda count: 5),
        (lambda lines: [*lines, "more"], lambda count: count + 1),
    ],
    ids=["first", "within", "cut short", "continued"],
)
def test_the_first_line_that_differs_is_named(runs: Path, tmp_path: Path, edit: object, line: object) -> None:
    out = tmp_path / "board"
    write(assemble([runs], out), out)
    page = tmp_path / "board.md"
    lines = page.read_text("utf-8").split("\n")
    assert callable(edit)
    assert callable(line)
    page.write_text("\n".join(edit(lines)), "utf-8")
    (problem,) = check(out)
    assert problem.endswith(f"; the first difference is in line {line(len(lines))}")
