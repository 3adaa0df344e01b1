"""A board's file: what is damaged, edited or refers to nothing is refused."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench.errors import StoreError, UsageError
from ganbench.files import write_json
from ganbench.leaderboard.build import assemble, check, write
from ganbench.leaderboard.schema import load
from ganbench.leaderboard.sources import read_source, rows_of
from tests.commands import ganbench
from tests.trials import make_spec, make_trial, two_losses


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return two_losses(tmp_path / "runs")


def test_damage_is_an_error(runs: Path, tmp_path: Path) -> None:
    out = tmp_path / "digits"
    for source in (tmp_path / "nothing", tmp_path / "nothing.json"):
        with pytest.raises(StoreError, match="no folder of trials or leaderboard"):
            assemble([source], out)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(StoreError, match=r"notes\.txt is neither a folder of trials nor the \.json of a leaderboard"):
        assemble([tmp_path / "notes.txt"], out)
    with pytest.raises(UsageError, match="must end in a name"):
        write(assemble([runs], tmp_path / "-x"), tmp_path / "-x")
    with pytest.raises(UsageError, match=r"digits\.toml' is called like a suite; .*, e\.g\. .*digits$"):
        assemble([runs], tmp_path / "digits.toml")
    (next(runs.iterdir()) / "spec.json").write_text("{}")
    with pytest.raises(StoreError, match=r"1 unreadable in .*; run their grid again"):
        assemble([runs], out)
    for content, message in (
        ({}, "not a leaderboard"),
        ({"format": "ganbench-leaderboard", "schema_version": 9}, "schema 9"),
        ({"format": "ganbench-leaderboard", "schema_version": 1}, "not a leaderboard: name"),
        ({"format": "ganbench-leaderboard", "schema_version": 1, "trials": [{"spec": "x"}]}, "not a leaderboard"),
        ([], "not a leaderboard"),
    ):
        write_json(tmp_path / "bad.json", content)
        with pytest.raises(StoreError, match=message):
            load(tmp_path / "bad.json")


def edited(runs: Path, tmp_path: Path, edit: Callable[[Any], object]) -> str:
    """What is said of a board that was edited."""
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    load(tmp_path / "digits.json")
    content = json.loads((tmp_path / "digits.json").read_text())
    edit(content)
    (tmp_path / "digits.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"digits\.json") as caught:
        load(tmp_path / "digits.json")
    return str(caught.value)


def first(board: Any) -> Any:
    return board["trials"][0]


def measured(board: Any) -> Any:
    return next(iter(board["protocols"].values()))


def again(**said: str) -> dict[str, Any]:
    return {"reruns": [{"environment": "", "status": "done", "metrics": {}, "equal": False, **said}]}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda board: first(board).update(status="great"), "was edited: {trial} has the status 'great'"),
        (lambda board: first(board).update(protocol="dead"), "edited: {trial} names a protocol that does not exist"),
        (
            lambda board: first(board).update(environment="dead"),
            "was edited: {trial} names an environment that does not exist",
        ),
        (lambda board: first(board).update(again(status="great")), "was edited: {trial} has the status 'great'"),
        (
            lambda board: first(board).update(again(environment="dead")),
            "was edited: {trial} names an environment that does not exist",
        ),
        (lambda board: first(board)["spec"]["recipe"].update(steps=9), "was edited: {trial} has the specification of "),
        (lambda board: board["trials"].append(first(board)), "was edited: it contains {trial} twice"),
        (lambda board: measured(board)["protocol"].update(num_samples=9), "was edited: protocol "),
        (lambda board: first(board)["metrics"].update(fid=math.nan), "was edited: it contains a number that is not "),
        (lambda board: first(board)["metrics"].update(fid=math.inf), "was edited: it contains a number that is not "),
        # The hash finds slips; that nobody forges it is what the version control is for.
        (lambda board: first(board)["metrics"].update(fid=0.5), "was edited: its content has the hash "),
        (lambda board: board.pop("sha256"), "was edited: its content has the hash "),
        (lambda board: board.update(name="x --><script>alert(1)</script>"), "no board can have the name 'x --><s"),
        (lambda board: board.update(name=""), "no board can have the name ''"),
        (lambda board: measured(board)["values"]["fid"].update(decimals=10**400), "decimals=1000"),
        (
            lambda board: measured(board)["values"]["fid"].update(decimals=-1),
            "decimals=-1: must be greater than or equal to 0",
        ),
    ],
    ids=[
        "status", "protocol", "environment", "status of a re-run", "environment of a re-run", "specification", "twice",
        "name of a protocol", "nan", "infinity", "number", "no hash", "html", "no name", "many decimals",
        "negative decimals",
    ],
)  # fmt: skip
def test_a_board_that_was_edited_is_refused(
    runs: Path, tmp_path: Path, edit: Callable[[Any], object], message: str
) -> None:
    told = edited(runs, tmp_path, edit)
    trial = first(json.loads((tmp_path / "digits.json").read_text()))["trial_id"]
    assert message.format(trial=trial) in told
    assert told.endswith("; restore the file, or build it again with 'ganbench leaderboard build'")


def test_of_a_board_of_a_later_version_it_is_not_said_to_build_it_again(runs: Path, tmp_path: Path) -> None:
    assert edited(runs, tmp_path, lambda board: board.update(colour="red")).endswith("wrote it, upgrade ganbench")


def test_of_what_was_edited_no_more_is_quoted_than_a_line_holds(runs: Path, tmp_path: Path) -> None:
    told = edited(runs, tmp_path, lambda board: board.update(sha256="0" * 64))
    assert re.search(r"its content has the hash [0-9a-f]{12}, not 0{12};", told)
    told = edited(runs, tmp_path, lambda board: board.update(name="<" * 1000))
    assert f"no board can have the name '{'<' * 60}';" in told


def test_a_board_says_what_own_data_are_called_and_nothing_of_where_they_lie(tmp_path: Path) -> None:
    make_trial(tmp_path / "runs", make_spec(dataset="folder"), data_at="/home/me/photos")
    make_trial(tmp_path / "runs", make_spec())
    out = tmp_path / "own"
    write(assemble([tmp_path / "runs"], out), out)
    text = (tmp_path / "own.json").read_text()
    assert [trial.get("dataset") for trial in json.loads(text)["trials"]] == [None, "folder:photos"]
    assert {row.dataset for row in rows_of(read_source(out))} == {"digits", "folder:photos"}
    for path in tmp_path.glob("own.*"):
        assert "/home/me" not in path.read_text()
    assert "folder:photos: 1000 fakes" in (tmp_path / "own.md").read_text()


@pytest.mark.parametrize(("depth", "message"), [(500, "nested too deeply"), (100_000, "is not valid JSON")])
def test_a_board_that_is_nested_without_end_is_refused(runs: Path, tmp_path: Path, depth: int, message: str) -> None:
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    content = json.loads((tmp_path / "digits.json").read_text())
    content["trials"][0]["determinism"] = {"x": "@"}
    text = json.dumps(content).replace('"@"', '{"a":' * depth + "1" + "}" * depth)
    (tmp_path / "digits.json").write_text(text)
    with pytest.raises(StoreError, match=message):
        load(tmp_path / "digits.json")


def test_a_key_that_is_there_twice_is_found_by_check(runs: Path, tmp_path: Path) -> None:
    """Who reads the file may see another number than ganbench does."""
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    text = (tmp_path / "digits.json").read_text()
    assert check(out) == []
    (tmp_path / "digits.json").write_text(text.replace('{\n "', '{\n "name": "another",\n "', 1))
    assert load(tmp_path / "digits.json").name == "digits"
    (problem,) = check(out)
    assert "digits.json differs from what the results give" in problem


def test_a_trial_of_another_schema_is_named_whatever_else_is_not_known_of_it(runs: Path, tmp_path: Path) -> None:
    later = {"schema_version": 99, "colour": "blue"}
    told = edited(runs, tmp_path, lambda content: first(content)["spec"].update(later))
    assert told == (
        f"{tmp_path / 'digits.json'} contains trials whose specification has schema 99, but this version of ganbench "
        "reads 1; a later version wrote it: upgrade ganbench"
    )


@pytest.mark.parametrize("place", ["board", "trial", "recipe", "protocol"])
def test_a_board_of_a_later_version_says_that_it_may_be_one(runs: Path, tmp_path: Path, place: str) -> None:
    def edit(content: dict[str, Any]) -> None:
        trial, protocol = first(content), measured(content)["protocol"]
        places = {"board": content, "trial": trial, "recipe": trial["spec"]["recipe"], "protocol": protocol}
        places[place]["colour"] = "blue"

    told = edited(runs, tmp_path, edit)
    assert "colour='blue': is not a known name here; " in told
    assert told.endswith("; if a later version of ganbench wrote it, upgrade ganbench")


def test_a_board_of_a_later_schema_is_one_line(tmp_path: Path) -> None:
    write_json(tmp_path / "new.json", {"format": "ganbench-leaderboard", "schema_version": 2, "rows": []})
    answer = ganbench("leaderboard", "compare", "new", "new.json", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        "ganbench: new.json has schema 2, but this version of ganbench reads 1; a later version wrote it: "
        "upgrade ganbench\n"
    )
