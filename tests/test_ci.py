"""The workflows and the action: well-formed, no foreign text in scripts, and the gate's script run for real."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ganbench.leaderboard.build import assemble, check, write
from ganbench.planning import suite
from tests.rows import HIGH, LOW
from tests.trials import component, trial

yaml = pytest.importorskip("yaml", reason="PyYAML reads the workflows; pip install pyyaml")

REPOSITORY = Path(__file__).parents[1]
FILES = sorted((REPOSITORY / ".github").rglob("*.yml"))
TESTS = REPOSITORY / ".github" / "workflows" / "tests.yml"
ACTION = REPOSITORY / ".github" / "actions" / "ganbench" / "action.yml"


def load(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return content


def steps(path: Path) -> Iterator[dict[str, Any]]:
    content = load(path)
    if "runs" in content:
        yield from content["runs"]["steps"]
    for job in content.get("jobs", {}).values():
        yield from job["steps"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_scripts_are_shell_and_hold_no_expressions(path: Path) -> None:
    """An expression in a script is how a branch's name becomes a command."""
    assert list(steps(path))
    for step in steps(path):
        script = step.get("run", "")
        assert "${{" not in script, step
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_foreign_code_has_no_rights(path: Path) -> None:
    content = load(path)
    if path == ACTION:
        return
    triggers = content[True]  # YAML reads "on" as true
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout"):
            assert step["with"]["persist-credentials"] is False, "its token would lie where foreign code can read it"
    assert "pull_request_target" not in triggers
    assert content["permissions"].get("contents") == "read"
    if "pull_request" in triggers:
        assert "write" not in content["permissions"].values()
        for job in content["jobs"].values():
            assert "write" not in job.get("permissions", {}).values() or "event_name == 'push'" in job["if"]
    if "workflow_run" in triggers:
        for step in steps(path):
            assert "ref" not in step.get("with", {}), "the default branch's code, not the pull request's"


def test_every_input_of_the_action_is_used_and_known() -> None:
    text = ACTION.read_text("utf-8")
    named = set(re.findall(r"inputs\.([a-z-]+)", text))
    assert named == set(load(ACTION)["inputs"])
    for path in FILES:
        for step in steps(path):
            if step.get("uses") == "./.github/actions/ganbench":
                assert set(step["with"]) <= named


def test_trials_of_other_code_are_no_trials_of_the_cache() -> None:
    """Neither in GitHub's cache, whose keys are prefixes, nor in GitLab's, which is one folder."""
    (restored,) = [step["with"] for step in steps(ACTION) if step.get("id") == "cache"]
    (named,) = [step["run"] for step in steps(ACTION) if step.get("id") == "key"]
    assert "ganbench runs key" in named
    keys = [restored["key"], *restored["restore-keys"].split("\n")]
    prefix = "ganbench-${{ runner.os }}-${{ runner.arch }}-${{ steps.key.outputs.key }}-"
    assert [key.startswith(prefix) for key in filter(None, keys)] == [True] * 3
    script = "\n".join(load(REPOSITORY / "docs" / "gitlab-ci.yml")["train"]["script"])
    assert "key=$(ganbench runs key)" in script
    assert '--runs ".ganbench/runs/$key"' in script


def test_the_oldest_packages_stay_as_they_are_beside_those_of_the_tests(tmp_path: Path) -> None:
    """What comes after them is held to the versions that are there, or it would bring newer ones unseen."""
    scripts = [step["run"] for step in load(TESTS)["jobs"]["lowest"]["steps"] if "uv pip" in step.get("run", "")]
    (tmp_path / "bin").mkdir()
    uv = tmp_path / "bin" / "uv"
    uv.write_text('#!/bin/sh\necho "$@" >> called\n[ "$2" != freeze ] || echo markupsafe==2.0.0\n')
    uv.chmod(0o755)
    environment = {"PATH": f"{uv.parent}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path)}
    subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(scripts)], cwd=tmp_path, env=os.environ | environment, check=True
    )
    calls = (tmp_path / "called").read_text().splitlines()
    oldest, *others = [call for call in calls if call.startswith("pip install")]
    assert "--resolution lowest-direct" in oldest
    assert others
    for call in others:
        (held,) = re.findall(r"--constraint (\S+)", call)
        assert Path(held).read_text() == "markupsafe==2.0.0\n"


