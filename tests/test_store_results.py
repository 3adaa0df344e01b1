"""From folders to rows: what is read, what is refused, what is never left out."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ganbench import processes
from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import Handed
from ganbench.store.leases import Leases
from ganbench.store.results import computed_by, order, read_row, read_rows, row_of_failure
from ganbench.tables.frame import frame
from ganbench.tables.grouping import build
from ganbench.tables.sheet import notes
from tests.trials import VALUES, component, make_protocol, make_spec, make_trial


@pytest.fixture
def mine() -> Iterator[Leases]:
    held = Leases()
    yield held
    held.release_all()


def test_a_done_trial_is_read(tmp_path: Path) -> None:
    spec = make_spec("wgan-gp", seed=3, n_critic=5)
    row = read_row(make_trial(tmp_path, spec, warnings=("careful", "careful")))
    assert (row.loss, row.architecture, row.dataset, row.seed) == ("wgan-gp", "dcgan", "digits", 3)
    assert row.done
    assert row.metrics == {"fid": 1.8, "is": 8.25, "is_std": 0.1}
    assert row.best["fid"].step == 1500
    assert row.area == {"fid": 3.5}
    assert row.protocol == make_protocol(spec)
    assert row.recipe["n_critic"] == 5
    assert row.cost["images_per_second"] == 12345.6
    assert row.warnings == ("careful",)
    assert row.components["loss"].version == "0.1"
    assert {"architecture", "dataset", "metric fid", "extractor"} <= set(row.components)
    assert row.name == "wgan-gp · dcgan · digits · seed 3"


def test_every_component_is_known_by_its_role(tmp_path: Path) -> None:
    spec = make_spec("hinge", metrics=("fid",)).model_copy(
        update={"penalties": (component("r1"),), "augmentations": (component("translation"),)}
    )
    roles = {role: part.name for role, part in read_row(make_trial(tmp_path, spec)).components.items()}
    assert roles == {
        "loss": "hinge", "penalty r1": "r1", "augmentation translation": "translation", "architecture": "dcgan",
        "dataset": "digits", "metric fid": "fid", "extractor": "digits",
    }  # fmt: skip


def test_samples_are_those_of_a_trial_that_is_done_and_the_log_of_one_that_is_not(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    folder.log.write_text("one\n")
    assert (read_row(folder).samples, read_row(folder).log) == (None, ())
    folder.samples.symlink_to(folder.log)
    assert read_row(folder).samples is None, "a link may lead anywhere"
    folder.samples.unlink()
    folder.samples.write_bytes(b"picture")
    assert read_row(folder).samples == folder.samples
    folder.write_status("failed", "killed")
    assert (read_row(folder).samples, read_row(folder).log) == (None, ("one",))


def test_of_a_trial_whose_folder_cannot_tell_the_reason_is_told(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec("hinge", seed=2), warnings=("careful",))
    folder.log.write_text("last words\n")
    row = row_of_failure(folder, folder.read_spec(), "failed", "no space\n  left on device")
    assert (row.trial_id, row.loss, row.seed, row.status) == (folder.path.name, "hinge", 2, "failed")
    assert (row.reason, row.log, row.warnings) == ("no space left on device", ("last words",), ("careful",))
    assert not any((row.metrics, row.best, row.area, row.values, row.cost, row.protocol))


def test_what_computed_a_result_is_told_of_a_processor_with_its_threads() -> None:
    known = {"device_name": "Xeon", "instructions": "AVX2", "threads": 4, "versions": {"torch": 2}}
    assert computed_by(known | {"device": "cpu"}) == {
        "device": "Xeon", "instructions": "AVX2", "threads": "4", "versions": {"torch": "2"}
    }  # fmt: skip
    assert computed_by(known | {"device": "cuda"})["threads"] == ""
    nothing = {"device": "", "instructions": "", "threads": "", "versions": {}}
    assert computed_by({}) == computed_by({"device": "cpu", "device_name": None, "versions": "2"}) == nothing


def test_a_folder_that_cannot_be_listed_is_named_with_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, why in ((PermissionError(13, "Permission denied"), "Permission denied"), (OSError("gone"), "gone")):
        monkeypatch.setattr(Path, "iterdir", Mock(side_effect=error))
        with pytest.raises(StoreError, match=f"^cannot list {re.escape(str(tmp_path))}: {why}$"):
            read_rows(tmp_path)


def test_a_result_that_is_a_link_is_not_read(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    folder.result.rename(tmp_path / "elsewhere.json")
    folder.result.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(StoreError, match=r"cannot read .*result\.json: "):
        read_row(folder)


def test_a_result_of_an_older_version_is_told_apart_from_namesakes_of_its_metrics(tmp_path: Path) -> None:
    spec = make_spec()
    evaluation = spec.evaluation.model_copy(update={"metrics": (component("fid", plugin="ganbench-dup"),)})
    spec = spec.model_copy(update={"evaluation": evaluation})
    folder = make_trial(tmp_path, spec, values={"fid": VALUES["fid"]}, metrics={"fid": 1.0})
    assert folder.read_result()["protocol"]["metrics"] == ["fid"]
    row = read_row(folder)
    assert row.protocol is not None
    assert row.protocol.metrics == ("ganbench-dup:fid",)


def test_a_rows_names_recipe_and_components_are_those_of_its_specification(tmp_path: Path) -> None:
    row = read_row(make_trial(tmp_path, make_spec("hinge", n_critic=5)))
    assert (row.recipe["n_critic"], row.components["loss"].name) == (5, "hinge")
    other = replace(row, spec=make_spec("wgan", "resnet", "mnist", seed=7, n_critic=2))
    assert order(other) == ("mnist", "resnet", "wgan", 7, row.trial_id)
    one, two = (replace(other, named=name) for name in ("folder:photos", "folder:pictures"))
    assert order(one) == order(two)
    assert (one.dataset, two.name) == ("folder:photos", "wgan · resnet · folder:pictures · seed 7")
    assert (other.recipe["n_critic"], other.components["loss"].name) == (2, "wgan")


def test_a_diverged_trial_has_a_reason_and_no_metrics(tmp_path: Path) -> None:
    row = read_row(make_trial(tmp_path, make_spec(), status="diverged", reason="D loss is NaN at step 12"))
    assert not row.done
    assert row.reason == "D loss is NaN at step 12"
    assert (row.metrics, row.best, row.area) == ({}, {}, {})
    assert row.protocol is not None


@pytest.mark.parametrize("status", ["pending", "running", "failed", "timeout", "out-of-memory", "interrupted"])
def test_a_trial_without_a_result_is_a_row(tmp_path: Path, status: str, mine: Leases) -> None:
    folder = make_trial(tmp_path, make_spec(), status=status, reason="why", warnings=("mind",))
    folder.log.write_text("one\nlast words\n\n")
    assert mine.take(folder.path)
    row = read_row(folder)
    assert (row.status, row.reason, row.protocol, dict(row.metrics)) == (status, "why", None, {})
    assert row.warnings == ("mind",)
    assert row.log == (() if status == "pending" else ("one", "last words"))


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_row_whose_run_was_killed_says_so(
    tmp_path: Path, status: str, mine: Leases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever reads it: tables, lists and frames, in a folder that cannot be written to as well."""
    gone = "its run has ended; run again to resume"
    folder = make_trial(tmp_path, make_spec(), status=status)
    assert mine.take(folder.path)
    assert read_row(folder).reason == ""
    with monkeypatch.context() as patch:  # killed: its lease stays behind
        patch.setattr(processes, "alive", lambda *_: False)
        folder.path.chmod(0o555)
        rows, _ = read_rows(tmp_path)
        folder.path.chmod(0o755)
    assert [(row.status, row.reason) for row in rows] == [(status, gone)]
    groups = [group for table in build(rows) for group in table.all_groups]
    assert [note.text for note in notes(groups)] == [gone]
    assert list(frame(rows)["reason"]) == [gone]
    Handed("slurm", "1124-1200-ab", 0, 1, 0.0).write(folder.path)
    mine.release_all()
    assert read_row(folder).reason == ""  # a cluster goes on without the run that handed it over


