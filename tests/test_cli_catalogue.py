"""``ganbench list`` and ``ganbench show``: what there is, and which of several components of a name is meant."""

import json
from pathlib import Path

import pytest

from tests.distribution import write_distribution
from tests.fuzz.inputs import run_command

MODULE = """
from ganbench import hookimpl

@hookimpl
def register_penalties(register):
    register("hinge", "ganbench.penalties.zero_centred:R1", summary="A penalty that is called as a loss is")
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package whose penalty has the name of a built-in loss."""
    monkeypatch.syspath_prepend(tmp_path)
    write_distribution(tmp_path, "ganbench-catalogued", {"ganbench_catalogued": MODULE})
    return "ganbench-catalogued"


def shown(tmp_path: Path, *words: str) -> list[tuple[str, str]]:
    code, output, messages = run_command(["show", *words, "--json"], tmp_path)
    assert code == 0, messages
    return [(one["kind"], one["package"].partition(" ")[0]) for one in json.loads(output)]


def test_a_package_says_which_component_of_a_name_is_meant(package: str, tmp_path: Path) -> None:
    """Whatever other kinds have one of that name."""
    assert shown(tmp_path, "hinge") == [("loss", "ganbench"), ("penalty", package)]
    assert shown(tmp_path, f"{package}:hinge") == [("penalty", package)]
    assert shown(tmp_path, "ganbench:hinge") == [("loss", "ganbench")]
    assert shown(tmp_path, "hinge", "--kind", "penalty") == [("penalty", package)]
    for words in (["ganbench-catalogd:hinge"], ["ganbench-catalogd:hinge", "--kind", "penalty"]):
        code, _, message = run_command(["show", *words], tmp_path)
        assert (code, f"did you mean '{package}:hinge'?" in message) == (2, True), message


def test_what_is_not_built_in_is_listed_with_its_package(package: str, tmp_path: Path) -> None:
    _, output, _ = run_command(["list", "penalties"], tmp_path)
    (own,) = (line for line in output.splitlines() if line.endswith(f" [{package} 1.0]"))
    assert own.split()[0] == "hinge"
    _, listed, _ = run_command(["list", "penalty", "--json"], tmp_path)
    found = json.loads(listed)
    assert found.keys() == {"penalties"}
    assert {"hinge", "gp"} <= {entry["name"] for entry in found["penalties"]}


def test_a_name_that_is_taken_is_listed_as_it_must_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = MODULE.replace('"hinge"', '"r1"')
    write_distribution(tmp_path, "ganbench-taking", {"ganbench_taking": module})
    _, output, _ = run_command(["list", "penalties"], tmp_path)
    names = [line.split()[0] for line in output.splitlines()]
    assert "r1" in names
    assert "ganbench-taking:r1" in names
    assert shown(tmp_path, "ganbench-taking:r1") == [("penalty", "ganbench-taking")]


def test_a_name_that_is_like_no_other_is_answered_in_a_short_line(tmp_path: Path) -> None:
    code, _, message = run_command(["show", "xxxxxxxx"], tmp_path)
    assert (code, message.strip()) == (
        2,
        "ganbench: there is no component 'xxxxxxxx'; 'ganbench list' shows what there is",
    )
    _, _, message = run_command(["show", "xxxxxxxx", "--kind", "tracker"], tmp_path)
    assert "; choose one of: tensorboard" in message


def test_an_empty_text_is_shown_as_one(tmp_path: Path) -> None:
    _, output, _ = run_command(["show", "array"], tmp_path)
    assert "    range = ''" in output.splitlines()
