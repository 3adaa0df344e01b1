"""Which trials may go: never one that could go on, that is newer, or that has changed since it was looked at."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest

from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.store import pruning
from ganbench.store.leases import Leases
from ganbench.store.pruning import candidates, code, question, remove
from ganbench.store.results import Row, read_row
from tests.trials import component, make_spec, make_trial


def trial(runs: Path, *, version: str = "1.0", status: str = "done", ended: float = 0.0, **more: Any) -> Row:
    loss = component("vanilla").model_copy(update={"version": version, "source": f"code{version}"} | more)
    spec = make_spec(loss)
    folder = make_trial(runs, spec, status)
    folder.write_status(status, "boom" if status == "failed" else "", time=ended)
    return read_row(folder)


def going(*rows: Row) -> list[str]:
    return [row.trial_id for row, _ in candidates(rows)]


def test_an_older_version_goes_whichever_was_run_last(tmp_path: Path) -> None:
    old, new = trial(tmp_path, version="0.9", ended=2.0), trial(tmp_path, version="0.10", ended=1.0)
    assert going(old, new) == going(new, old) == [old.trial_id]
    ((_, why),) = candidates([old, new])
    assert why == f"superseded by {new.trial_id}"


def test_other_code_of_one_version_is_ordered_by_time(tmp_path: Path) -> None:
    first, second = trial(tmp_path, source="a", ended=1.0), trial(tmp_path, source="b", ended=2.0)
    assert going(first, second) == [first.trial_id]


def test_versions_that_cannot_be_ordered_stay(tmp_path: Path) -> None:
    assert going(trial(tmp_path, version="1.0"), trial(tmp_path, version="1.1.dev3+g12")) == []


def test_versions_that_are_written_otherwise_do_not_supersede_each_other(tmp_path: Path) -> None:
    assert going(trial(tmp_path, version="1.0", ended=1.0), trial(tmp_path, version="1.00", ended=2.0)) == []


def test_one_with_an_older_component_supersedes_nothing(tmp_path: Path) -> None:
    rows = []
    for ours, theirs in (("1.0", "2.0"), ("2.0", "1.0")):
        spec = make_spec(component("vanilla", version=ours))
        spec = spec.model_copy(update={"architecture": component("dcgan", version=theirs)})
        rows.append(read_row(make_trial(tmp_path, spec, "done")))
    assert going(*rows) == []


def test_the_last_of_several_is_the_one_that_supersedes(tmp_path: Path) -> None:
    rows = [trial(tmp_path, version=f"1.{number}", ended=number) for number in (2, 3, 1)]
    assert [why for _, why in candidates(rows)] == [f"superseded by {rows[1].trial_id}"] * 2


def test_of_two_that_ended_at_once_one_stays(tmp_path: Path) -> None:
    rows = [trial(tmp_path, source=source, ended=1.0) for source in ("a", "b")]
    assert len(going(*rows)) == 1


def test_what_somebody_works_on_stays(tmp_path: Path) -> None:
    old, new = trial(tmp_path, version="0.9"), trial(tmp_path, version="0.10")
    leases = Leases()
    assert leases.take(old.folder)
    try:
        assert going(old, new) == []
        assert not remove(old)
    finally:
        leases.release_all()
    assert going(old, new) == [old.trial_id]
    assert remove(old)


def test_a_link_to_a_trial_stays(tmp_path: Path) -> None:
    row = trial(tmp_path / "theirs", status="failed")
    link = tmp_path / row.trial_id
    link.symlink_to(row.folder)
    assert not remove(read_row(TrialFolder(link)))
    assert link.is_symlink()
    assert row.folder.is_dir()


@pytest.mark.parametrize("name", ["checkpoint.pt", "checkpoint.previous.pt"])
def test_a_failed_trial_that_can_go_on_stays(tmp_path: Path, name: str) -> None:
    row = trial(tmp_path, status="failed")
    assert going(row) == [row.trial_id]
    (row.folder / name).write_bytes(b"x")
    assert going(row) == []
    assert not remove(row)


def test_a_trial_that_was_finished_meanwhile_is_not_removed(tmp_path: Path) -> None:
    row = trial(tmp_path, status="failed")
    make_trial(tmp_path, row.spec, "done")  # in another terminal, while the question waited for its answer
    assert not remove(row)
    assert TrialFolder(row.folder).read_status()["status"] == "done"
    assert remove(read_row(TrialFolder(row.folder)))
    assert not row.folder.exists()


def test_another_question_is_superseded_by_nothing(tmp_path: Path) -> None:
    """Whatever it is in: a number of the recipe, a parameter, a list, the seed."""
    specs = [make_spec(), make_spec(n_critic=5), make_spec(seed=1), make_spec(metrics=("fid",)), make_spec("hinge"),
             make_spec(component("vanilla", parameters={"margin": 1.0}))]  # fmt: skip
    assert len({question(read_row(make_trial(tmp_path, spec))) for spec in specs}) == len(specs)
    assert len({code(spec) for spec in specs}) == len(specs)


def test_of_what_is_removed_nothing_is_left_and_what_cannot_be_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = trial(tmp_path / "runs")
    with monkeypatch.context() as patched:
        refused = Mock(side_effect=PermissionError(1, "Operation not permitted"))
        patched.setattr(pruning, "os", SimpleNamespace(getpid=os.getpid, rename=refused))
        with pytest.raises(StoreError, match=r"^cannot remove .*: Operation not permitted$"):
            remove(row)
    assert read_row(TrialFolder(row.folder)) == row
    assert remove(row)
    assert list((tmp_path / "runs").iterdir()) == []
