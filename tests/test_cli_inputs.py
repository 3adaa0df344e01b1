"""What commands say where there are no trials, or some cannot be read."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganbench.cli import cli
from ganbench.cli.inputs import read_trials
from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec


@pytest.fixture
def runs(tmp_path: Path, trial_spec: Callable[..., TrialSpec]) -> Path:
    """A folder of one trial that waits, and one that cannot be read."""
    spec = trial_spec()
    waiting, damaged = TrialFolder(tmp_path / spec.trial_id), TrialFolder(tmp_path / "damaged")
    waiting.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    damaged.path.mkdir()
    damaged.spec.write_text("{")
    return tmp_path


def test_each_trial_that_is_left_out_is_named(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows, incomplete = read_trials(runs)
    assert [row.status for row in rows] == ["pending"]
    assert incomplete
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("ganbench: left out: ")
    assert f"{runs / 'damaged' / 'spec.json'}" in line
    (runs / "damaged" / "spec.json").unlink()
    assert not read_trials(runs)[1]


@pytest.mark.parametrize("words", [["results"], ["report", "--out", "page.html"], ["track", "--tracker", "tensorboard"],
                                   ["status"]])  # fmt: skip
def test_a_folder_without_trials_is_an_error_of_one_line(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    command, *options = words
    result = CliRunner().invoke(cli, [command, str(empty), *options])
    assert isinstance(result.exception, StoreError)
    which = " that have ended" if command == "track" else ""
    assert str(result.exception) == (
        f"there are no trials in {empty}{which}; run something first, or name the folder given to --out"
    )
    assert list(tmp_path.iterdir()) == [empty]