def test_one_that_ends_while_it_is_looked_at_was_not_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_trial(tmp_path, make_spec(), status="running")

    def given_back(_: Path) -> None:
        folder.write_status("failed", "why")

    monkeypatch.setattr("ganbench.store.handed.holder", given_back)
    assert read_row(folder).reason == ""


def test_a_result_of_an_earlier_attempt_gives_no_numbers(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    folder.write_status("failed", "killed")
    row = read_row(folder)
    assert (row.status, dict(row.metrics), dict(row.cost)) == ("failed", {}, {})
    assert row.protocol is not None


def test_values_that_are_not_numbers_are_missing(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec(), metrics={"fid": None, "is": 2.0, "is_std": 0.0})
    content = json.loads(folder.result.read_text())
    content["metrics"]["is"] = content["area"]["is"] = content["best"]["is"]["value"] = float("nan")
    folder.result.write_text(json.dumps(content))
    row = read_row(folder)
    assert row.metrics["fid"] is None
    assert row.metrics["is"] is None
    assert (dict(row.area), set(row.best)) == ({"fid": 3.5}, set())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"metrics": "none"}, "not a trial's result"),
        ({"schema_version": 99}, "schema 99"),
        ({"trial_id": "other"}, "result of another trial, other"),
        ({"status": "diverged"}, "diverged in result.json"),
        ({"protocol": {}}, "not a trial's result"),
    ],
)
def test_a_damaged_result_is_refused(tmp_path: Path, change: dict[str, Any], complaint: str) -> None:
    folder = make_trial(tmp_path, make_spec(), result=change)
    with pytest.raises(StoreError, match=complaint):
        read_row(folder)


