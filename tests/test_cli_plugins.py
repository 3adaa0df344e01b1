"""``ganbench plugins``: several bad plugins at once are told apart, packages are checked, installed and removed."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench import scaffold
from ganbench.cli.plugins import new
from ganbench.cli.values import Choice
from ganbench.errors import UsageError
from ganbench.plugins import Plugin, Plugins, installer
from ganbench.registry import KINDS, Registry
from tests.distribution import write_distribution
from tests.fuzz.inputs import run_command

REGISTER = """
from ganbench import hookimpl

@hookimpl
def register_losses({argument}):
    register("{name}", "{module}_loss:Loss", summary="A loss")
"""
LOSS = """
from torch.nn.functional import softplus
from ganbench import api

class Loss(api.Loss):
    "Non-saturating."
    formula = ("softplus(-r) + softplus(f)", "softplus(-f)")

    def discriminator(self, real, fake):
        return {discriminator}

    def generator(self, fake, real):
        return softplus(-fake).mean()
"""
RIGHT = "softplus(-real).mean() + softplus(fake).mean()"

Install = Callable[..., None]
Ganbench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Install a distribution with a registration module and a loss into a folder that ``ganbench`` looks into."""

    def install(
        distribution: str, name: str, *, argument: str = "register", before: str = "", discriminator: str = RIGHT
    ) -> None:
        module = distribution.replace("-", "_")
        source = before + REGISTER.format(argument=argument, name=name, module=module)
        loss = LOSS.format(discriminator=discriminator)
        write_distribution(tmp_path, distribution, {module: source, f"{module}_loss": loss})

    return install


