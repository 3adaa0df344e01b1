"""A board's file: what is damaged, edited or refers to nothing is refused."""

import json
import math
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
    (next(runs.iterdir()) / "spec.json").write_text("{}")
    with pytest.raises(StoreError, match="1 unreadable"):
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


def test_an_edited_number_with_a_mended_hash_is_still_another_file(runs: Path, tmp_path: Path) -> None:
    """The hash finds slips; that nobody forges it is what the version control is for."""
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    content = json.loads((tmp_path / "digits.json").read_text())
    content["trials"][0]["spec"]["recipe"]["steps"] = 9
    (tmp_path / "digits.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=r"was edited: .* has the specification of"):
        load(tmp_path / "digits.json")


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("status", "great", "has the status 'great'"),
        ("protocol", "deadbeef", "names a protocol that does not exist"),
        ("environment", "deadbeef", "names an environment that does not exist"),
        ("metrics", {"fid": math.nan}, "contains a number that is not finite"),
        ("metrics", {"fid": math.inf}, "contains a number that is not finite"),
        ("", None, "it contains"),
    ],
)
def test_what_a_board_refers_to_must_be_there_once(
    runs: Path, tmp_path: Path, key: str, value: object, message: str
) -> None:
    out = tmp_path / "digits"
    write(assemble([runs], out), out)
    content = json.loads((tmp_path / "digits.json").read_text())
    if key:
        content["trials"][0][key] = value
    else:
        content["trials"].append(content["trials"][0])
    (tmp_path / "digits.json").write_text(json.dumps(content))
    with pytest.raises(StoreError, match=f"was edited: .*{message}"):
        load(tmp_path / "digits.json")


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


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (
            lambda board: board.update(name="x --><script>alert(1)</script>"),
            "no board can have the name 'x --><script>",
        ),
        (lambda board: board.update(name=""), "no board can have the name ''"),
        (lambda board: values_of(board).update(decimals=10**400), "decimals=1000"),
        (lambda board: values_of(board).update(decimals=-1), "decimals=-1: must be greater than or equal to 0"),
    ],
    ids=["html", "empty", "many decimals", "negative decimals"],
)
def test_a_board_that_no_page_can_show_is_refused(
    runs: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], message: str
) -> None:
    assert message in edited(runs, tmp_path, edit)


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


def values_of(board: dict[str, Any]) -> Any:
    return next(iter(board["protocols"].values()))["values"]["fid"]


def edited(runs: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object]) -> str:
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


def test_a_number_that_was_edited_is_found_by_the_hash(runs: Path, tmp_path: Path) -> None:
    told = edited(runs, tmp_path, lambda content: content["trials"][0]["metrics"].update(fid=0.5))
    assert "was edited: its content has the hash " in told
    assert ", not " in told


def test_a_board_without_its_hash_is_edited(runs: Path, tmp_path: Path) -> None:
    assert "was edited: its content has the hash" in edited(runs, tmp_path, lambda content: content.pop("sha256"))


def test_a_protocol_is_called_by_its_own_hash(runs: Path, tmp_path: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        for measured in content["protocols"].values():
            measured["protocol"]["num_samples"] += 1

    told = edited(runs, tmp_path, edit)
    assert "was edited: protocol " in told


@pytest.mark.parametrize(
    ("rerun", "message"),
    [
        ({"environment": "deadbeef", "status": "done"}, "names an environment that does not exist"),
        ({"environment": "", "status": "great"}, "has the status 'great'"),
    ],
)
def test_what_a_rerun_refers_to_must_be_there(runs: Path, tmp_path: Path, rerun: dict[str, Any], message: str) -> None:
    whole = rerun | {"metrics": {}, "equal": False}
    assert message in edited(runs, tmp_path, lambda content: content["trials"][0].update(reruns=[whole]))


def test_a_trial_of_another_schema_is_named_whatever_else_is_not_known_of_it(runs: Path, tmp_path: Path) -> None:
    later = {"schema_version": 99, "colour": "blue"}
    told = edited(runs, tmp_path, lambda content: content["trials"][0]["spec"].update(later))
    assert told == (
        f"{tmp_path / 'digits.json'} contains trials whose specification has schema 99, but this version of ganbench "
        "reads 1; a later version wrote it: upgrade ganbench"
    )


@pytest.mark.parametrize("place", ["board", "trial", "recipe", "protocol"])
def test_a_board_of_a_later_version_says_that_it_may_be_one(runs: Path, tmp_path: Path, place: str) -> None:
    def edit(content: dict[str, Any]) -> None:
        trial = content["trials"][0]
        measured = next(iter(content["protocols"].values()))
        places = {"board": content, "trial": trial, "recipe": trial["spec"]["recipe"], "protocol": measured["protocol"]}
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