def test_a_result_of_a_later_version_says_that_it_may_be_one(tmp_path: Path) -> None:
    later = make_trial(tmp_path / "schema", make_spec(), result={"schema_version": 99, "metrics": "none"})
    with pytest.raises(StoreError, match=r"result\.json has schema 99, .* version wrote it: upgrade ganbench$"):
        read_row(later)
    spec = make_spec()
    protocol = make_protocol(spec).model_dump(mode="json") | {"shade": 1}
    with pytest.raises(StoreError, match=r"protocol\.shade=1: is not a known name here; if a later version"):
        read_row(make_trial(tmp_path / "field", spec, result={"protocol": protocol}))


def test_done_without_a_result_is_refused(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    folder.result.unlink()
    with pytest.raises(StoreError, match="cannot read"):
        read_row(folder)


def test_a_renamed_folder_is_refused(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    folder.path.rename(tmp_path / "copy")
    with pytest.raises(StoreError, match="rename the folder to that name"):
        read_row(TrialFolder(tmp_path / "copy"))


def test_all_trials_are_read_in_one_order_and_bad_ones_named(tmp_path: Path) -> None:
    specs = [make_spec(loss, seed=seed) for loss in ("wgan", "hinge") for seed in (10, 2)]
    for spec in specs:
        make_trial(tmp_path, spec)
    bad = make_trial(tmp_path, make_spec("lsgan"))
    bad.spec.write_text("{")
    orphan = tmp_path / "orphan"
    orphan.mkdir()
    (orphan / "result.json").write_text("{}")
    (tmp_path / "pictures").mkdir()
    (tmp_path / ".removed").symlink_to(orphan)
    (tmp_path / "notes.txt").write_text("hello")
    rows, complaints = read_rows(tmp_path)
    assert [(row.loss, row.seed) for row in rows] == [("hinge", 2), ("hinge", 10), ("wgan", 2), ("wgan", 10)]
    assert len(complaints) == 2
    assert bad.trial_id in " ".join(complaints)
    assert "orphan" in " ".join(complaints)


def test_one_trials_folder_is_a_folder_of_runs_too(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec())
    assert len(read_rows(folder.path)[0]) == 1


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no folder"):
        read_rows(tmp_path / "nowhere")
    assert read_rows(tmp_path) == ([], [])


def test_baselines_are_labelled(tmp_path: Path) -> None:
    real = read_row(make_trial(tmp_path, make_spec(baseline="real")))
    assert (real.loss, real.architecture, real.baseline) == ("(real data)", "-", "real")
    assert real.name == "(real data) · digits · seed 0"


def test_values_are_in_the_order_in_which_they_were_asked_for_and_declared(tmp_path: Path) -> None:
    """Names decide nothing: 'isolation' is not of the metric 'is', 'coverage' does not come before 'density'."""
    names = ("density", "coverage", "isolation", "is", "is_std")
    values = {name: VALUES["is"] | {"place": place} for place, name in enumerate(names)}
    spec = make_spec(metrics=("density-coverage", "nearest", "is"))
    row = read_row(make_trial(tmp_path, spec, metrics=dict.fromkeys(names, 1.0), values=values))
    assert tuple(row.values) == tuple(row.metrics) == names


def test_values_of_an_older_result_are_in_the_order_of_the_metrics_that_their_names_are_like(tmp_path: Path) -> None:
    spec = make_spec(metrics=("reverse-kl", "precision-recall", "fid", "is"))
    ordered = ["reverse_kl", "precision", "recall", "fid", "fid_debiased", "is", "extra"]
    folder = make_trial(tmp_path, spec, values=dict.fromkeys(ordered, VALUES["fid"]))
    assert list(read_row(folder).values) == ordered


def test_importing_loads_neither_torch_nor_pandas() -> None:
    code = (
        "import sys, ganbench.store.results, ganbench.tables.frame, ganbench.tables, ganbench.display.plain;"
        "bad = {'torch', 'pandas', 'scipy', 'numpy', 'rich'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
