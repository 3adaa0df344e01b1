"""Each trial of a folder counts once, whatever leads to it."""

import os
import shutil
from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.store.listing import trial_paths
from ganbench.store.results import read_rows
from tests.trials import make_spec, make_trial


def test_a_link_to_a_trial_beside_it_is_no_trial_of_its_own(tmp_path: Path) -> None:
    """Its row would have two seeds of equal numbers, and no spread."""
    first, second = (make_trial(tmp_path, make_spec(seed=seed)) for seed in (0, 1))
    for name in ("latest", "zzz"):  # before and behind the trials, by name
        (tmp_path / name).symlink_to(first.path.name)
    assert trial_paths(tmp_path) == sorted([first.path, second.path])
    rows, complaints = read_rows(tmp_path)
    assert ([row.seed for row in rows], complaints) == ([0, 1], [])


def test_of_links_to_one_trial_elsewhere_one_stands_for_it(tmp_path: Path) -> None:
    trial = make_trial(tmp_path / "archive", make_spec())
    (tmp_path / "runs").mkdir()
    for name in ("b", "a"):
        (tmp_path / "runs" / name).symlink_to(trial.path)
    assert trial_paths(tmp_path / "runs") == [tmp_path / "runs" / "a"]
    assert trial_paths(trial.path) == [trial.path]


def test_another_copy_of_a_trial_is_told_and_does_not_count(tmp_path: Path) -> None:
    trial = make_trial(tmp_path / "runs", make_spec())
    shutil.copytree(tmp_path / "runs", tmp_path / "copies")
    link, copied = tmp_path / "runs" / "a-link", tmp_path / "runs" / "copied"
    link.symlink_to(tmp_path / "copies" / trial.trial_id)
    shutil.copytree(trial.path, copied)
    rows, complaints = read_rows(tmp_path / "runs")
    assert [row.folder for row in rows] == [trial.path]
    assert complaints == [
        f"{copied} contains the trial {trial.trial_id}, which has a folder of that name too; remove one of them",
        f"{link} is another copy of the trial in {trial.path}; remove one of them",
    ]


def test_what_is_no_trial_is_passed_over_and_what_is_no_folder_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    (tmp_path / "notes.txt").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    assert trial_paths(tmp_path) == []
    with pytest.raises(StoreError, match="there is no folder"):
        trial_paths(tmp_path / "gone")


def test_a_trial_that_is_closed_to_this_user_hides_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is listed by its name, and whoever reads it says so; what a file system keeps for itself is passed over."""
    mine = make_trial(tmp_path, make_spec()).path
    closed = [tmp_path / name for name in ("hinge-mlp-ring-s0-0123456789ab", "lost+found")]
    for path in closed:
        path.mkdir()
    access, exists = os.access, Path.exists

    def refused(path: Path) -> bool:
        if path.parent in closed:
            raise PermissionError(13, "Permission denied")
        return exists(path)

    monkeypatch.setattr(Path, "exists", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: path not in closed and access(path, mode))
    assert trial_paths(tmp_path) == sorted([closed[0], mine])
