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


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("hinge+r1[gamma=0.1]", ["hinge", "r1"]),
        ("wgan-gp[lambda_gp=1|10]", ["wgan-gp"]),
        ("dcgan[width=64,norm_d=none]", ["dcgan"]),
        ("folder:some+photos[size=32]", ["folder"]),
        ("ganbench:folder:photos", ["folder"]),
        ("ganbench:hinge+ganbench:r1", ["hinge", "r1"]),
    ],
)
def test_a_name_as_it_stands_in_a_table_is_explained(name: str, found: list[str], tmp_path: Path) -> None:
    code, output, messages = run_command(["show", name, "--json"], tmp_path)
    assert code == 0, messages
    assert [one["name"] for one in json.loads(output)] == found


def test_values_are_numbers_in_json_and_as_they_are_typed_on_the_page(tmp_path: Path) -> None:
    _, output, _ = run_command(["show", "wgan-gp+consistency", "--json"], tmp_path)
    loss, penalty = json.loads(output)
    assert (loss["parameters"]["lambda_gp"], loss["recommends"]["beta1"]) == (10.0, 0.0)
    assert penalty["parameters"]["flip"] is True
    _, output, _ = run_command(["show", "wgan-gp+consistency"], tmp_path)
    assert {"lambda_gp = 10", "beta1 = 0", "flip = true"} <= {line.strip() for line in output.splitlines()}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hinge+r9x", "there is no component 'r9x'; 'ganbench list' lists what there is"),
        ("hing[a=1]", "there is no component 'hing'; did you mean 'hinge'?"),
        ("hinge[a=1", "the brackets in 'hinge[a=1' do not match"),
        ("hinge+", "'hinge+' has an empty part before or after a '+'"),
        ("hinge+[gamma=1]", "'hinge+[gamma=1]' has no name before its brackets"),
        ("zzz:zzz", "there is no component 'zzz:zzz'; 'ganbench list' lists what there is"),
        ("wgan-gp[lambda_gp=-3]", "loss 'wgan-gp': lambda_gp=-3 must not be negative"),
        ("wgan-gp[lambda_gp=10|-3]", "loss 'wgan-gp': lambda_gp=-3 must not be negative"),
        ("hinge+r1[gama=1]", "penalty 'r1' has no parameter 'gama'; did you mean 'gamma'?"),
        ("hinge[a]", "'a' in 'hinge[a]' must be key=value"),
        ("folder:nowhere[size=big]", "dataset 'folder': size=big must be a whole number below 2^63"),
        ("tensorboard[a=1]", "tracker 'tensorboard' has no parameter 'a'; choose one of: logdir"),
        ("slurm[partition=gpu]", "executor 'slurm' takes no brackets; 'ganbench show slurm' lists its options"),
    ],
)
def test_what_is_not_there_is_named_alone(name: str, words: str, tmp_path: Path) -> None:
    assert run_command(["show", name], tmp_path) == (2, "", f"ganbench: {words}\n")


def test_of_several_kinds_those_are_meant_that_take_the_parameters(package: str, tmp_path: Path) -> None:
    assert shown(tmp_path, "hinge[gamma=0.1]") == [("penalty", package)]
    code, _, message = run_command(["show", "hinge[delta=0.1]"], tmp_path)
    assert (code, message) == (2, "ganbench: loss 'hinge' has no parameter 'delta'; it takes none\n")


def test_a_page_says_what_each_parameter_means(tmp_path: Path) -> None:
    _, page, _ = run_command(["show", "dcgan"], tmp_path)
    lines = page.splitlines()
    below = lines.index("    norm_d = auto") + 1
    assert lines[below].startswith("        after each layer of the discriminator but the first and the last: `batch`,")
    assert max(map(len, lines)) <= 120


def test_the_page_of_an_executor_has_its_options(tmp_path: Path) -> None:
    _, page, _ = run_command(["show", "slurm"], tmp_path)
    lines = page.splitlines()
    below = lines.index("  options (--slurm NAME=VALUE,...)")
    assert lines[below + 1 : below + 3] == [
        "    pack",
        "        trials in one job; by default as many as run at once on its devices",
    ]
    assert lines[-1] == "        handed on to sbatch as it is"
    assert "nodelist, partition," in lines[-3]
    assert "options" not in run_command(["show", "local"], tmp_path)[1]


def test_what_is_not_built_in_is_listed_with_its_package(package: str, tmp_path: Path) -> None:
    _, output, _ = run_command(["list", "penalties"], tmp_path)
    (own,) = (line for line in output.splitlines() if line.endswith(f" [{package} 1.0]"))
    assert own.split()[0] == "hinge"  # of a loss, but no other penalty is called so
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
        "ganbench: there is no component 'xxxxxxxx'; 'ganbench list' lists what there is",
    )
    _, _, message = run_command(["show", "xxxxxxxx", "--kind", "tracker"], tmp_path)
    assert "; choose one of: tensorboard" in message


def test_an_empty_text_is_shown_as_one(tmp_path: Path) -> None:
    _, output, _ = run_command(["show", "array"], tmp_path)
    assert "    range = ''" in output.splitlines()
