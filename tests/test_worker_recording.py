"""What a trial writes down of itself: the order of its values, and how it was trained where that was in parts."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganbench.metrics.density_coverage import DensityCoverage
from ganbench.metrics.fid import FID
from ganbench.provenance import environment
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile
from ganbench.store.results import read_row, read_rows
from ganbench.trial import run_seeds, run_trial
from ganbench.worker.recording import Recorder
from tests.workers import MLP, StopAfter, lines, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


def test_the_order_in_which_values_are_declared_is_kept(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    values = {**DensityCoverage.values, **FID.values}
    recorder.prepared(values, {"density": "density-coverage", "fid": "fid"}, torch.device("cpu"))
    recorder.evaluation(1, 20, {"fid": 1.5, "coverage": 0.5, "density": 0.75, "undeclared": 2.0})
    recorder.finish("done")
    row = read_row(folder)
    assert [*row.values] == ["density", "coverage", *FID.values]
    assert (row.metrics["density"], row.metrics["fid"]) == (0.75, 1.5)
    assert [row.values[name].metric for name in ("density", "coverage", "fid")] == ["density-coverage", None, "fid"]
    (line,) = lines(folder.metrics)
    assert [*line["values"]] == ["density", "coverage", "fid", "undeclared"]
    assert folder.read_result()["best"]["fid"] == {"value": 1.5, "step": 1}


def test_a_trial_that_was_batched_at_first_and_goes_on_alone_counts_as_batched(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP)
    assert run_seeds(folders[0], StopAfter(3 * 25 - 1)) == ["interrupted"] * 3
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
    asked = {metric.label for metric in row.spec.evaluation.metrics}
    assert {info.metric for info in row.values.values()} == asked


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


def lose_evaluations(folder: TrialFolder) -> None:
    folder.metrics.write_bytes(b"")


def lose_all_but_the_first_report(folder: TrialFolder) -> None:
    folder.progress.write_text(folder.progress.read_text().splitlines(keepends=True)[0])


@pytest.mark.parametrize("lose", [lose_evaluations, lose_all_but_the_first_report])
def test_a_checkpoint_whose_lines_were_lost_is_not_gone_on_from(
    tmp_path: Path, lose: Callable[[TrialFolder], None]
) -> None:
    (whole,), (folder,) = planned(tmp_path / "whole", MLP, seeds=1), planned(tmp_path / "lossy", MLP, seeds=1)
    assert run_trial(whole) == "done"
    for steps in (25, 5):  # two checkpoints, at steps 25 and 30; both count on the evaluation at step 20
        assert run_trial(folder, StopAfter(steps - 1)) == "interrupted"
    lose(folder)
    assert run_trial(folder) == "done"
    result = folder.read_result()
    first, second = result["warnings"]
    name = "metrics.jsonl" if lose is lose_evaluations else "progress.jsonl"
    why = f"lines of {name} were lost or changed since then; it is kept as"
    assert first == f"cannot resume from checkpoint.pt: {why} checkpoint.damaged"
    assert second == f"cannot resume from checkpoint.previous.pt: {why} checkpoint.previous.damaged"
    assert [line["step"] for line in lines(folder.attempts)] == [0, 25, 0]
    assert {key: result[key] for key in ("best", "area", "metrics")} == {
        key: whole.read_result()[key] for key in ("best", "area", "metrics")
    }
    assert [line["step"] for line in lines(folder.metrics)] == [20, 40]


def test_lines_lost_after_the_checkpoint_before_cost_only_the_last_one(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    for steps in (15, 10):
        assert run_trial(folder, StopAfter(steps - 1)) == "interrupted"
    lose_evaluations(folder)  # that at step 20: the checkpoint at step 15 knows nothing of it
    assert run_trial(folder) == "done"
    assert len(folder.read_result()["warnings"]) == 1
    assert [line["step"] for line in lines(folder.attempts)] == [0, 15, 15]
    assert [line["step"] for line in lines(folder.metrics)] == [20, 40]


def test_what_was_written_after_the_checkpoint_is_written_again(tmp_path: Path) -> None:
    """As by a trial that was killed some steps later."""
    (folder,) = planned(tmp_path, MLP, seeds=1)
    assert run_trial(folder, StopAfter(24)) == "interrupted"
    folder.append_progress({"step": 26})
    folder.append_metrics({"step": 26, "values": {}})
    folder.append_snapshot({"step": 26})
    assert run_trial(folder) == "done"
    assert [line["step"] for line in lines(folder.progress)] == list(range(1, 41))
    assert [line["step"] for line in lines(folder.metrics)] == [20, 40]
    assert [line["step"] for line in lines(folder.snapshots)] == [0, 20, 40]


def test_a_trial_scored_again_keeps_how_it_was_trained(tmp_path: Path) -> None:
    folders = planned(tmp_path, MLP)
    assert run_seeds(folders[0]) == ["done"] * 3
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
    assert result["cost"]["real_images"] == 40 * 20
    assert "bit-equal" not in result["determinism"]["statement"]
    assert any("one batched model with 2 other seeds" in warning for warning in result["warnings"])


def test_a_warning_of_an_earlier_part_is_in_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = planned(tmp_path, MLP, seeds=1)
    with monkeypatch.context() as patch:
        patch.setattr("ganbench.provenance.environment.cautions", lambda *arguments: ["may have shared its GPU"])
        assert run_trial(folders[0], StopAfter(25)) == "interrupted"
    assert run_trial(folders[0]) == "done"
    result = folders[0].read_result()
    assert result["warnings"] == ["may have shared its GPU"]
    assert "bit-equal" in result["determinism"]["statement"]  # in equal conditions


def test_a_trial_starts_once(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    for _ in range(2):
        recorder.start()
    (line,) = lines(folder.starts)
    status = folder.read_status()
    assert status["status"] == "running"
    assert line["time"] == status["started"] == recorder.started
    for name, value in environment.place().items():
        assert line[name] == status[name] == value


def test_a_result_has_what_was_told_and_the_last_values_only_where_the_trial_is_done(tmp_path: Path) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    recorder = Recorder(folder, folder.read_spec())
    recorder.prepared(FID.values, {"fid": "fid"}, torch.device("cpu"))
    recorder.begin()
    recorder.warn("one", "other")
    recorder.warn("one")
    recorder.evaluation(5, 100, {"fid": 2.0})
    recorder.evaluation(7, 140, {"fid": math.nan})
    assert [line["values"] for line in lines(folder.metrics)] == [{"fid": 2.0}, {"fid": None}]
    recorder.finish("diverged", "a loss that is NaN", step=6)
    result, status = folder.read_result(), folder.read_status()
    assert (result["status"], result["reason"], result["step"]) == ("diverged", "a loss that is NaN", 6)
    assert (status["status"], status["reason"]) == ("diverged", "a loss that is NaN")
    assert recorder.started == status["started"] <= status["finished"] <= time.time()
    assert (result["metrics"], result["best"]["fid"]) == ({}, {"value": 2.0, "step": 5})
    assert result["warnings"] == ["one", "other"]
    assert (result["cost"]["real_images"], result["cost"]["images_per_second"]) == (0, None)
    recorder.finish("done")
    result = folder.read_result()
    assert (result["step"], result["metrics"], result["reason"]) == (7, {"fid": None}, "")
    assert result["environment"] == environment.describe(recorder.trial.execution, torch.device("cpu"))
    assert result["protocol"]["fidelity"] == result["environment"]["versions"]["torch-fidelity"]


@pytest.mark.parametrize("data_at", ["", "photos.zip"])
def test_the_protocol_says_whether_data_are_known_by_their_samples_alone(tmp_path: Path, data_at: str) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1)
    trial = folder.read_spec()
    execution = trial.execution.model_copy(update={"data_at": data_at})
    Recorder(folder, trial.model_copy(update={"execution": execution})).finish("diverged", "NaN")
    assert folder.read_result()["protocol"].get("training", "") == (trial.spec.data.fingerprint if data_at else "")
