"""Every option and argument of every command: none takes an empty value for its default, or for the current folder."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ganbench.cli import COMMANDS, cli
from ganbench.cli.values import BYTES, PATH, PER_DEVICE, SEED, TEXT
from ganbench.executors import AUTO
from tests.fuzz.inputs import run_command

NOTHING_IS_A_CHOICE = {("ganbench run", "--tracker")}
"""They say in their help what an empty value means."""


def parameters(command: click.Command, path: str) -> Iterator[tuple[str, click.Parameter]]:
    for parameter in command.params:
        yield path, parameter
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from parameters(inner, f"{path} {name}")


def all_parameters() -> list[tuple[str, click.Parameter]]:
    context = click.Context(cli)
    found = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found += list(parameters(command, f"ganbench {name}"))
    return found


@pytest.mark.parametrize(
    ("path", "parameter"), all_parameters(), ids=lambda value: value if isinstance(value, str) else value.opts[0]
)
@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_value_is_refused_or_explained(path: str, parameter: click.Parameter, value: str) -> None:
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return
    if (path, parameter.opts[0]) in NOTHING_IS_A_CHOICE:
        assert isinstance(parameter, click.Option)
        assert "'': " in str(parameter.help)
        return
    with pytest.raises(click.BadParameter):
        parameter.type.convert(value, parameter, None)


def test_what_is_not_empty_is_taken_as_it_is() -> None:
    assert TEXT.convert("a, b", None, None) == "a, b"
    assert PATH.convert("runs", None, None) == Path("runs")
    assert PATH.convert("~/runs", None, None) == Path.home() / "runs"
    with pytest.raises(click.BadParameter):
        TEXT.convert(" , ", None, None)


@pytest.mark.parametrize(
    ("path", "option"),
    [(path, one) for path, one in all_parameters() if isinstance(one, click.Option)],
    ids=lambda value: value if isinstance(value, str) else value.opts[0],
)
def test_the_help_of_an_option_has_no_word_of_the_library_that_reads_it(path: str, option: click.Option) -> None:
    """Neither a bound that there is not, nor the name of a type."""
    (signature, text) = option.get_help_record(click.Context(cli)) or ("", "")
    assert [word for word in ("None", "FLOAT", "INTEGER", "RANGE") if word in f"{signature} {text}"] == []


def test_a_seed_is_one_that_a_trial_can_have() -> None:
    assert SEED.convert(str(2**63 - 1), None, None) == 2**63 - 1
    for wrong in ("-1", str(2**63), "x"):
        with pytest.raises(click.BadParameter):
            SEED.convert(wrong, None, None)


def test_a_number_of_trials_or_bytes_may_be_a_word() -> None:
    assert [PER_DEVICE.convert(word, None, None) for word in ("auto", "3")] == [AUTO, 3]
    assert BYTES.convert("4G", None, None) == 4 * 2**30
    with pytest.raises(click.BadParameter, match="'4 gigs'"):
        BYTES.convert("4 gigs", None, None)


@pytest.mark.parametrize("option", ["--steps", "--images", "--batch-size", "--num-samples", "--eval-every"])
def test_a_whole_number_is_one_that_can_be_stored(option: str, tmp_path: Path) -> None:
    words = ["run", "--losses", "vanilla", "--arch", "mlp", option, "99999999999999999999999", "--dry-run"]
    code, _, messages = run_command(words, tmp_path)
    assert (code, "'99999999999999999999999' must be below 2^63" in messages) == (2, True), messages


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["run", "--losses", "vanilla", "--arch", "mlp", "--metrics", ""],
            "'--metrics' / '--metric': must not be empty",
        ),
        (["results", ""], "'[RUNS]': must not be empty; give a value, or leave it out (see 'ganbench results --help')"),
        (["runs", "show", ""], "'TRIAL': must not be empty; give a value (see"),
        (
            ["run", "--steps", "1e3"],
            "'--steps': '1e3' must be a whole number of at least 1 (see 'ganbench run --help')",
        ),
        (["run", "--jobs", "-1"], "'--jobs' / '-j': '-1' must be a whole number of at least 0"),
        (["run", "--per-device", "two"], "'--per-device': 'two' must be auto, or a whole number of at least 0"),
        (["eval", "x", "--size", "2"], "'--size': '2' must be a whole number from 4 to 2048"),
        (["run", "--timeout", "0"], "'--timeout': '0' must be a finite number of seconds above 0"),
        (["reproduce", "x", "--scale", "2"], "'--scale': '2' must be a number above 0 and at most 1"),
        (["results", "--format", "md"], "'--format': 'md' is not a valid choice; did you mean 'markdown'? (see"),
        (["results", "--format", "tex"], "'--format': 'tex' is not a valid choice; did you mean 'latex'? (see"),
        (["run", "--reference", "val"], "'--reference': 'val' is not a valid choice; choose one of: test, train (see"),
        (
            ["plugins", "new", "x", "--kind", "arch"],
            "'--kind': 'arch' is not a valid choice; did you mean 'architecture'?",
        ),
        (["results", "--alpha", "x"], "'--alpha': 'x' must be a number between 0 and 1, e.g. 0.05 (see"),
        (["results", "--alpha", "1"], "'--alpha': '1' must be a number between 0 and 1, e.g. 0.05 (see"),
        (["eval", "x", "--against", ""], "'--against': must not be empty; give a value, or leave it out"),
        (
            ["run", "--out", "x" * 300],
            "xxx... must be shorter: no file can have such a name (see 'ganbench run --help')",
        ),
        (["eval", "x" * 300, "--against", "digits"], "'SOURCE...': 'xxx"),
    ],
)
def test_the_line_names_the_option(arguments: list[str], words: str, tmp_path: Path) -> None:
    code, output, message = run_command(arguments, tmp_path)
    assert (code, output) == (2, "")
    assert words in message
    assert len(message.splitlines()) == 1


def test_every_command_is_there_with_a_click_whose_types_are_not_generic() -> None:
    """Before click 8.4 ``click.ParamType[int]`` is an error, and pyproject.toml admits such a click."""
    program = """
import click
click.ParamType.__class_getitem__ = None
from ganbench.cli import COMMANDS, cli
for name in COMMANDS:
    cli.get_command(click.Context(cli), name)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("words", [["report"], ["results"], ["leaderboard", "power"]])
def test_help_says_between_which_numbers_a_level_lies(words: list[str], tmp_path: Path) -> None:
    code, output, _ = run_command([*words, "--help"], tmp_path)
    assert code == 0
    assert "0.05; 0<x<1]" in " ".join(output.split())