@pytest.fixture
def ganbench(tmp_path: Path) -> Ganbench:
    def ganbench(*arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
        environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        return subprocess.run(
            [sys.executable, "-m", "ganbench", *arguments],
            capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=300, check=False,
        )  # fmt: skip

    return ganbench


def test_of_five_plugins_three_bad_ones_are_told_apart_and_the_rest_works(
    install: Install, ganbench: Ganbench, tmp_path: Path
) -> None:
    install("ganbench-a", "a-loss")
    install("ganbench-b", "b-loss")
    install("ganbench-missing", "missing-loss", before="import never_there\n")
    install("ganbench-taker", "hinge")
    install("ganbench-signature", "signature-loss", argument="registrar")
    listed = ganbench("plugins", "list")
    assert listed.returncode == 1
    for name, reason in (
        ("a-loss", "there is already a loss 'a-loss', which comes with ganbench-a"),
        ("missing", "the package ganbench-missing is already installed"),
    ):
        refused = ganbench("plugins", "new", name)
        assert refused.returncode == 2
        assert reason in refused.stderr
    lines = {line.split()[1]: line for line in listed.stdout.splitlines() if " ganbench-" in line}
    assert lines["ganbench-a"].startswith("ok ")
    assert lines["ganbench-b"].startswith("ok ")
    assert lines["ganbench-missing"].startswith("broken ")
    assert "cannot be imported: ModuleNotFoundError: No module named 'never_there'" in lines["ganbench-missing"]
    assert lines["ganbench-taker"].startswith("conflict ")
    assert "loss 'hinge' is taken by ganbench: write 'ganbench-taker:hinge'" in lines["ganbench-taker"]
    assert lines["ganbench-signature"].startswith("broken ")
    assert "has a wrong signature" in lines["ganbench-signature"]
    assert "has a wrong signature: register_losses(registrar): Argument(s) {'registrar'}" in lines["ganbench-signature"]
    quick = ["--arch", "mlp[hidden=8,layers=1]", "--dataset", "ring", "--steps", "2", "--batch-size", "8"]
    losses = "a-loss,b-loss,hinge,ganbench-taker:hinge"
    ran = ganbench("run", "--losses", losses, *quick, "--num-samples", "100", "--device", "cpu", "--format", "json")
    assert ran.returncode == 0, ran.stderr
    assert len(list((tmp_path / "runs").glob("*/result.json"))) == 4


def test_what_a_package_says_of_itself_rings_no_bell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    points = "[ganbench]\nmain\x1b[2J\x07 = ganbench_mover\n"
    write_distribution(
        tmp_path, "ganbench-mover", {"ganbench_mover": "raise ValueError('a\\x1b[1A\\x07b')"}, points=points
    )
    code, output, _ = run_command(["plugins", "list"], tmp_path)
    (line,) = (line for line in output.splitlines() if "ganbench-mover" in line)
    assert (code, line.split()[1:4]) == (1, ["ganbench-mover", "1.0", "main"])
    assert line.endswith("cannot be imported: ValueError: ab")


def test_a_package_is_checked(install: Install, ganbench: Ganbench) -> None:
    install("ganbench-right", "right-loss")
    install("ganbench-sum", "sum-loss", discriminator="softplus(-real).sum() + softplus(fake).sum()")
    right = ganbench("plugins", "check", "ganbench-right", "--json")
    assert right.returncode == 0, right.stdout
    report = json.loads(right.stdout)
    assert report["failed"] == 0
    assert report["ok"] > 10
    assert [component["name"] for component in report["components"]] == ["ganbench-right", "right-loss"]
    one = ganbench("plugins", "check", "ganbench-right", "--only", "loss/right-loss", "--json")
    assert [component["kind"] for component in json.loads(one.stdout)["components"]] == ["package", "loss"]
    wrong = ganbench("plugins", "check", "Ganbench_Sum", "--quiet")
    assert wrong.returncode == 1
    assert "is summed over the batch" in " ".join(wrong.stdout.split())
    assert "loss sum-loss" in wrong.stdout


def test_a_package_whose_module_imports_torch_is_told_so(install: Install, ganbench: Ganbench) -> None:
    install("ganbench-heavy", "heavy-loss", before="import torch\n")
    answer = ganbench("plugins", "check", "ganbench-heavy", "--quiet")
    assert answer.returncode == 1
    assert "ganbench_heavy imports torch, so every command" in " ".join(answer.stdout.split())


def test_a_package_whose_import_changes_torchs_settings_is_told_so(
    install: Install, ganbench: Ganbench, tmp_path: Path
) -> None:
    install("ganbench-fast", "fast-loss")
    loss = tmp_path / "ganbench_fast_loss.py"
    loss.write_text(f"{loss.read_text()}\nimport torch\ntorch.backends.cudnn.benchmark = True\ntorch.manual_seed(1)\n")
    answer = ganbench("plugins", "check", "ganbench-fast", "--json")
    assert answer.returncode == 1
    report = json.loads(answer.stdout)
    assert report["failed"] == 1, "what is imported before a component is built is seen by no other check"
    (flaw,) = (one for one in report["components"][0]["checks"] if one["status"] == "failed")
    assert flaw["message"].startswith(
        "importing ganbench_fast_loss calls torch.backends.cudnn.benchmark and torch.manual_seed: whatever runs"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "ganbench-nowhere"], "no installed plugin comes from a package 'ganbench-nowhere'"),
        (["new", "Bad Name"], "must be words of lower-case letters"),
        (["new", "x", "--kind", "losss"], "losss"),
        (["new", "hinge"], "there is already a loss 'hinge', which is built in; choose another name"),
        (["new", "ganbench-digits", "--kind", "dataset"], "there is already a dataset 'digits'"),
        (["install", "--editable", "nowhere"], "there is no such folder"),
        (["uninstall", "torch"], "no installed plugin comes from a package 'torch'"),
        (["uninstall", "ganbench"], "ganbench itself is not a plugin"),
    ],
)
def test_bad_input_is_one_line(ganbench: Ganbench, arguments: list[str], words: str) -> None:
    answer = ganbench("plugins", *arguments)
    assert answer.returncode == 2
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert answer.stdout == ""


