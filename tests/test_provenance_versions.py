"""What trials' numbers depend on besides their names, and that nothing which a trial runs is left out."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.cli.run import other_versions
from ganbench.provenance import sources, versions
from tests.rows import make_row
from tests.trials import make_spec

PACKAGE = Path(versions.__file__).parents[1]


def test_own_code_holds_all_that_a_trial_imports() -> None:
    """Apart from components, whose code is in the trial's name, and the package's own lazy names."""
    waiting, found = ["ganbench.trial"], dict[str, Path]()
    while waiting:
        name = waiting.pop()
        if name in found or not name.startswith("ganbench.") or (file := sources._file(name)) is None:
            continue
        found[name] = Path(file)
        waiting += sources._imported(name, file, Path(file).stat().st_mtime_ns)
    assert {"ganbench.training.loop", "ganbench.evaluation.evaluator", "ganbench.api.objectives"} <= found.keys()
    assert set(found.values()) - set(versions.own_files()) == set()


def test_a_component_is_no_part_of_it() -> None:
    covered = {file.relative_to(PACKAGE).as_posix() for file in versions.own_files()}
    assert "training/loop.py" in covered
    assert not {"losses/hinge.py", "metrics/fid.py", "cli/run.py", "testing/kit.py"} & covered
    # What only the host runs may change without another trial beside the earlier ones being called mixed.
    host = {
        "cli",
        "display",
        "executors",
        "leaderboard",
        "planning",
        "report",
        "running",
        "statistics",
        "store",
        "tables",
    }
    assert not host & {name.partition("/")[0] for name in covered}


@pytest.mark.parametrize(("name", "other"), [("training/loop.py", True), ("losses/vanilla.py", False)])
def test_another_training_is_another_key(tmp_path: Path, name: str, other: bool) -> None:
    """In a copy of the package, run in a process of its own."""
    copy = tmp_path / "ganbench"
    for file in PACKAGE.rglob("*.py"):
        place = copy / file.relative_to(PACKAGE)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())

    def key() -> str:
        code = "from ganbench.provenance.versions import key; print(key())"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, check=True,
            capture_output=True, text=True,
        ).stdout  # fmt: skip

    before = key()
    assert before == versions.key() + "\n"
    with (copy / name).open("a") as source:
        source.write("# changed\n")
    assert (key() != before) is other


def test_the_key_names_the_packages_and_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "version", lambda package: {"torch": "2.9.1+cpu"}.get(package, "1.0"))
    answer = CliRunner().invoke(cli, ["runs", "key"], standalone_mode=False, catch_exceptions=False)
    (word,) = answer.stdout.split()
    assert word == f"ganbench-1.0-ganbench-code-{versions.own_code()}-torch-2.9.1+cpu-torch-fidelity-1.0-numpy-1.0"


def test_trials_done_with_something_else_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    here = versions.versions()
    same = make_row(make_spec(seed=0), versions=here)
    other = make_row(make_spec(seed=1), versions=here | {"torch": "2.5.1", "scipy": "0.1"})
    old = make_row(make_spec(seed=2), versions={"torch": "2.5.1"})  # nobody wrote down more
    failed = make_row(make_spec(seed=3), "failed", versions={"torch": "1.0"})
    assert other_versions([same, failed, make_row(make_spec(seed=4))]) == ""
    assert other_versions([other], "--runs").endswith(", choose another folder with --runs")
    told = other_versions([same, other, old, failed])
    assert told.startswith(f"2 of 4 trials were done before, with torch 2.5.1 (here {here['torch']}); ")
    assert "scipy" not in told
