"""The command line as a user meets it: in a process of its own, judged by exit code, stdout and stderr."""

import errno
import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ganbench.cli import cli
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import Handed
from tests.commands import QUICK, ganbench
from tests.fuzz.inputs import run_command


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A small grid, run once for the tests that look at it."""
    folder = tmp_path_factory.mktemp("cli")
    return folder, ganbench("run", "--losses", "vanilla,hinge", "--baselines", *QUICK, cwd=folder)


def test_a_run_prints_the_table_alone_on_stdout(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, run = trained
    assert run.returncode == 0, run.stderr
    for word in ("vanilla", "hinge", "(real data)", "(untrained)", "FID", "torch-fidelity", "samples:"):
        assert word in run.stdout
    assert "started" not in run.stdout
    assert "started: vanilla" in run.stderr


@pytest.mark.parametrize("group", [[], ["runs"], ["plugins"], ["leaderboard"]])
def test_a_group_without_a_command_prints_its_help(group: list[str], tmp_path: Path) -> None:
    code, output, messages = run_command(group, tmp_path)
    assert (code, output) == (2, "")
    assert len(messages.splitlines()) > 5
    assert messages.startswith("Usage: ganbench")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--timeout", "nan"], "must be a finite number of seconds"),
        (["--checkpoint-seconds", "inf"], "must be a finite number of seconds"),
        (["--set", "n_critic=2,n_critic=3"], "--set gives 'n_critic' twice"),
        (["--steps", "5", "--set", "steps=7"], "steps is set twice, with --steps and with --set"),
        (["--executor", "local", "--executor-options", "a=1"], "executor 'local' has no option 'a'"),
        (["--losses", "WGAN-GP"], "did you mean 'wgan-gp'?"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: list[str], message: str, tmp_path: Path) -> None:
    losses = [] if "--losses" in options else ["--losses", "vanilla"]
    code, output, messages = run_command(["run", "--arch", "dcgan", *losses, *options], tmp_path)
    assert (code, output) == (2, "")
    assert message in messages
    assert not (tmp_path / "runs").exists()


def test_the_second_run_trains_nothing_and_prints_the_same(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, first = trained
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")}
    second = ganbench("run", "--losses", "vanilla,hinge", "--baselines", *QUICK, cwd=folder)
    assert second.returncode == 0
    assert second.stdout == first.stdout
    assert {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/*")} == before


def test_every_trial_leaves_its_files(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = trained
    (trial,) = folder.glob("runs/vanilla-*")
    names = {path.name for path in trial.iterdir()}
    wanted = {"spec.json", "status.json", "progress.jsonl", "metrics.jsonl", "result.json", "generator.safetensors"}
    assert wanted | {"samples.png", "worker.log"} <= names
    assert not any(name.startswith("checkpoint") or name.endswith(".tmp") for name in names)
    result = json.loads((trial / "result.json").read_text())
    assert result["status"] == "done"
    assert result["metrics"]["fid"] > 0
    assert result["protocol"]["num_samples"] == 898
    assert result["cost"]["real_images"] == 64


def test_results_in_every_form(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = trained
    for form in ("table", "markdown", "csv", "json", "latex"):
        answer = ganbench("results", "runs", "--format", form, cwd=folder)
        assert answer.returncode == 0, answer.stderr
        assert "vanilla" in answer.stdout
    assert json.loads(ganbench("results", "runs", "--format", "json", cwd=folder).stdout)


def test_sample_draws_a_grid(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    folder, _ = trained
    (trial,) = folder.glob("runs/hinge-*")
    answer = ganbench("sample", str(trial), "--n", "9", "--out", "grid.png", cwd=folder)
    assert answer.returncode == 0, answer.stderr
    assert (folder / "grid.png").read_bytes().startswith(b"\x89PNG")


def test_dry_run_trains_nothing(tmp_path: Path) -> None:
    answer = ganbench("run", "--losses", "vanilla,wgan-gp", "--dry-run", *QUICK, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "2 trials, 0 done already" in answer.stdout
    assert "n_critic=5" in answer.stdout
    assert not (tmp_path / "runs").exists()


def test_a_dry_run_is_json_where_json_is_asked_for(tmp_path: Path) -> None:
    answer = ganbench("run", "--losses", "vanilla,wgan-gp", "--dry-run", "--format", "json", *QUICK, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert [(trial["loss"], trial["status"]) for trial in found["trials"]] == [("vanilla", None), ("wgan-gp", None)]
    assert found["trials"][1]["recipe"]["n_critic"] == 5
    assert found["trials"][0]["trial_id"].startswith("vanilla-")
    assert not (tmp_path / "runs").exists()


def test_a_diverged_trial_is_a_row_and_exit_code_1(tmp_path: Path) -> None:
    run = ["run", "--losses", "vanilla,lsgan", *QUICK, "--set", "divergence_limit=1.2"]
    answer = ganbench(*run, cwd=tmp_path)
    assert answer.returncode == 1
    assert "diverged" in answer.stdout
    assert "at step" in answer.stdout
    assert "lsgan" in answer.stdout

    dry = ganbench(*run, "--dry-run", cwd=tmp_path)
    assert "diverged  vanilla" in dry.stdout
    assert "2 trials, 2 done already" in dry.stdout
    planned = json.loads(ganbench(*run, "--dry-run", "--format", "json", cwd=tmp_path).stdout)
    assert [trial["status"] for trial in planned["trials"]] == ["diverged", "done"]
    retried = ganbench(*run, "--dry-run", "--retry", cwd=tmp_path)
    assert "to run    vanilla" in retried.stdout
    assert "2 trials, 1 done already" in retried.stdout

    folder = next(TrialFolder(path) for path in (tmp_path / "runs").glob("vanilla-*"))
    Handed("slurm", "1124-230000-abcdef", 3, 1, time.time()).write(folder.path)
    folder.write_status("pending")
    refused = ganbench(*run, "--dry-run", cwd=tmp_path)
    assert refused.returncode == 2
    assert "was left to slurm by an earlier run" in refused.stderr


def test_a_trial_that_hangs_is_ended_by_the_timeout(tmp_path: Path) -> None:
    arguments = [
        "run",
        "--losses",
        "vanilla",
        "--arch",
        "mlp",
        "--steps",
        "100000",
        "--timeout",
        "8",
        "--device",
        "cpu",
    ]
    answer = ganbench(*arguments, cwd=tmp_path)
    assert answer.returncode == 1
    assert "timeout" in answer.stdout


def commands(group: click.Group, path: str = "ganbench") -> Iterator[tuple[str, click.Command]]:
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def test_each_command_shows_examples_whose_options_exist() -> None:
    context = click.Context(cli)
    for path, command in commands(cli):
        lines = [line.strip() for line in str(command.help).splitlines()]
        examples = [line[line.index("ganbench ") :] for line in lines if re.match(r"([A-Z_]+=\S+ )?ganbench \w", line)]
        assert any(example.startswith(path) for example in examples), path
        for example in examples:
            words = shlex.split(re.split(r" && | > ", example)[0])[1:]
            called: click.Command = cli
            while isinstance(called, click.Group):
                called = called.get_command(context, words.pop(0)) or pytest.fail(example)
            called.make_context(example, words)


def test_help_has_no_markup_that_only_documents_show() -> None:
    marked = [path for path, command in commands(cli) if "`" in command.get_help(click.Context(command))]
    assert not marked


@pytest.mark.parametrize("argument", ["\ud800", "a\0b", "a" * 500, f"{'b' * 300}/c"])
@pytest.mark.parametrize("command", ["status", "eval", "results"])
def test_names_that_no_file_can_have_are_one_line(command: str, argument: str, tmp_path: Path) -> None:
    code, _, message = run_command([command, argument], tmp_path)
    assert code == 2
    assert message.startswith("ganbench: ")
    assert "unexpected" not in message
    assert len(message.splitlines()) == 1


def test_a_place_that_cannot_be_used_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "exists", fail)
    code, output, message = run_command(["results", "locked/runs"], tmp_path)
    assert (code, output) == (2, "")
    assert message == "ganbench: cannot use locked/runs: Permission denied\n"


def test_a_file_that_ends_early_is_no_end_of_what_is_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which click takes it for: the command would end as after Ctrl-C, and say nothing."""

    def fail(path: Path) -> bool:
        raise EOFError("No data left in file")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", fail)
        code, output, message = run_command(["results", "runs"], tmp_path)
    assert (code, output) == (2, "")
    assert message == (
        "ganbench: unexpected EOFError: No data left in file; run again with --debug for the traceback\n"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runs", "show", "~nobody-has-this-name"], "there is no trial '~nobody-has-this-name'"),
        (["eval", "x.zip", "--against", "~nobody-has-this-name"], "is not a dataset, a file or a folder"),
    ],
)
def test_the_home_of_nobody_is_a_name_like_any_other(words: list[str], message: str, tmp_path: Path) -> None:
    code, output, messages = run_command(words, tmp_path)
    assert (code, output) == (2, "")
    assert message in messages


@pytest.mark.skipif(sys.platform != "linux", reason="removes the current folder, which not all systems let one do")
@pytest.mark.parametrize("words", ["list", "results runs", "show hinge"])
def test_a_current_folder_that_was_removed_is_one_line(words: str, tmp_path: Path) -> None:
    line = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m ganbench {words}"
    around = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    answer = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=around, capture_output=True, text=True, timeout=300)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == "ganbench: the current folder has been removed; change to another one\n"