@pytest.mark.parametrize(
    ("config", "uv", "pip", "expected"),
    [
        ("home = /usr\nuv = 0.5.1\n", True, True, ["/bin/uv", "pip"]),
        ("home = /usr\nuv = 0.5.1\n", False, True, [sys.executable, "-m", "pip"]),
        ("home = /usr\n", True, True, [sys.executable, "-m", "pip"]),
        ("home = /usr\n", True, False, ["/bin/uv", "pip"]),
        (None, False, True, [sys.executable, "-m", "pip"]),
    ],
)
def test_the_tool_is_the_one_that_manages_the_environment(
    config: str | None, uv: bool, pip: bool, expected: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if config is not None:
        (tmp_path / "pyvenv.cfg").write_text(config)
    monkeypatch.setattr("shutil.which", lambda name: "/bin/uv" if uv else None)
    monkeypatch.setattr(installer, "find_spec", lambda name: object() if pip else None)
    assert installer.tool(tmp_path) == expected


def test_without_pip_and_uv_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(installer, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="has no pip, and there is no uv"):
        installer.tool(tmp_path)


def test_pip_is_called_with_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[list[str]] = []
    listings = iter([[], [{"distribution": "ganbench-x", "name": "x", "version": "1", "status": "ok"}]])

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(installer, "_plugins", lambda: next(listings))
    monkeypatch.setattr(installer, "tool", lambda: [sys.executable, "-m", "pip"])
    monkeypatch.setattr(subprocess, "run", run)
    (changed,) = installer.install([str(tmp_path)], options=["--no-deps"], editable=True)
    assert changed["distribution"] == "ganbench-x"
    assert calls == [[sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--editable", str(tmp_path)]]


def test_a_folder_here_is_not_asked_for_from_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip takes a word without a separator for a name, and would install whatever an index has under it."""
    calls: list[str] = []
    monkeypatch.chdir(tmp_path)
    for name in ("ganbench-x", "ganbench-y"):
        Path(name).mkdir()
    Path("ganbench-x", "pyproject.toml").write_text("[project]")
    monkeypatch.setattr(installer, "_plugins", list)
    monkeypatch.setattr(installer, "_call", lambda action, arguments: calls.extend(arguments))
    installer.install(["ganbench-x", "ganbench-y", "ganbench-x==1", "./ganbench-x"])
    assert calls == [str(tmp_path / "ganbench-x"), "ganbench-y", "ganbench-x==1", str(tmp_path / "ganbench-x")]


@pytest.mark.parametrize(
    ("tool", "options"),
    [([sys.executable, "-m", "pip"], ["--yes"]), (["/bin/uv", "pip"], ["--python", sys.executable])],
)
def test_what_is_removed_is_removed_from_this_environment_and_nobody_is_asked(
    tool: list[str], options: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        return subprocess.CompletedProcess(command, 0)

    there = Plugins([Plugin("ganbench-x", "x", "x", "1")], Registry())
    monkeypatch.setattr("ganbench.plugins.load", lambda: there)
    monkeypatch.setattr(installer, "tool", lambda: tool)
    monkeypatch.setattr(subprocess, "run", run)
    assert installer.uninstall(["Ganbench_X"]) == ["ganbench-x"]
    assert calls == [[*tool, "uninstall", "--quiet", *options, "ganbench-x"]]


def test_what_to_do_next_can_be_copied_whatever_the_folder_is_called(tmp_path: Path) -> None:
    code, output, _ = run_command(["plugins", "new", "margin-gan", "--out", "my plugins"], tmp_path)
    assert code == 0
    commands = [shlex.split(line) for line in output.splitlines()[2:]]
    folder = "my plugins/ganbench-margin-gan"
    assert commands[:2] == [["ganbench", "plugins", "install", "--editable", folder], ["pytest", folder]]


def test_a_package_can_be_written_for_every_kind_and_variant() -> None:
    (kinds,) = (parameter.type for parameter in new.params if parameter.name == "written")
    assert isinstance(kinds, Choice)
    assert tuple(kinds.choices) == (*KINDS, *scaffold.VARIANTS)
