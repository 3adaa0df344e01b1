"""A trial's folder: what is read back, what is refused, what survives a crash."""

import contextlib
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from ganbench.errors import StoreError
from ganbench.files import read_lines
from ganbench.records.folder import TrialFolder, require_generator
from ganbench.spec import STATUSES, Execution, TrialFile, TrialSpec

Make = Callable[..., TrialSpec]


def stored(spec: TrialSpec) -> TrialFile:
    return TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(threads=2), warnings=("careful",))


@pytest.fixture
def folder(tmp_path: Path) -> TrialFolder:
    return TrialFolder(tmp_path / "vanilla-digits-s0-0123456789ab")


def test_the_specification_is_read_as_it_was_written(folder: TrialFolder, trial_spec: Make) -> None:
    trial = stored(trial_spec(seed=3, recipe={"g_lr": 1e-4}))
    folder.write_spec(trial)
    assert folder.read_spec() == trial
    assert folder.trial_id == "vanilla-digits-s0-0123456789ab"


def test_why_a_trial_has_no_generator(folder: TrialFolder, trial_spec: Make) -> None:
    folder.write_spec(stored(trial_spec()))
    folder.write_status("failed", "no room")
    with pytest.raises(StoreError, match=r"has no generator\.safetensors, because its status is failed$"):
        require_generator(folder)
    folder.write_status("done")
    with pytest.raises(StoreError, match=r"has lost its generator\.safetensors; restore it, or remove the folder"):
        require_generator(folder)
    folder.generator.write_bytes(b"x")
    require_generator(folder)
    folder.write_spec(stored(trial_spec(architecture=None, loss=None, baseline="real")))
    with pytest.raises(StoreError, match=r"has no generator, because it scores \(real data\); name a trained trial"):
        require_generator(folder)


def change(folder: TrialFolder, edit: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(folder.spec.read_text())
    edit(content)
    folder.spec.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda content: content["spec"]["recipe"].update(steps=3), "was changed"),
        (lambda content: content["spec"].update(seed=1), "was changed"),
        (lambda content: content["spec"]["recipe"].update(stepz=3), "stepz"),
        (lambda content: content.pop("spec"), "spec"),
        (lambda content: content["spec"]["recipe"].update(steps=-1), "steps=-1"),
    ],
)
def test_a_changed_specification_is_refused(folder: TrialFolder, trial_spec: Make, edit: Any, message: str) -> None:
    folder.write_spec(stored(trial_spec()))
    change(folder, edit)
    with pytest.raises(StoreError) as caught:
        folder.read_spec()
    assert message in str(caught.value)
    assert "spec.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_of_a_field_that_is_not_known_it_is_said_who_may_have_written_it(folder: TrialFolder, trial_spec: Make) -> None:
    """Fields are added without another schema, since what lacks them is read with their defaults."""
    folder.write_spec(stored(trial_spec()))
    change(folder, lambda content: content["spec"]["recipe"].update(spin=3))
    with pytest.raises(StoreError, match="spin=3: is not a known name here; if a later version of ganbench wrote it"):
        folder.read_spec()
    folder.write_spec(stored(trial_spec()))
    change(folder, lambda content: content["spec"]["recipe"].update(steps=-1))
    with pytest.raises(StoreError) as caught:
        folder.read_spec()
    assert "upgrade" not in str(caught.value)


def test_a_specification_of_another_schema_is_refused(folder: TrialFolder, trial_spec: Make) -> None:
    """Another version of this package may mean something else by the same fields."""
    spec = trial_spec()
    folder.write_spec(stored(spec))
    change(folder, lambda content: content["spec"].update(schema_version=99))
    later = TrialSpec.model_construct(**{**dict(spec), "schema_version": 99})
    change(folder, lambda content: content.update(trial_id=later.trial_id))
    with pytest.raises(StoreError, match=r"spec\.json has schema 99, .* a later version wrote it: upgrade ganbench"):
        folder.read_spec()


def test_a_missing_or_damaged_specification_is_named(folder: TrialFolder) -> None:
    with pytest.raises(StoreError, match=r"cannot read .*spec\.json"):
        folder.read_spec()
    folder.path.mkdir()
    folder.spec.write_text("{")
    with pytest.raises(StoreError, match=r"spec\.json is not valid JSON"):
        folder.read_spec()


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_with_a_reason_in_one_line(folder: TrialFolder, status: str) -> None:
    folder.write_status(status, " first\n  second\t", attempt=2)
    found = folder.read_status()
    assert (found["status"], found["reason"], found["attempt"]) == (status, "first second", 2)
    assert found["pid"] == os.getpid()


def test_no_other_status_is_written(folder: TrialFolder) -> None:
    with pytest.raises(ValueError, match="'finished' is no status"):
        folder.write_status("finished")
    assert not folder.status.exists()


@pytest.mark.parametrize("content", [None, "", "{", "[]", '"done"', "{}", '{"status": "finished"}', '{"status": []}'])
def test_what_is_no_status_is_pending(folder: TrialFolder, content: str | None) -> None:
    folder.path.mkdir()
    if content is not None:
        folder.status.write_text(content)
    assert folder.read_status() == {"status": "pending", "reason": ""}


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_without_its_status_a_trial_has_ended_as_its_result_says(folder: TrialFolder, content: str | None) -> None:
    folder.path.mkdir()
    if content is not None:
        folder.status.write_text(content)
    result = {"trial_id": folder.trial_id, "status": "diverged", "reason": "NaN at step 3"}
    folder.result.write_text(json.dumps(result))
    assert folder.read_status() == {"status": "diverged", "reason": "NaN at step 3"}
    for other in ({"trial_id": "another"}, {"status": "running"}, {"status": ["done"]}):
        folder.result.write_text(json.dumps(result | other))
        assert folder.read_status() == {"status": "pending", "reason": ""}
    folder.result.write_text(json.dumps(result))
    folder.write_status("running")
    assert folder.read_status()["status"] == "running"  # it is done again