@pytest.mark.parametrize("path", sorted((REPOSITORY / "leaderboards").glob("*.toml")), ids=lambda path: path.name)
def test_suites_can_be_read_and_name_their_own_command(path: Path) -> None:
    found, text = suite.load(path), path.read_text("utf-8")
    assert found.losses
    assert int(found.seeds or "0") >= 5
    # A published table is trained anew by a command of its own.
    published = "[published]" in text
    assert (
        f"ganbench reproduce {path.stem}" if published else f"ganbench leaderboard make leaderboards/{path.name}"
    ) in text


@pytest.mark.parametrize("path", sorted((REPOSITORY / "leaderboards").glob("*.json")), ids=lambda path: path.name)
def test_committed_leaderboards_are_what_their_results_give(path: Path) -> None:
    assert check(path) == []


@pytest.mark.parametrize(
    ("values", "inconclusive", "verdict", "code"),
    [
        (LOW, "pass", "pass", 0),
        (HIGH, "pass", "fail", 1),
        ([value + 0.05 for value in LOW], "pass", "inconclusive", 0),
        ([value + 0.05 for value in LOW], "fail", "inconclusive", 1),
    ],
)
def test_the_gates_script(tmp_path: Path, values: list[float], inconclusive: str, verdict: str, code: int) -> None:
    for name, scores in (("base", LOW), ("new", values)):
        board(tmp_path, name, scores)
    answer = gate(tmp_path, inconclusive)
    assert answer.returncode == code, answer.stderr
    assert (tmp_path / "output").read_text() == f"verdict={verdict}\n"
    assert (tmp_path / "summary").read_text().startswith("### ")
    assert (tmp_path / "out" / "gate.xml").is_file()
    assert [line.split("::")[1].split(" ")[0] for line in obeyed(answer.stdout)][-1] == "notice"


def test_a_suite_called_gate_is_judged_as_any_other(tmp_path: Path) -> None:
    board(tmp_path, "base", LOW)
    board(tmp_path, "out/gate", LOW)
    page = (tmp_path / "out" / "gate.md").read_text()
    answer = gate(tmp_path, "pass", new="out/gate")
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "summary").read_text().startswith("### ✅ ganbench: pass")
    assert (tmp_path / "out" / "gate.md").read_text() == page


def test_a_foreign_name_is_no_command_to_the_runner(tmp_path: Path) -> None:
    """In the step that may write: each line that GitHub would take for a command, but for those it is told to pass."""
    (script,) = [step["run"] for path in FILES if path.name == "leaderboard-comment.yml" for step in steps(path)
                 if "compare" in step.get("run", "")]  # fmt: skip
    evil = "::set-output name=verdict::pass"
    place = tmp_path / "artefacts" / "leaderboard"
    (tmp_path / "artefacts" / "pull-request").mkdir(parents=True)
    (tmp_path / "artefacts" / "pull-request" / "pull-request").write_text("7\n")
    for folder, scores in ((tmp_path / "leaderboards", LOW), (place, HIGH)):
        for seed, score in enumerate(scores):
            trial(tmp_path / f"runs-{folder.name}", component("a", label=evil), seed, score)  # type: ignore[arg-type]
        write(assemble([tmp_path / f"runs-{folder.name}"], folder / "smoke"), folder / "smoke")
    answer = run_step(tmp_path, script, {"HEAD": "abc", "REPOSITORY": "o/r"}, gh="echo abc")
    assert answer.returncode == 0, answer.stderr
    assert evil in answer.stdout
    assert obeyed(answer.stdout) == []
    assert (tmp_path / "body.md").read_text().startswith("<!-- ganbench -->\n### ")


