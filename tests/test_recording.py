"""What a trial writes down of itself where it is trained in parts."""

from pathlib import Path

import pytest
import torch

from ganbench.folder import TrialFolder
from ganbench.results import read_rows
from ganbench.spec import Execution, TrialFile
from ganbench.together import run_together
from ganbench.trial import run_trial
from tests.workers import MLP, StopAfter, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


def test_a_trial_that_was_batched_at_first_and_goes_on_alone_counts_as_batched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = planned(tmp_path, MLP)
    with monkeypatch.context() as patch:
        patch.setattr("ganbench.together.stop_on_signals", lambda: StopAfter(3 * 25 - 1))
        assert run_together(folders[0]) == ["interrupted"] * 3
    assert run_trial(folders[1]) == "done"
    result = folders[1].read_result()
    assert result["cost"]["beside"] == 2
    assert result["cost"]["train_seconds"] is result["cost"]["images_per_second"] is None
    assert "bit-equal" not in result["determinism"]["statement"]
    assert "computed in 2 parts under other conditions (beside: 2, then 0)" in result["determinism"]["statement"]
    assert [part["beside"] for part in result["determinism"]["parts"]] == [2, 0]
    assert [warning.partition(" (")[0] for warning in result["warnings"]] == [
        "trained as one batched model with 2 other seeds; it has no speed of its own",
        "computed in 2 parts under other conditions",
    ]
    (row,) = read_rows(folders[1].path)[0]
    assert row.warnings == tuple(result["warnings"])


def test_a_trial_that_goes_on_with_other_threads_promises_no_equal_bits(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP, seeds=1)
    for threads, stop in ((1, StopAfter(24)), (1, StopAfter(5)), (2, None)):
        trial = folders[0].read_spec()
        execution = trial.execution.model_copy(update={"threads": threads})
        folders[0].write_spec(trial.model_copy(update={"execution": execution}))
        assert run_trial(folders[0], stop) == ("interrupted" if stop else "done")
    torch.set_num_threads(1)
    stated = folders[0].read_result()["determinism"]
    assert "bit-equal" not in stated["statement"]
    assert [part["threads"] for part in stated["parts"]] == [1, 2]
    assert folders[0].read_result()["cost"]["beside"] == 0


def test_a_trial_scored_again_keeps_how_it_was_trained(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP)
    assert run_together(folders[0]) == ["done"] * 3
    trained = folders[0].read_spec().spec
    spec = trained.model_copy(update={"evaluation": trained.evaluation.model_copy(update={"num_samples": 150})})
    again = TrialFolder(tmp_path / spec.trial_id)
    again.path.mkdir()
    again.write_spec(
        TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(source_path=str(folders[0].path)))
    )
    assert run_trial(again) == "done", again.read_status()
    result = again.read_result()
    assert (result["cost"]["beside"], result["cost"]["train_seconds"]) == (2, None)
    assert "bit-equal" not in result["determinism"]["statement"]
    assert any("one batched model with 2 other seeds" in warning for warning in result["warnings"])


def test_a_warning_of_an_earlier_part_is_in_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = planned(tmp_path, MLP, seeds=1)
    with monkeypatch.context() as patch:
        patch.setattr("ganbench.environment.cautions", lambda *arguments: ["may have shared its GPU"])
        assert run_trial(folders[0], StopAfter(25)) == "interrupted"
    assert run_trial(folders[0]) == "done"
    result = folders[0].read_result()
    assert result["warnings"] == ["may have shared its GPU"]
    assert "bit-equal" in result["determinism"]["statement"]  # in equal conditions