@pytest.mark.parametrize("content", [None, "", "{", "[1]", "7"])
def test_what_is_no_result_is_empty(folder: TrialFolder, content: str | None) -> None:
    folder.path.mkdir()
    if content is not None:
        folder.result.write_text(content)
    assert folder.read_result() == {}


def filled(folder: TrialFolder, *at: int) -> None:
    folder.path.mkdir(exist_ok=True)
    for step in at:
        folder.append_progress({"step": step})
        folder.append_metrics({"step": step, "values": {"fid": step}})
        folder.append_snapshot({"step": step, "points": [[0.5, step]]})


def steps(path: Path) -> list[int]:
    return [record["step"] for record in read_lines(path)]


def test_rewinding_forgets_later_lines(folder: TrialFolder) -> None:
    filled(folder, 10, 20)
    written = folder.written()
    filled(folder, 20, 30)  # also such as are of a step that was there already
    folder.require_written(written)
    folder.rewind(written)
    for path in (folder.progress, folder.metrics, folder.snapshots):
        assert steps(path) == [10, 20]
    folder.append_progress({"step": 21})
    assert steps(folder.progress) == [10, 20, 21]
    folder.rewind({})
    assert read_lines(folder.progress) == read_lines(folder.metrics) == []


def test_rewinding_drops_a_torn_line(folder: TrialFolder) -> None:
    filled(folder, 10)
    written = folder.written()
    with folder.progress.open("ab") as file:
        file.write(b'{"step": 4')
    folder.rewind(written)
    folder.append_progress({"step": 40})
    assert steps(folder.progress) == [10, 40]


def test_rewinding_an_empty_folder_makes_nothing(folder: TrialFolder) -> None:
    folder.path.mkdir()
    assert folder.written() == {}
    folder.rewind({"progress.jsonl": (5, "")})
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_text("".join(path.read_text().splitlines(keepends=True)[1:])),
        lambda path: path.write_text(path.read_text().replace("20", "21")),
    ],
)
@pytest.mark.parametrize("name", ["progress.jsonl", "metrics.jsonl", "snapshots.jsonl"])
def test_lines_that_were_lost_or_changed_are_noticed(
    folder: TrialFolder, name: str, damage: Callable[[Path], object]
) -> None:
    filled(folder, 10, 20)
    written = folder.written()
    damage(folder.path / name)
    with pytest.raises(StoreError, match=name):
        folder.require_written(written)


def test_a_crash_while_rewinding_loses_no_earlier_line(folder: TrialFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(folder, 10, 20)
    written = folder.written()
    filled(folder, 30)

    def full(*arguments: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, contextlib.suppress(OSError, StoreError):
        patch.setattr(os, "write", full)
        patch.setattr(os, "replace", full)
        folder.rewind(written)
    assert steps(folder.progress) in ([10, 20], [10, 20, 30])


def test_the_tail_of_the_log(folder: TrialFolder) -> None:
    assert folder.log_tail() == []
    folder.path.mkdir()
    folder.log.write_bytes(b"x" * 100_000 + b"\n\n one \n\xff two\n\nthree\n")
    assert folder.log_tail(3) == [" one", "\ufffd two", "three"]
    assert folder.log_tail(1) == ["three"]


def test_a_link_in_the_folder_of_a_stranger_shows_and_changes_nothing(folder: TrialFolder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('{"status": "done", "step": 1}\n')
    folder.path.mkdir()
    for path in (folder.spec, folder.status, folder.result, folder.log, folder.progress):
        path.symlink_to(secret)
    assert folder.log_tail() == []
    assert folder.read_status() == {"status": "pending", "reason": ""}
    assert folder.read_result() == {}
    with pytest.raises(StoreError, match=r"spec\.json: it is a symbolic link, which is not followed"):
        folder.read_spec()
    with pytest.raises(StoreError, match=r"progress\.jsonl: it is a symbolic link"):
        folder.append_progress({"step": 2})
    with pytest.raises(StoreError, match=r"progress\.jsonl: it is a symbolic link"):
        folder.written()
    with pytest.raises(StoreError, match=r"progress\.jsonl: it is a symbolic link"):
        folder.rewind({"progress.jsonl": (5, "")})
    folder.rewind({})
    assert not folder.progress.is_symlink()
    assert secret.read_text() == '{"status": "done", "step": 1}\n'


def test_a_pipe_in_the_folder_of_a_stranger_is_not_waited_for(folder: TrialFolder) -> None:
    folder.path.mkdir()
    for path in (folder.spec, folder.status, folder.result, folder.log, folder.metrics):
        os.mkfifo(path)
    assert (folder.log_tail(), folder.read_result()) == ([], {})
    assert folder.read_status()["status"] == "pending"
    with pytest.raises(StoreError, match=r"spec\.json: it is not a regular file"):
        folder.read_spec()
    with pytest.raises(StoreError, match=r"metrics\.jsonl: it is not a regular file"):
        folder.written()