def obeyed(output: str) -> list[str]:
    """The lines that GitHub's runner takes for commands, but for those that stop and resume that."""
    word, found = "", []
    for line in map(str.strip, output.splitlines()):
        if word:
            word = "" if line == f"::{word}::" else word
        elif line.startswith("::stop-commands::"):
            word = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            found.append(line)
    return found


def test_a_gate_that_cannot_judge_fails_with_an_annotation(tmp_path: Path) -> None:
    board(tmp_path, "new", LOW)
    answer = gate(tmp_path, "pass")
    assert answer.returncode == 2
    assert "no folder of trials or leaderboard at base" in answer.stderr
    assert answer.stdout.startswith("::error title=ganbench::the gate could not judge by base (exit code 2)")
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("subset", "inconclusive", "told"),
    [
        ("false", "pass", ""),
        ("true", "fail", ""),
        ("yes", "pass", "::error title=ganbench::the input subset must be true or false"),
        ("false", "Fail", "::error title=ganbench::the input inconclusive must be pass or fail"),
    ],
)
def test_an_input_that_is_no_word_of_the_action_fails_it_before_anything_trains(
    subset: str, inconclusive: str, told: str, tmp_path: Path
) -> None:
    first = next(steps(ACTION))
    assert first["env"] == {"SUBSET": "${{ inputs.subset }}", "INCONCLUSIVE": "${{ inputs.inconclusive }}"}
    answer = run_step(tmp_path, first["run"], {"SUBSET": subset, "INCONCLUSIVE": inconclusive})
    assert (answer.returncode, answer.stdout.strip()) == (2 if told else 0, told), answer.stderr
    assert (tmp_path / "output").exists() != bool(told)


def test_the_site_of_gitlab_has_a_first_page(tmp_path: Path) -> None:
    (tmp_path / "leaderboards").mkdir()
    for name in ("digits", "smoke"):
        (tmp_path / "leaderboards" / f"{name}.html").write_text("<p>x")
    job = load(REPOSITORY / "docs" / "gitlab-ci.yml")["pages"]
    assert [rule["exists"] for rule in job["rules"]] == [["leaderboards/*.html"]], "before the first there is no site"
    script = "\n".join(job["script"])
    subprocess.run(["bash", "-eo", "pipefail", "-c", script], cwd=tmp_path, check=True)
    index = (tmp_path / "public" / "index.html").read_text()
    assert re.findall(r'<a href="(.*?)">(.*?)</a>', index) == [("digits.html", "digits"), ("smoke.html", "smoke")]


def board(folder: Path, name: str, scores: Sequence[float]) -> None:
    """Write a leaderboard with a trial per score."""
    for seed, score in enumerate(scores):
        trial(folder / f"runs-{Path(name).name}", "a", seed, score)
    write(assemble([folder / f"runs-{Path(name).name}"], folder / name), folder / name)


def gate(folder: Path, inconclusive: str, *, new: str = "new") -> subprocess.CompletedProcess[str]:
    """Run the step of the action that judges."""
    (script,) = [step["run"] for step in steps(ACTION) if step.get("id") == "gate"]
    environment = {
        "BASE": "base", "BOARD": new, "OUT": "out", "MARGIN": "1%", "ALPHA": "0.05", "METRIC": "", "SUBSET": "false",
        "INCONCLUSIVE": inconclusive,
    }  # fmt: skip
    return run_step(folder, script, environment)


def run_step(
    folder: Path, script: str, variables: dict[str, str], gh: str = "exit 1"
) -> subprocess.CompletedProcess[str]:
    """Run a step's script as GitHub runs 'shell: bash'; ``gh`` is what its command line tool does."""
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    (bin_folder / "ganbench").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ganbench "$@"\n')
    (bin_folder / "gh").write_text(f"#!/bin/sh\n{gh}\n")
    for program in bin_folder.iterdir():
        program.chmod(0o755)
    environment = variables | {
        "GITHUB_OUTPUT": "output", "GITHUB_STEP_SUMMARY": "summary",
        "PATH": f"{bin_folder}:{os.environ['PATH']}", "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }  # fmt: skip
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
