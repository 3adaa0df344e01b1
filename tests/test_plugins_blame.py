"""An error that arises in a plugin's code is told with the plugin's name, wherever it comes up."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench import plugins
from ganbench.errors import UsageError
from ganbench.plugins.blame import blamed, with_blame
from tests.commands import ganbench
from tests.distribution import write_distribution

Ask = Callable[..., tuple[int, str]]

MODULE = """
import sys

import click

from ganbench import hookimpl
from ganbench.api import Metric, Value
from ganbench.executors.local import Local
from ganbench.losses.hinge import Hinge


class Exits(Hinge):
    def __init__(self):
        sys.exit(6)


class Breaks(Hinge):
    calls = 0

    def generator(self, fake, real):
        self.calls += 1
        if self.calls == 1:  # when it is planned with
            return super().generator(fake, real)
        raise RuntimeError("broke in\\ntwo lines")


class Wordless(Hinge):
    formula = "x"


class Divides(Metric):
    values = {"share": Value(label="share", direction="lower")}
    needs = ()

    def check(self, *, fakes, reference, dimension, classes):
        return str(1 / (fakes - 50))

    def compute(self, inputs):
        return {}


class Loses(Local):
    def submit(self, jobs):
        super().submit(list(jobs)[1:])


@hookimpl
def register_losses(register):
    for name in ("Exits", "Breaks", "Wordless"):
        register(name.lower(), f"{__name__}:{name}")


@hookimpl
def register_metrics(register):
    register("divides", f"{__name__}:Divides")


@hookimpl
def register_executors(register):
    register("loses", f"{__name__}:Loses")


@hookimpl
def register_commands(cli):
    @cli.command("bang")
    def bang():
        raise RuntimeError("bang")
"""


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Run a command with the distribution ``gb-ex`` installed; returns the exit code and both outputs."""
    write_distribution(tmp_path / "site", "gb-ex", {"gb_ex_parts": MODULE})

    def ask(*arguments: str) -> tuple[int, str]:
        path = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")]))
        answer = ganbench(*arguments, cwd=tmp_path, PYTHONPATH=path)
        return answer.returncode, answer.stdout + answer.stderr

    return ask


GRID = ("--arch", "mlp[hidden=8]", "--dataset", "ring", "--steps", "3", "--num-samples", "50", "--metrics", "modes")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--losses", "hinge,exits", *GRID), "planning failed: SystemExit: 6 (plugin gb-ex: gb_ex_parts, line"),
        (
            ("run", "--losses", "hinge", *GRID, "--metrics", "divides"),
            "planning failed: ZeroDivisionError: division by zero (plugin gb-ex: gb_ex_parts, line",
        ),
        (("show", "wordless"), "loss 'wordless' of gb-ex cannot be explained (ValueError"),
        (("bang",), "unexpected RuntimeError: bang (plugin gb-ex: gb_ex_parts, line"),
    ],
)
def test_the_plugin_is_named_in_one_line(ask: Ask, arguments: tuple[str, ...], words: str) -> None:
    code, said = ask(*arguments)
    assert code == 2
    assert words in said
    assert "Traceback" not in said
    code, said = ask(*arguments, "--debug")
    assert code == 1
    assert "Traceback" in said, said
    assert "gb_ex_parts.py" in said or "explain.py" in said


def test_a_trial_that_a_plugin_ended_names_it(ask: Ask, tmp_path: Path) -> None:
    code, _ = ask("run", "--losses", "breaks", *GRID)
    assert code == 1
    (status,) = (json.loads(path.read_text()) for path in (tmp_path / "runs").glob("*/status.json"))
    assert status["status"] == "failed"
    assert status["reason"].startswith("RuntimeError: broke in (plugin gb-ex: gb_ex_parts, line ")


def test_a_job_that_its_executor_forgot_is_not_waited_for(ask: Ask) -> None:
    code, said = ask("run", "--losses", "hinge,vanilla", *GRID, "--executor", "loses")
    assert code == 1
    assert "its executor lost track of it" in said
    assert said.count("[2/2]") == 1


def test_our_own_code_is_nobody_elses() -> None:
    loaded = plugins.load()
    with pytest.raises(UsageError) as raised:
        loaded.registry.find("loss", "there-is-none")
    assert blamed(raised.value, loaded) == ""
    assert with_blame(raised.value, loaded) == plugins.one_line(raised.value)


REGISTERS = """
from ganbench import hookimpl

@hookimpl
def register_losses(register):
    register("{part}", "gb_space.{part}.loss:L")
"""


@pytest.mark.parametrize(
    ("module", "owner"),
    [
        ("gb_space.one.helper", "gb-space-one"),
        ("gb_space.two.loss", "gb-space-two"),
        ("gb_space.two.deep.helper", "gb-space-two"),
        ("gb_space_core", "gb-space-two"),
        ("gb_space.shared", ""),
        ("json", ""),
    ],
)
def test_in_a_namespace_the_owner_of_the_module_is_blamed(
    module: str, owner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("one", "two"):
        name = f"gb-space-{part}"
        write_distribution(tmp_path, name, {}, points=f"[ganbench]\nn = gb_space.{part}.register\n")
        core = "gb_space_core.py,,\n" if part == "two" else ""
        (tmp_path / f"gb_space_{part}-1.0.dist-info" / "RECORD").write_text(f"gb_space/{part}/loss.py,,\n{core}")
        (tmp_path / "gb_space" / part).mkdir(parents=True)
        for file in (f"gb_space/{part}/loss.py", *(["gb_space_core.py"] if core else [])):
            (tmp_path / file).touch()  # since Python 3.12, a distribution has only those of its files that are there
        (tmp_path / "gb_space" / part / "register.py").write_text(REGISTERS.format(part=part))
    monkeypatch.syspath_prepend(tmp_path)
    loaded = plugins.load()
    with pytest.raises(ZeroDivisionError) as raised:
        exec("1 / 0", {"__name__": module})
    said = blamed(raised.value, loaded)
    assert said == (f"plugin {owner}: {module}, line 1" if owner else "")
