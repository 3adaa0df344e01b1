"""Which trial is meant by a folder, a name or the beginning of a name; what is none is refused in one line."""

import os
from pathlib import Path

import pytest

from ganbench.errors import StoreError
from ganbench.records.finding import find_trained, find_trial, name_of
from tests.trials import make_spec, make_trial


@pytest.fixture
def names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Trials under ``runs``, in a folder that is the current one: two of ``hinge``, one of ``vanilla``."""
    monkeypatch.chdir(tmp_path)
    wanted = (("hinge", 0), ("hinge", 1), ("vanilla", 0))
    return [make_trial(Path("runs"), make_spec(loss, seed=seed)).path.name for loss, seed in wanted]


def test_a_trial_is_named_by_its_folder_its_name_or_the_beginning_of_it(names: list[str], tmp_path: Path) -> None:
    first, _, vanilla = names
    for word in (f"runs/{vanilla}", tmp_path / "runs" / vanilla, vanilla, f"{vanilla}/", vanilla[:-1], "v"):
        assert find_trial(word).path.resolve() == tmp_path / "runs" / vanilla
    assert find_trial(first, Path("runs")).trial_id == first
    assert name_of("v", Path("runs")) == vanilla
    assert name_of("x", Path("runs")) is None
    assert name_of("v", Path("nowhere")) is None
    # A name goes before longer ones that begin with it.
    (tmp_path / "runs" / f"{first}-copy").mkdir()
    (tmp_path / "runs" / f"{first}-copy" / "spec.json").touch()
    assert find_trial(first).trial_id == first


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("hinge", r"^the names of 2 trials in runs begin with 'hinge'; write more of the name$"),
        ("hige", r"^there is no trial 'hige', neither as a folder nor in runs; "),
        ("runs", r"^runs is a folder of trials; name one of them, e\.g\. runs/\w"),
        ("other", r"^other is not the folder of a trial, which contains spec\.json; 'ganbench runs list' shows them$"),
    ],
)
def test_what_is_no_trial_is_refused_in_one_line(word: str, complaint: str, names: list[str]) -> None:
    Path("other").mkdir()
    with pytest.raises(StoreError, match=complaint):
        find_trial(word)


def test_who_can_name_a_folder_of_trials_is_told_how(names: list[str]) -> None:
    with pytest.raises(StoreError, match=r", or that folder with --out runs$"):
        find_trial("runs", Path("elsewhere"), option="--out")
    with pytest.raises(StoreError, match=r"^there is no trial 'v', neither .* in elsewhere, which contains no trials$"):
        find_trial("v", Path("elsewhere"))
    Path("elsewhere").mkdir()
    Path("runs").rename("elsewhere/runs")
    with pytest.raises(StoreError, match=r"in elsewhere, which contains no trials; there are some in elsewhere/runs$"):
        find_trial("v", Path("elsewhere"))


def test_one_that_has_lost_its_specification_is_found_and_says_so(names: list[str]) -> None:
    (Path("runs") / names[2] / "spec.json").unlink()
    with pytest.raises(StoreError, match=r"cannot read .*spec\.json"):
        find_trial(f"runs/{names[2]}").read_spec()


def test_one_that_is_closed_to_this_user_is_found_by_its_name(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that whoever reads it says so, and not that there is no such trial."""
    closed, access, is_file = Path("runs") / names[2], os.access, Path.is_file

    def refused(path: Path) -> bool:
        if path.parent == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    (closed / "spec.json").unlink()  # as a look into it finds nothing
    for word in (names[2], "v"):
        assert find_trial(word).path == closed
    with pytest.raises(StoreError, match=r"^cannot read d/\S*/spec\.json: File name too long$"):
        find_trial("/".join(["d"] * 2047))  # it is short enough itself
    with pytest.raises(StoreError, match=r"^cannot read runs/vanilla-\S*/spec\.json: Permission denied$"):
        find_trial(closed)


def test_one_without_a_generator_is_refused_where_that_is_needed(names: list[str]) -> None:
    with pytest.raises(StoreError, match=r"has lost its generator\.safetensors"):
        find_trained("v")
    (Path("runs") / names[2] / "generator.safetensors").touch()
    assert find_trained("v").trial_id == names[2]
