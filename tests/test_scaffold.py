"""New packages: written for every kind, installed, and held by their own tests as they were written."""

import io
import keyword
import os
import re
import runpy
import subprocess
import sys
import tokenize
from importlib.metadata import version
from pathlib import Path
from typing import get_args
from unittest.mock import Mock

import pytest
from packaging.version import Version

from ganbench import scaffold, trackers
from ganbench.api import Need
from ganbench.errors import StoreError, UsageError
from ganbench.executors import Job, JobState, Settings
from ganbench.registry import KINDS

WRITTEN = (*KINDS, *scaffold.VARIANTS)


def test_names() -> None:
    for name in ("margin-gan", "ganbench-margin-gan"):
        assert scaffold.bare(name) == "margin-gan"
        assert scaffold.distribution(name) == "ganbench-margin-gan"
        assert scaffold.module(name) == "ganbench_margin_gan"
        assert scaffold.class_name(name) == "MarginGan"


@pytest.mark.parametrize("name", ["", "Margin", "margin gan", "../x", "margin_gan", "1gan", "-x", "x-"])
def test_a_name_that_cannot_be_one_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lower-case letters"):
        scaffold.write(name, "loss", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["class", "none", "true"])
def test_a_word_of_pythons_own_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=f"'{name}' is a reserved word of Python"):
        scaffold.write(name, "loss", tmp_path)


def spelled(identifier: str) -> str:
    """The name of a component whose class would be called so, such as data-error of DataError."""
    return "-".join(re.findall("[A-Z][a-z0-9]*", identifier)).lower()


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_name_that_would_hide_one_of_the_modules_own_is_refused(kind: str, tmp_path: Path) -> None:
    folder = scaffold.write("margin-gan", kind, tmp_path)
    used: set[str] = set()
    for path in folder.rglob("*.py"):
        before = ""
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline):
            is_name = token.type == tokenize.NAME and before != "." and not keyword.iskeyword(token.string)
            if is_name and scaffold.class_name(spelled(token.string)) == token.string:
                used.add(token.string)
            before = token.string
    assert used >= {"Conformance", "MarginGan", "TestMarginGan"}
    for identifier in used - {"MarginGan", "TestMarginGan"}:
        with pytest.raises(UsageError, match=f"would name its class {identifier}, which .* already uses"):
            scaffold.write(spelled(identifier), kind, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("mixture", "dataset"), ("data-error", "dataset"), ("networks", "architecture"), ("job-state", "executor")],
)
def test_a_name_that_only_another_kinds_modules_use_is_free(name: str, kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"{kind}.py already uses; choose another name"):
        scaffold.write(name, kind, tmp_path)
    assert scaffold.write(name, "tracker", tmp_path).is_dir()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "ganbench-x").mkdir()
    with pytest.raises(UsageError, match="already exists"):
        scaffold.write("x", "loss", tmp_path)
    assert list((tmp_path / "ganbench-x").iterdir()) == []


