"""Plugins' commands: each is its plugin's, a taken name is told, and nobody replaces a built-in command."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.commands import ganbench
from tests.distribution import write_distribution

COMMANDS = """
import click
from ganbench import hookimpl

@hookimpl
def register_commands(cli):
    for name in {names}:
        @cli.command(name)
        @click.argument("words", nargs=-1)
        def command(words):
            "Says whose it is."
            click.echo("of {module}")

@hookimpl
def trial_started(trial_id): ...
"""

Ask = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    site = tmp_path / "site"
    for module, names in {"gb_one": ["run", "alone", "count"], "gb_two": ["count"]}.items():
        write_distribution(site, module.replace("_", "-"), {module: COMMANDS.format(module=module, names=names)})
    fails = "from ganbench import hookimpl\n@hookimpl\ndef register_commands(cli):\n    raise RuntimeError('no')\n"
    write_distribution(site, "gb-fails", {"gb_fails": fails})

    def ask(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
        return ganbench(*arguments, cwd=tmp_path, PYTHONPATH=path, **environment)

    return ask


LINE = (
    "command 'count' is registered by gb-one and gb-two: disable one with GANBENCH_DISABLE_PLUGINS=gb-one or "
    "GANBENCH_DISABLE_PLUGINS=gb-two"
)


def test_a_command_of_two_packages_is_an_error_when_used(ask: Ask) -> None:
    answer = ask("count", "--runs", "here")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.splitlines()[-1] == f"ganbench: {LINE}"
    assert ask("alone").stdout == "of gb_one\n"
    assert ask("count", GANBENCH_DISABLE_PLUGINS="gb-one").stdout == "of gb_two\n"
    assert "count        Registered by gb-one and gb-two." in ask("--help").stdout


def test_the_list_of_plugins_names_commands_and_hooks(ask: Ask) -> None:
    listed = ask("plugins", "list")
    lines = {line.split()[1]: line for line in listed.stdout.splitlines()}
    assert lines["gb-one"].startswith("conflict ")
    assert "3 commands (alone, count, run), 1 hook (trial_started); " in lines["gb-one"]
    assert f"{LINE}; command 'run' is built in and cannot be replaced" in lines["gb-one"]
    assert LINE in lines["gb-two"]
    assert lines["gb-fails"].startswith("broken ")
    assert "gb-fails failed in register_commands: RuntimeError: no" in lines["gb-fails"]
    assert listed.returncode == 1
    answer = json.loads(ask("plugins", "list", "--json").stdout)
    rows = {row["distribution"]: row for row in answer["plugins"]}
    assert (rows["gb-one"]["commands"], rows["gb-one"]["hooks"]) == (["alone", "count", "run"], ["trial_started"])
    assert [rows[name]["status"] for name in ("gb-one", "gb-two", "gb-fails")] == ["conflict", "conflict", "broken"]
    assert rows["gb-two"]["reason"] == LINE
    assert answer["conflicts"] == [
        {"kind": "command", "name": "count", "packages": ["gb-one", "gb-two"], "use": []},
        {"kind": "command", "name": "run", "packages": ["ganbench", "gb-one"], "use": []},
    ]
