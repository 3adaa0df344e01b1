"""``ganbench plugins check``: what it checks, with which parameters, and how that is told."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli.check import check
from ganbench.testing import Outcome
from ganbench.testing.package import Report
from tests.commands import ganbench
from tests.distribution import write_distribution
from tests.fuzz.inputs import run_command


def test_what_a_check_finds_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks of large networks take minutes."""
    told: list[str] = []

    def outcomes() -> Iterator[Outcome]:
        for number in range(3):
            assert len(told) == (number and 1 + number)  # below the component's name
            yield Outcome(check=f"check-{number}", title="It is right", status="ok")

    monkeypatch.setattr("click.echo", lambda text: told.append(text))
    monkeypatch.setattr(
        "ganbench.testing.package.check_package", lambda *given, **options: [Report("loss", "mine", outcomes())]
    )
    CliRunner().invoke(check, ["ganbench-mine"], catch_exceptions=False)
    assert told[-1] == "3 ok, 0 failed, 0 skipped"


def test_a_tracker_is_checked_with_parameters(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    right = ganbench("plugins", "check", "ganbench", "--only", "tensorboard[logdir=events]", "--json", cwd=tmp_path)
    assert right.returncode == 0, right.stdout + right.stderr
    assert json.loads(right.stdout)["skipped"] == 0
    wrong = ganbench("plugins", "check", "ganbench", "--only", "tensorboard[folder=events]", cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr.endswith("tracker 'tensorboard' has no parameter 'folder'; choose one of: logdir\n")


def test_a_parameter_that_is_a_text_is_checked_as_it_was_typed(tmp_path: Path) -> None:
    """As a run takes it: 1.10 is no number in the name of a folder."""
    answer = ganbench("plugins", "check", "ganbench", "--only", "folder[path=1.10,size=8.0]", "--json", cwd=tmp_path)
    (_, folder) = json.loads(answer.stdout)["components"]
    (samples,) = (one for one in folder["checks"] if one["check"] == "samples")
    assert samples["message"].endswith("1.10"), samples


def test_a_check_of_one_kind_is_left_out_where_there_are_others(tmp_path: Path) -> None:
    two = ["--only", "penalty/weight-clip", "--only", "translation"]
    answer = ganbench("plugins", "check", "ganbench", *two, "--skip", "own-draws=slow", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "slow" in answer.stdout


def test_a_check_of_penalties_on_one_player_is_left_out_where_there_are_both(tmp_path: Path) -> None:
    two = ["--only", "lecam", "--only", "orthogonal"]
    skipped = ["--skip", "gradient=known", "--skip", "double-backward=known"]
    answer = ganbench("plugins", "check", "ganbench", *two, *skipped, "--json", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    components = json.loads(answer.stdout)["components"]
    known = {one["name"]: [each["check"] for each in one["checks"] if each["message"] == "known"] for one in components}
    assert known == {"ganbench": [], "lecam": ["double-backward"], "orthogonal": ["gradient"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--only", "hing"], "did you mean 'hinge'?"),
        (["--only", "loss/hing"], "did you mean 'loss/hinge'?"),
        (["--only", "dragan[lambda_g=1]"], "has no parameter 'lambda_g'"),
        (["--only", "dragan[lambda_gp=1"], "'dragan[lambda_gp=1' has no closing bracket"),
        (["--only", "dragan[lambda_gp=1,lambda_gp=2]"], "'lambda_gp' is given twice in"),
        (["--only", "folder[path=a|b]"], "path in 'folder[path=a|b]' has 2 values; a check takes"),
        (["--only", "hinge:x"], "loss 'hinge' takes no argument, but 'hinge:x' gives it one"),
        (["--skip", "scalar"], "every skipped check needs a reason"),
        (["--only", "hinge", "--skip", "scalr=slow"], "did you mean 'scalar'?"),
        (["--only", "r1", "--skip", "gradient=slow"], "no component that is checked has a check 'gradient'; choose"),
        (["--only", "path-length", "--skip", "closed-form=slow"], "is checked has a check 'closed-form'; choose one"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    code, output, messages = run_command(["plugins", "check", "ganbench", *arguments], tmp_path)
    assert (code, output) == (2, "")
    assert words in messages
    assert messages.count("\n") == 1


def test_a_package_whose_entry_points_are_in_another_group_is_told_which_it_must_be(tmp_path: Path) -> None:
    site = tmp_path / "site"
    write_distribution(site, "ganbench-astray", {"astray": ""}, points="[ganbnch]\nmain = astray\n")
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH", "")]))
    answer = ganbench("plugins", "check", "ganbench-astray", cwd=tmp_path, PYTHONPATH=path)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr == (
        "ganbench: the package 'ganbench-astray' is installed, but none of its entry points is in the group "
        "'ganbench'; write [project.entry-points.ganbench] in its pyproject.toml and install it again\n"
    )