def test_a_folder_that_appears_meanwhile_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ganbench-x"
    folder.mkdir()
    (folder / "mine").touch()
    monkeypatch.setattr(Path, "exists", lambda self: False)
    with pytest.raises(StoreError, match="cannot write"):
        scaffold.write("x", "loss", tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["ganbench-x", "mine"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose another folder with --out"):
        scaffold.write("x", "loss", tmp_path / "file")


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_file_is_filled_in(kind: str, tmp_path: Path) -> None:
    folder = scaffold.write("margin-gan", kind, tmp_path, author="A. Person")
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert set(files) == {
        ".github/workflows/tests.yml",
        ".gitignore",
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "ganbench_margin_gan/__init__.py",
        f"ganbench_margin_gan/{scaffold.kind_of(kind)}.py",
        "ganbench_margin_gan/py.typed",
        f"tests/test_{kind.replace('-', '_')}.py",
    }
    assert "A. Person" in files["LICENSE"]
    for path, text in files.items():
        assert "$" not in text.replace("${{ matrix.python }}", "").replace('"$GANBENCH"', ""), path
        if path.endswith(".py"):
            compile(text, path, "exec")
            assert all(len(line) <= 120 for line in text.splitlines())


def test_the_new_metric_says_all_that_it_could_need(tmp_path: Path) -> None:
    folder = scaffold.write("margin-gan", "metric", tmp_path)
    written = (folder / "ganbench_margin_gan" / "metric.py").read_text()
    (line,) = (line for line in written.splitlines() if line.strip().startswith("# What it uses"))
    assert set(get_args(Need)) <= set(re.findall(r"\w+", line))


def test_the_new_executor_forgets_the_end_of_a_job_that_is_submitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = scaffold.write("margin-gan", "executor", tmp_path)
    content = runpy.run_path(str(folder / "ganbench_margin_gan" / "executor.py"))
    process = Mock(returncode=1)
    monkeypatch.setattr(subprocess, "Popen", Mock(return_value=process))
    executor = content["MarginGan"](Settings(slots=1, timeout=None, server=Mock()))
    job = Job("one", tmp_path)
    executor.submit([job])
    assert executor.states() == {"one": JobState.ENDED}
    assert executor.why("one") == "exit code 1"
    process.wait.side_effect = subprocess.TimeoutExpired("one", 0.0)
    executor.submit([job])
    assert executor.states() == {"one": JobState.RUNNING}
    assert executor.why("one") == ""


def test_the_new_tracker_takes_the_home_folder_by_its_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = scaffold.write("margin-gan", "tracker", tmp_path)
    tracker = runpy.run_path(str(folder / "ganbench_margin_gan" / "tracker.py"))["MarginGan"]
    settings = trackers.Settings(out=tmp_path / "runs")
    assert tracker(settings, file="~/ends.jsonl").path == tmp_path / "home" / "ends.jsonl"
    assert tracker(settings).path == tmp_path / "runs" / "margin-gan.jsonl"


@pytest.mark.slow
@pytest.mark.skipif(
    Version(version("setuptools")) < Version("77"),
    reason="setuptools 77 is needed to build packages without a download; tox installs it",
)
def test_packages_of_every_kind_install_and_pass_their_own_tests(tmp_path: Path) -> None:
    """All kinds at once, in a folder of their own instead of this environment."""
    folders = [str(scaffold.write(f"trial-{kind}", kind, tmp_path / "new")) for kind in WRITTEN]
    module = tmp_path / "new" / "ganbench-trial-loss" / "ganbench_trial_loss"
    for file in ("parts/__init__.py", "parts/weights.bin", "tables/values.csv"):
        (module / file).parent.mkdir(exist_ok=True)
        (module / file).touch()
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    installed = subprocess.run([*pip, *folders], capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    files = [path for path in (site / "ganbench_trial_loss").rglob("*") if path.suffix != ".pyc" and path.is_file()]
    assert {str(path.relative_to(site / "ganbench_trial_loss")) for path in files} == {
        "__init__.py",
        "loss.py",
        "py.typed",
        "parts/__init__.py",
        "parts/weights.bin",
        "tables/values.csv",
    }
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir"]
    tests = subprocess.run(
        [*command, str(tmp_path), *folders], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
    )
    assert tests.returncode == 0, tests.stdout[-4000:] + tests.stderr[-2000:]
    assert " failed" not in tests.stdout
    listed = subprocess.run(
        [sys.executable, "-m", "ganbench", "plugins", "list"],
        capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
    )  # fmt: skip
    assert listed.returncode == 0, listed.stdout
    working = [line for line in listed.stdout.splitlines() if line.startswith("ok") and "ganbench-trial-" in line]
    assert len(working) == len(WRITTEN)


@pytest.mark.slow
def test_packages_of_every_kind_are_typed_strictly(tmp_path: Path) -> None:
    """All kinds at once, against ganbench's own types, tests included."""
    pytest.importorskip("mypy")
    for kind in WRITTEN:
        scaffold.write(f"trial-{kind}", kind, tmp_path)
    files = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.py")]
    assert len(files) == 3 * len(WRITTEN)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    path = os.pathsep.join(str(folder) for folder in tmp_path.glob("ganbench-*"))
    found = subprocess.run(
        [*command, "--explicit-package-bases", *files],
        capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"MYPYPATH": path}, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("kind", WRITTEN)
def test_a_new_package_is_as_ruff_wants_it(kind: str, tmp_path: Path) -> None:
    """In its own folder, where ganbench is a package of others."""
    pytest.importorskip("ruff", reason="ruff lints and formats; pip install ruff")
    for name in ("x2", f"my-2d-{kind}"):
        folder = scaffold.write(name, kind, tmp_path)
        for command in (["check", "--extend-select", "I"], ["format", "--check"]):
            found = subprocess.run(
                [sys.executable, "-m", "ruff", *command, "--no-cache", "."],
                cwd=folder, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert found.returncode == 0, found.stdout + found.stderr
