"""Whether a trial's folder is what was written there, as far as a board is made of it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from ganbench.errors import StoreError
from ganbench.records import manifest, sealing
from ganbench.records.folder import TrialFolder, previous_checkpoint
from ganbench.store.verification import require_intact, verify
from tests.trials import make_spec, make_trial, trial


def remove_manifest(folder: TrialFolder) -> None:
    (folder.path / manifest.NAME).unlink()


def damage_manifest(folder: TrialFolder) -> None:
    (folder.path / manifest.NAME).write_text("{}")


def tear_manifest(folder: TrialFolder) -> None:
    path = folder.path / manifest.NAME
    path.write_bytes(path.read_bytes()[:-20])


def take_anothers_manifest(folder: TrialFolder) -> None:
    manifest.write(folder, "another")


def edit_result(folder: TrialFolder) -> None:
    folder.result.write_text(folder.result.read_text().replace("1.0", "0.5"))


def lose_evaluations(folder: TrialFolder) -> None:
    folder.metrics.unlink()


def edit_warnings(folder: TrialFolder) -> None:
    folder.spec.write_text(folder.spec.read_text().replace('"warnings": []', '"warnings": ["none"]'))


def add_evaluations(folder: TrialFolder) -> None:
    evaluations = folder.metrics.read_bytes()
    folder.metrics.unlink()
    manifest.write(folder, folder.trial_id)
    folder.metrics.write_bytes(evaluations)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_manifest, "manifest.json is missing, so the result beside it cannot be verified"),
        (damage_manifest, "manifest.json is not a manifest"),
        (tear_manifest, "manifest.json is not valid JSON"),
        (take_anothers_manifest, "manifest.json is the manifest of another"),
        (edit_result, "result.json is damaged: its SHA-256 is"),
        (lose_evaluations, "metrics.jsonl cannot be read: No such file or directory"),
        (edit_warnings, "spec.json is damaged: its SHA-256 is"),
        (add_evaluations, "metrics.jsonl is not in the manifest"),
    ],
)
def test_what_a_board_is_made_of_is_verified(
    tmp_path: Path, damage: Callable[[TrialFolder], None], message: str
) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    require_intact(folder, folder.trial_id)
    damage(folder)
    with pytest.raises(StoreError) as caught:
        require_intact(folder, folder.trial_id)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_a_trial_never_wrote_is_not_missed(tmp_path: Path) -> None:
    """One that diverges before its first evaluation has no evaluations, and has ended all the same."""
    folder = make_trial(tmp_path, make_spec("vanilla"), "diverged", "a loss that is NaN")
    assert not folder.metrics.exists()
    require_intact(folder, folder.trial_id)
    assert verify(folder) == ([], [])
    edit_warnings(folder)
    assert "spec.json is damaged" in verify(folder).damage[0]


def test_a_board_needs_no_weights_and_verify_does(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    folder.generator.write_bytes(b"weights")
    manifest.write(folder, make_spec("vanilla").trial_id)
    assert verify(folder) == ([], [])
    folder.generator.write_bytes(b"others")
    require_intact(folder, folder.trial_id)
    assert "generator.safetensors is damaged" in verify(folder)[0][0]


def forget_weights(folder: TrialFolder) -> None:
    weights = folder.generator.read_bytes()
    folder.generator.unlink()
    manifest.write(folder, folder.trial_id)
    folder.generator.write_bytes(weights)


def exchange_weights(folder: TrialFolder) -> None:
    folder.generator.write_bytes(b"others")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (exchange_weights, "generator.safetensors is damaged: its SHA-256 is"),
        (forget_weights, "generator.safetensors is not in the manifest: it was added later"),
        (take_anothers_manifest, "manifest.json is the manifest of another"),
    ],
)
def test_a_file_is_the_one_that_the_trial_wrote(
    tmp_path: Path, damage: Callable[[TrialFolder], None], message: str
) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    folder.generator.write_bytes(b"weights")
    manifest.write(folder, folder.trial_id)
    manifest.require_written(folder, folder.generator)
    damage(folder)
    with pytest.raises(StoreError) as caught:
        manifest.require_written(folder, folder.generator)
    assert message in str(caught.value)
    assert str(caught.value).endswith("; restore it, or remove the trial and run it again")
    remove_manifest(folder)
    manifest.require_written(folder, folder.generator)


def test_verifying_names_a_manifest_of_another_trial(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    take_anothers_manifest(folder)
    damage, unverified = verify(folder)
    assert [line.partition(manifest.NAME)[2] for line in damage] == [" is the manifest of another"]
    assert unverified == []


def test_a_checkpoint_that_makes_room_for_the_next_one_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    folder.checkpoint.write_bytes(b"torn")
    assert "checkpoint.pt" in verify(folder)[0][0]

    def gone(data: bytes) -> NoReturn:
        raise FileNotFoundError

    monkeypatch.setattr(sealing, "unseal", gone)
    assert verify(folder) == ([], [])


def test_a_trial_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    folder.spec.write_text("{}")
    (damage,), unverified = verify(folder)
    assert str(folder.spec) in damage
    assert unverified == []


def test_without_a_manifest_only_the_form_is_verified(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    remove_manifest(folder)
    damage, (line,) = verify(folder)
    assert damage == []
    assert line == f"{folder.path} has no manifest.json: only the form of its files was verified"


def test_a_trial_that_has_not_ended_needs_no_manifest(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    remove_manifest(folder)
    folder.result.unlink()
    folder.write_status("interrupted", "stopped")
    assert verify(folder) == ([], [])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_manifest, "manifest.json is not a manifest"),
        (take_anothers_manifest, "manifest.json is the manifest of another"),
        (lose_evaluations, "metrics.jsonl cannot be read: No such file or directory"),
        (add_evaluations, "metrics.jsonl is not in the manifest: it was added later"),
    ],
)
def test_all_damage_is_told(tmp_path: Path, damage: Callable[[TrialFolder], None], message: str) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    damage(folder)
    (line,), unverified = verify(folder)
    assert message in line
    assert unverified == []


def test_a_file_of_another_version_is_not_verified_and_the_others_are(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    path = folder.path / manifest.NAME
    content = json.loads(path.read_text())
    content["files"] |= {"a-later-versions.bin": "ab" * 32, folder.metrics.name: "cd" * 32}
    path.write_text(json.dumps(content))
    (damage,), (unverified,) = verify(folder)
    assert "metrics.jsonl is damaged" in damage
    assert unverified == f"{path} names a-later-versions.bin, which this version does not know"


def test_each_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    folder = trial(tmp_path, "vanilla", 0, 1.0)
    whole = sealing.seal(b"state")
    for path in (folder.checkpoint, previous_checkpoint(folder.checkpoint)):
        path.write_bytes(whole)
    assert verify(folder) == ([], [])
    for path in (folder.checkpoint, previous_checkpoint(folder.checkpoint)):
        path.write_bytes(whole[:-1])
    damage, _ = verify(folder)
    assert [line.split()[0] for line in damage] == [
        str(folder.checkpoint), str(previous_checkpoint(folder.checkpoint))]  # fmt: skip
    folder.checkpoint.unlink()
    folder.checkpoint.mkdir()
    assert verify(folder)[0][0].startswith(f"{folder.checkpoint} cannot be read: Is a directory; ")


@pytest.mark.parametrize(
    ("last", "previous", "ends"),
    [
        (b"torn", sealing.seal(b"whole"), ["the trial resumes from checkpoint.previous.pt"]),
        (sealing.seal(b"whole"), b"torn", ["the trial resumes from checkpoint.pt"]),
        (b"torn", b"torn", ["the trial starts again from its first step"] * 2),
        (b"torn", None, ["the trial starts again from its first step"]),
        (sealing.seal(b"whole"), None, []),
    ],
)
def test_a_damaged_checkpoint_says_from_where_the_trial_goes_on(
    tmp_path: Path, last: bytes, previous: bytes | None, ends: list[str]
) -> None:
    folder = trial(tmp_path, "hinge", 0, 1.0)
    folder.checkpoint.write_bytes(last)
    if previous is not None:
        previous_checkpoint(folder.checkpoint).write_bytes(previous)
    assert [line.rpartition("; ")[2] for line in verify(folder).damage] == ends
