"""What is noted of a trial that was handed to a cluster: whose it is, and what a note is not."""

import os
import time
from pathlib import Path
from unittest.mock import Mock

import pytest

from ganbench.errors import UsageError
from ganbench.files import write_json
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import Handed, forget, got_on, left_behind, read_handed, refuse_what_others_hold


def test_what_was_handed_over_is_remembered_until_the_trial_has_ended(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    handed = Handed("slurm", "1124-230000-abcdef", 3, 1, time.time())
    handed.write(tmp_path)
    folder.write_status("running")
    assert read_handed(folder) == handed
    folder.write_status("done")
    assert read_handed(folder) is None
    folder.write_status("pending")
    forget(tmp_path)
    assert read_handed(folder) is None
    assert os.listdir(tmp_path) == ["status.json"]


def test_of_a_folder_that_is_closed_to_this_user_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails by itself, and no other trial with it."""
    monkeypatch.setattr(Path, "exists", Mock(side_effect=PermissionError(13, "Permission denied")))
    assert read_handed(TrialFolder(tmp_path)) is None


@pytest.mark.parametrize(
    "change",
    [{"submission": "../../elsewhere"}, {"submission": 3}, {"index": "../x"}, {"executor": None}, {"time": "now"}],
)
def test_a_note_that_was_not_written_here_is_none(tmp_path: Path, change: dict[str, object]) -> None:
    folder = TrialFolder(tmp_path)
    folder.write_status("pending")
    content = {"executor": "slurm", "submission": "1124-230000-abcdef", "index": 3, "attempt": 1, "time": 1.0}
    write_json(Handed.path(tmp_path), content)
    assert read_handed(folder) is not None
    assert not left_behind(folder, "pending")
    write_json(Handed.path(tmp_path), content | change)
    assert read_handed(folder) is None
    assert left_behind(folder, "pending"), "it would be waited for without end"


def test_nobody_trains_beside_the_cluster_that_a_trial_was_left_to(tmp_path: Path) -> None:
    folders = [TrialFolder(tmp_path / name) for name in ("free", "left")]
    for folder in folders:
        folder.path.mkdir()
        folder.write_status("pending")
    Handed("slurm", "1124-230000-abcdef", 3, 1, time.time()).write(folders[1].path)
    refuse_what_others_hold(folders, "ganbench:slurm")
    refuse_what_others_hold(folders[:1], "local")
    with pytest.raises(UsageError, match=r"^left was left to slurm .*task 3\); collect it with --executor slurm"):
        refuse_what_others_hold(folders, "local")


@pytest.mark.parametrize(
    ("starts", "attempts", "further"),
    [
        ([], [], True),
        ([1.0], [], False),
        ([1.0], [(1.0, 0)], True),
        ([1.0, 2.0], [(1.0, 0), (2.0, 300)], True),
        ([1.0, 2.0], [(1.0, 0), (2.0, 0)], False),
        ([1.0, 2.0, 3.0], [(1.0, 0), (2.0, 300)], False),
        ([1.0, 2.0, 3.0], [(1.0, 0), (3.0, 300)], True),
    ],
    ids=["never started", "no step", "first stop", "further", "not further", "not begun again", "begun after all"],
)
def test_a_stopped_trial_is_submitted_again_only_where_it_got_on(
    tmp_path: Path, starts: list[float], attempts: list[tuple[float, int]], further: bool
) -> None:
    folder = TrialFolder(tmp_path)
    for began in starts:
        folder.append_start({"time": began})
    for began, step in attempts:
        folder.append_attempt({"time": began, "step": step})
    assert got_on(folder) is further
