"""The store: what is cached, who has the lease, what becomes of a trial that ended without a word."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.files import write_json
from ganbench.protocol import protocol_of
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import SCHEMA, Execution, TrialFile, TrialSpec
from ganbench.store.handed import Handed
from ganbench.store.store import Store

Make = Callable[..., TrialSpec]


def finished(store: Store, spec: TrialSpec, status: str) -> TrialFolder:
    folder = store.folder(spec.trial_id)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    result = {"schema_version": SCHEMA, "trial_id": spec.trial_id, "status": status}
    write_json(folder.result, result | {"protocol": protocol_of(spec, "unknown").model_dump(mode="json")})
    folder.write_status(status)
    return folder


def test_whether_a_folder_is_possible_is_seen_without_making_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "new" / "runs").require_possible()
    Store(tmp_path).require_possible()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(StoreError, match="file is a file, not a folder; choose another folder with --out"):
            Store(path).require_possible()
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / "spec.json").touch()
    for refused in (Store(tmp_path / "trial").require_possible, Store(tmp_path / "trial").prepare):
        with pytest.raises(StoreError, match="trial is the folder of one trial; choose another folder with --out"):
            refused()
    deep = tmp_path / ("d/" * 2000)  # short enough itself, but no file of a trial would be
    for refused in (Store(deep).require_possible, Store(deep).prepare):
        with pytest.raises(StoreError, match=r"is too long a name for a folder of trials; choose another folder with"):
            refused()
    for lacking in (os.W_OK, os.X_OK):  # root may write into a folder that nobody may
        monkeypatch.setattr("os.access", lambda path, mode, lacking=lacking: not mode & lacking)
        with pytest.raises(StoreError, match="cannot be written to; choose another folder with --out"):
            Store(tmp_path / "new" / "runs").require_possible()


def test_a_folder_that_cannot_be_looked_into_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_file(path: Path) -> bool:  # what the system says in the folder of somebody else; root may look everywhere
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", is_file)
    for refused in (Store(tmp_path / "theirs").require_possible, Store(tmp_path / "theirs").prepare):
        with pytest.raises(
            StoreError, match="theirs cannot be read: Permission denied; choose another folder with --out"
        ):
            refused()


@pytest.mark.parametrize(
    ("status", "cached"), [("done", True), ("diverged", True), ("failed", False), ("timeout", False)]
)
def test_only_what_would_end_the_same_is_cached(status: str, cached: bool, tmp_path: Path, trial_spec: Make) -> None:
    store = Store(tmp_path)
    folder = finished(store, trial_spec(), status)
    assert store.cached(folder.trial_id) == (status if cached else None)
    assert store.cached(folder.trial_id, retry=True) == (status if status == "done" else None)


@pytest.mark.parametrize("status", ["done", "diverged"])
@pytest.mark.parametrize("damage", ["lost", "another's", "torn", "without a protocol"])
def test_a_status_without_its_whole_result_is_not_cached(
    status: str, damage: str, tmp_path: Path, trial_spec: Make
) -> None:
    """Without a protocol its row would have no table to stand in."""
    store = Store(tmp_path)
    folder = finished(store, trial_spec(), status)
    assert store.cached(folder.trial_id) == status
    match damage:
        case "lost":
            folder.result.unlink()
        case "another's":
            write_json(folder.result, folder.read_result() | {"trial_id": "another"})
        case "torn":
            folder.result.write_bytes(folder.result.read_bytes()[:-30])
        case "without a protocol":
            write_json(folder.result, folder.read_result() | {"protocol": None})
    assert store.cached(folder.trial_id) is None


def test_a_finished_trial_that_lost_its_status_is_cached_and_one_damaged_otherwise_says_how(
    tmp_path: Path, trial_spec: Make
) -> None:
    store = Store(tmp_path)
    folder = finished(store, trial_spec(), "done")
    folder.status.unlink()
    assert store.cached(folder.trial_id) == "done"
    assert store.damage_of_finished(folder.trial_id) == ""
    folder.spec.unlink()
    assert store.cached(folder.trial_id) is None
    assert "cannot read" in store.damage_of_finished(folder.trial_id)
    assert "spec.json" in store.damage_of_finished(folder.trial_id)
    lost = finished(store, trial_spec(seed=1), "done")
    lost.result.unlink()
    assert "result.json" in store.damage_of_finished(lost.trial_id)
    assert store.damage_of_finished(finished(store, trial_spec(seed=2), "failed").trial_id) == ""
    assert store.damage_of_finished("never-heard-of") == ""
    stopped = finished(store, trial_spec(seed=3), "done")
    stopped.write_status("interrupted")
    stopped.spec.unlink()
    assert "spec.json" in store.damage_of_finished(stopped.trial_id), "its result says that it had ended"


def test_a_specification_is_written_again_where_the_manifest_has_it(tmp_path: Path, trial_spec: Make) -> None:
    store, spec = Store(tmp_path), trial_spec()
    folder = finished(store, spec, "done")
    planned = folder.read_spec()
    before = folder.spec.read_bytes()
    folder.spec.unlink()
    assert not store.restore_spec(planned)  # no manifest
    folder.spec.write_bytes(before)
    manifest.write(folder, spec.trial_id)
    for damage in (b"", before[:-20], None):
        if damage is None:
            folder.spec.unlink()
        else:
            folder.spec.write_bytes(damage)
        assert store.cached(spec.trial_id) is None
        assert store.restore_spec(planned)
        assert folder.spec.read_bytes() == before
        assert store.cached(spec.trial_id) == "done"


def test_a_specification_that_may_be_another_is_not_written(tmp_path: Path, trial_spec: Make) -> None:
    store, spec = Store(tmp_path), trial_spec()
    folder = finished(store, spec, "done")
    planned = folder.read_spec()
    manifest.write(folder, spec.trial_id)
    folder.spec.unlink()
    assert not store.restore_spec(planned.model_copy(update={"execution": Execution(threads=7)}))
    assert not folder.spec.exists()
    result = folder.result.read_bytes()
    folder.result.write_bytes(result.replace(b'"done"', b'"done" '))
    assert not store.restore_spec(planned)
    folder.result.write_bytes(result)
    assert store.restore_spec(planned)
    (folder.path / manifest.NAME).write_text("{}")
    assert not store.restore_spec(planned)


def test_with_the_lease_comes_a_clean_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "trial").mkdir()
    (tmp_path / "trial" / ".result.json.abc.tmp").write_text("{")
    (tmp_path / "trial" / "progress.jsonl").write_text("")
    assert store.lease("trial")
    store.release_all()
    assert [path.name for path in (tmp_path / "trial").iterdir()] == ["progress.jsonl"]


def test_a_lease_is_taken_once(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    assert first.lease("trial")
    assert first.lease("trial")
    assert not second.lease("trial")
    first.release("trial")
    assert second.lease("trial")
    second.release_all()
    assert first.lease("trial")
    first.release_all()


def test_whether_a_folder_can_be_written_to_is_tried_under_no_name_that_can_be_guessed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / f".write-test-{os.getpid()}").symlink_to(precious)
    Store(runs).prepare()
    assert precious.read_text() == "mine"


def test_an_unusable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file, not a folder"):
        Store(tmp_path / "file").prepare()
    with pytest.raises(StoreError, match=r"^cannot make the folder /proc/nowhere/runs: No such file or directory; cho"):
        Store(Path("/proc/nowhere/runs")).prepare()
    Store(tmp_path / "fresh" / "runs").prepare()
    assert list((tmp_path / "fresh" / "runs").iterdir()) == []


@pytest.mark.parametrize("handed", [True, False])
def test_what_a_cluster_may_be_writing_is_left_to_it(handed: bool, tmp_path: Path, trial_spec: Make) -> None:
    store, trial_id = Store(tmp_path), trial_spec().trial_id
    folder = store.folder(trial_id)
    folder.write_status("running")
    if handed:
        Handed("slurm", "1124-1200-ab", 0, 1, 0.0).write(folder.path)
    draft = folder.path / ".result.json.abc.tmp"
    draft.touch()
    assert store.lease(trial_id)
    assert draft.exists() == handed
    store.release_all()


def test_trials_are_written_many_at_once_and_one_that_fails_harms_no_other(
    tmp_path: Path, trial_spec: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thousands of trials wait for the disk together, or the first would start a minute late."""
    store = Store(tmp_path)
    specs = [trial_spec(seed=seed) for seed in range(4)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    together, write = threading.Barrier(2), TrialFolder.write_spec

    def slowly(folder: TrialFolder, trial: TrialFile) -> None:
        together.wait(timeout=20)
        write(folder, trial)

    monkeypatch.setattr(TrialFolder, "write_spec", slowly)
    for trial in trials:
        assert store.lease(trial.trial_id)
    (store.folder(trials[2].trial_id).log).mkdir()
    store.folder(trials[3].trial_id).log.write_text("of an earlier attempt")
    store.folder(trials[3].trial_id).write_status("failed", "of an earlier attempt")
    problems = store.enqueue(trials)
    assert [problem == "" for problem in problems] == [True, True, False, True]
    assert "worker.log" in problems[2]
    assert "choose another folder with --out" in problems[2]
    for trial in (*trials[:2], trials[3]):
        folder = store.folder(trial.trial_id)
        assert folder.read_spec() == trial
        assert folder.read_status()["status"] == "pending"
        assert not folder.log.exists()
    store.release_all()


@pytest.mark.parametrize(
    ("status", "checkpoint", "kept"),
    [("failed", False, False), ("failed", True, True), ("interrupted", False, True), ("running", False, False)],
)
def test_the_log_of_a_trial_that_goes_on_is_kept(
    status: str, checkpoint: bool, kept: bool, tmp_path: Path, trial_spec: Make
) -> None:
    """And that of one that begins again is not: it would tell of another training."""
    store, spec = Store(tmp_path), trial_spec()
    folder = store.folder(spec.trial_id)
    trial = TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution())
    folder.write_spec(trial)
    folder.write_status(status, "why")
    folder.log.write_text("before\n")
    if checkpoint:
        folder.checkpoint.touch()
    assert store.enqueue([trial]) == [""]
    assert folder.read_status()["status"] == "pending"
    assert folder.log.exists() is kept


def test_what_is_cached_is_read_once(tmp_path: Path, trial_spec: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    store, spec = Store(tmp_path), trial_spec()
    folder = finished(store, spec, "done")
    reads: list[TrialFolder] = []
    given = TrialFolder.read_status

    def counted(one: TrialFolder) -> dict[str, object]:
        reads.append(one)
        return given(one)

    monkeypatch.setattr(TrialFolder, "read_status", counted)
    assert store.cached(folder.trial_id) == "done"
    assert len(reads) == 1
