"""Checkpoints: whole or set aside, two of them kept, and never a program."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from ganbench.errors import StoreError
from ganbench.records import sealing
from ganbench.records.folder import previous_checkpoint
from ganbench.training import checkpoint
from ganbench.training.checkpoint import DamagedCheckpoint, latest, load, save

CONTENT: dict[str, Any] = {
    "step": 5,
    "seconds": 1.5,
    "state": {
        "weights": torch.arange(6.0).view(2, 3),
        "order": torch.tensor([2, 0, 1]),
        "none": None,
        "list": [1, "a"],
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


def newest(path: Path) -> tuple[dict[str, Any] | None, list[str]]:
    return latest(path, "t", lambda content: content)


def test_what_is_written_is_read(path: Path) -> None:
    save(path, "t", CONTENT)
    found = load(path, "t")
    assert torch.equal(found["state"]["weights"], CONTENT["state"]["weights"])
    assert torch.equal(found["state"]["order"], CONTENT["state"]["order"])
    assert (found["step"], found["seconds"], found["state"]["none"], found["state"]["list"]) == (5, 1.5, None, [1, "a"])


def test_none_is_none(path: Path) -> None:
    assert newest(path) == (None, [])


def test_the_one_before_is_kept(path: Path) -> None:
    for step in (1, 2, 3):
        save(path, "t", {"step": step})
    assert load(path, "t")["step"] == 3
    assert load(previous_checkpoint(path), "t")["step"] == 2
    assert previous_checkpoint(path).name == "checkpoint.previous.pt"
    assert sorted(each.name for each in path.parent.iterdir()) == ["checkpoint.previous.pt", "checkpoint.pt"]
    content, warnings = newest(path)
    assert (content, warnings) == ({"step": 3}, [])


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    changed = {
        "empty": b"",
        "torn in the head": data[:10],
        "torn in the hash": data[:30],
        "torn in the middle": data[: len(data) // 2],
        "one byte short": data[:-1],
        "one byte more": data + b"\0",
        "one bit of the content": data[:-100] + bytes([data[-100] ^ 1]) + data[-99:],
        "one bit of the hash": data[:30] + bytes([data[30] ^ 1]) + data[31:],
        "zeros": bytes(len(data)),
        "another file": b"\x89PNG\r\n\x1a\n" + data,
    }
    path.write_bytes(changed[how])


HOW = ["empty", "torn in the head", "torn in the hash", "torn in the middle", "one byte short", "one byte more",
       "one bit of the content", "one bit of the hash", "zeros", "another file"]  # fmt: skip


@pytest.mark.parametrize("how", HOW)
def test_a_damaged_one_is_set_aside_and_the_one_before_is_used(path: Path, how: str) -> None:
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})
    damage(path, how)
    damaged = path.read_bytes()
    content, warnings = newest(path)
    assert content == {"step": 1}
    assert len(warnings) == 1
    assert "kept as checkpoint.damaged" in warnings[0]
    assert not path.exists()
    assert path.with_name("checkpoint.damaged").read_bytes() == damaged


def test_two_damaged_ones_are_none(path: Path) -> None:
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})
    damage(path, "one byte short")
    damage(previous_checkpoint(path), "empty")
    content, warnings = newest(path)
    assert content is None
    assert len(warnings) == 2
    assert newest(path) == (None, [])
    assert len(list(path.parent.iterdir())) == 2


def test_another_trials_is_not_used(path: Path) -> None:
    save(path, "other", {"step": 1})
    with pytest.raises(DamagedCheckpoint, match="belongs to another trial"):
        load(path, "t")
    content, warnings = newest(path)
    assert content is None
    assert "another trial" in warnings[0]


class Program:
    """What a pickle runs when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("form", ["torch", "pickle"])
@pytest.mark.parametrize("signed", [False, True])
def test_a_program_in_a_checkpoint_is_never_run(path: Path, tmp_path: Path, form: str, signed: bool) -> None:
    mark = tmp_path / "ran"
    if form == "torch":
        torch.save({"trial_id": "t", "content": Program(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Program(mark)))
    payload = path.read_bytes()
    if signed:
        path.write_bytes(sealing.seal(payload))
    content, warnings = newest(path)
    assert content is None
    assert len(warnings) == 1
    assert "\n" not in warnings[0]
    assert not mark.exists()
    pickle.loads(pickle.dumps(Program(mark)))  # it would have
    assert mark.exists()


def test_a_checkpoint_without_content_is_damaged(path: Path) -> None:
    torch.save({"trial_id": "t"}, path)
    payload = path.read_bytes()
    path.write_bytes(sealing.seal(payload))
    content, warnings = newest(path)
    assert content is None
    assert len(warnings) == 1


def test_a_full_disk_leaves_a_usable_checkpoint(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})

    def full(descriptor: int) -> NoReturn:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        for step in (3, 4):
            with pytest.raises(StoreError, match="No space left"):
                save(path, "t", {"step": step})
    content, warnings = newest(path)
    assert (content, warnings) == ({"step": 2}, [])


@pytest.mark.parametrize("name", ["checkpoint.pt", "checkpoint.next.pt"])
def test_a_checkpoint_that_cannot_get_its_name_is_one_that_cannot_be_written(
    path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upon which training goes on, as on a full disk."""
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})
    replace = os.replace

    def stale(source: Path | str, target: Path | str) -> None:
        if Path(source).name == name:
            raise OSError(116, "Stale file handle")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stale)
        with pytest.raises(StoreError, match=r"^cannot write .*checkpoint\.pt: Stale file handle; "):
            save(path, "t", {"step": 3})
    assert newest(path) == ({"step": 2}, [])


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("CUDA error: unspecified launch failure")]
)
def test_a_device_that_fails_costs_no_checkpoint(path: Path, error: RuntimeError) -> None:
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})

    def take(content: dict[str, Any]) -> None:
        raise error

    with pytest.raises(RuntimeError, match="CUDA"):
        latest(path, "t", take)
    assert newest(path) == ({"step": 2}, [])


@pytest.mark.parametrize("where", [lambda view: view, lambda view: {"deep": [view, {"er": view}]}])
def test_of_a_view_its_own_numbers_are_written_and_not_all_that_it_is_a_view_of(
    path: Path, where: Callable[[torch.Tensor], Any]
) -> None:
    whole = torch.arange(100_000.0)
    save(path, "t", {"state": where(whole[7:9])})
    assert path.stat().st_size < 10_000
    found = load(path, "t")["state"]
    for view in [found] if isinstance(found, torch.Tensor) else [found["deep"][0], found["deep"][1]["er"]]:
        assert view.tolist() == [7.0, 8.0]
    assert checkpoint._compact(whole) is whole, "what is whole is not copied: it may fill half the memory"


def test_what_does_not_fit_is_set_aside_with_why_in_one_line(path: Path) -> None:
    def take(content: dict[str, Any]) -> int:
        if content["step"] == 2:
            raise RuntimeError("size mismatch for weight:\n\tcopying a param with shape [2, 3]")
        return int(content["step"])

    for step in (1, 2):
        save(path, "t", {"step": step})
    why = "RuntimeError: size mismatch for weight: copying a param with shape [2, 3]"
    warning = f"checkpoint.pt does not fit ({why}); it is kept as checkpoint.damaged"
    assert latest(path, "t", take) == (1, [warning])

    def lacks(content: dict[str, Any]) -> None:
        raise StoreError("its data are gone")

    save(path, "t", {"step": 3})
    previous_checkpoint(path).unlink()
    assert latest(path, "t", lacks) == (
        None, ["cannot resume from checkpoint.pt: its data are gone; it is kept as checkpoint.damaged"]
    )  # fmt: skip


def test_what_is_no_file_or_no_checkpoint_inside_is_named(path: Path) -> None:
    torch.save([1, 2], path)
    payload = path.read_bytes()
    path.write_bytes(sealing.seal(payload))
    with pytest.raises(DamagedCheckpoint, match=r"^checkpoint\.pt belongs to another trial$"):
        load(path, "t")
    path.unlink()
    path.mkdir()
    with pytest.raises(DamagedCheckpoint, match=r"^checkpoint\.pt cannot be read: Is a directory$"):
        load(path, "t")


def test_removing_takes_both(path: Path) -> None:
    checkpoint.remove(path)
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})
    checkpoint.remove(path)
    assert list(path.parent.iterdir()) == []


def test_what_cannot_be_removed_stays_and_ends_nothing(path: Path) -> None:
    """The trial has its result by then: an error here would make a failure of it."""
    save(path, "t", {"step": 1})
    save(path, "t", {"step": 2})
    path.unlink()
    (path / "kept").mkdir(parents=True)
    checkpoint.remove(path)
    assert [each.name for each in path.parent.iterdir()] == [path.name]
