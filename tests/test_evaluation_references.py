"""The cache of reference features."""

import multiprocessing
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import filelock
import pytest
import torch
from torch import Tensor

from ganbench.evaluation import references
from ganbench.evaluation.references import ReferenceKey, content_digest, decode, encode, recall

KEY = ReferenceKey(
    fingerprint="f" * 64,
    preprocessing="uint8, 1 channels to 1",
    extractor="ganbench-digits",
    extractor_code="c" * 64,
    extractor_sha256="e" * 64,
    layers=("64", "logits"),
    device="cpu",
    versions=("torch 1",),
)


class Counted:
    """A computation that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Mapping[str, Tensor]:
        self.calls += 1
        return {"features": torch.arange(6.0).view(2, 3), "mu": torch.ones(3), "sigma": torch.eye(3).double()}


def test_computed_once(tmp_path: Path) -> None:
    compute = Counted()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = recall(KEY, compute, cache=tmp_path)
        second = recall(KEY, compute, cache=tmp_path)
    assert compute.calls == 1
    assert all(torch.equal(first[name], second[name]) and first[name].dtype == second[name].dtype for name in first)


def test_no_cache_keeps_nothing(tmp_path: Path) -> None:
    compute = Counted()
    recall(KEY, compute, cache=None)
    recall(KEY, compute, cache=None)
    assert compute.calls == 2
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "0" * 64},
        {"preprocessing": "uint8, 1 channels to 3"},
        {"extractor_code": "0" * 64},
        {"extractor_sha256": "0" * 64},
        {"layers": ("logits", "64")},
        {"device": "cuda"},
        {"versions": ("torch 2",)},
    ],
)
def test_whatever_decides_the_features_decides_the_entry(tmp_path: Path, change: dict[str, str]) -> None:
    compute = Counted()
    recall(KEY, compute, cache=tmp_path)
    recall(replace(KEY, **change), compute, cache=tmp_path)  # type: ignore[arg-type]
    assert compute.calls == 2


@pytest.mark.parametrize("damage", ["truncated", "bit", "empty", "text"])
def test_a_damaged_entry_is_reported_and_rebuilt(tmp_path: Path, damage: str) -> None:
    compute = Counted()
    right = recall(KEY, compute, cache=tmp_path)
    path = tmp_path / KEY.name
    data = path.read_bytes()
    flipped = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    path.write_bytes({"truncated": data[:-9], "bit": flipped, "empty": b"", "text": b"not a tensor"}[damage])
    with pytest.warns(RuntimeWarning, match="is damaged .* it is computed again") as told:
        again = recall(KEY, compute, cache=tmp_path)
    assert len(told) == 1
    assert compute.calls == 2
    assert torch.equal(again["features"], right["features"])
    assert torch.equal(decode(path.read_bytes())["sigma"], right["sigma"])


def test_while_an_entry_is_computed_nobody_else_computes_it(tmp_path: Path) -> None:
    def held() -> bool:
        try:
            with filelock.FileLock(tmp_path / f".{KEY.name}.lock", timeout=0, is_singleton=False):
                return False
        except filelock.Timeout:
            return True

    seen: list[bool] = []

    def compute() -> Mapping[str, Tensor]:
        seen.append(held())
        return Counted()()

    recall(KEY, compute, cache=tmp_path)
    assert seen == [True]
    assert not held()


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.warns(RuntimeWarning) as told:
        found = recall(KEY, Counted(), cache=blocked / "cache")
    assert found["features"].shape == (2, 3)
    (warning,) = told
    assert str(warning.message).startswith("features of the reference are not cached: cannot write ")
    assert ";" not in str(warning.message), "what to do is for those who wrote there on purpose"


def test_who_waits_too_long_computes_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "LOCK_SECONDS", 0.0)
    compute = Counted()
    with filelock.FileLock(tmp_path / f".{KEY.name}.lock", is_singleton=False):
        recall(KEY, compute, cache=tmp_path)
    assert compute.calls == 1
    assert (tmp_path / KEY.name).is_file()


def test_content_round_trips_without_pickle() -> None:
    tensors = Counted()()
    data = encode(tensors)
    assert b"pickle" not in data
    assert all(torch.equal(value, decode(data)[name]) for name, value in tensors.items())
    with pytest.raises(ValueError, match="not a cache entry"):
        decode(b"\x80\x04K\x01.")


def test_the_digest_is_of_names_types_and_shapes_too() -> None:
    """Else the bytes of one tensor would pass for another's."""
    zeros = torch.zeros(2, 3)
    others: list[dict[str, Tensor]] = [
        {"a": zeros}, {"b": zeros}, {"a": zeros.int()}, {"a": zeros.view(3, 2)}, {"a": zeros + 1},
        {"a": zeros[:1], "b": zeros[1:]},
    ]  # fmt: skip
    assert len({content_digest(tensors) for tensors in others}) == len(others)
    assert content_digest({"a": zeros, "b": zeros + 1}) == content_digest({"b": zeros + 1, "a": zeros})
    assert content_digest({"a": zeros.T.contiguous().T}) == content_digest({"a": zeros})


def test_what_another_process_made_while_this_one_waited_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that holds the lock is done when this one gets it."""
    made = {"features": torch.ones(3)}

    @contextmanager
    def waited_for(path: Path) -> Iterator[None]:
        path.write_bytes(encode(made))
        yield

    monkeypatch.setattr(references, "_lock", waited_for)
    compute = Counted()
    assert torch.equal(recall(KEY, compute, cache=tmp_path)["features"], made["features"])
    assert compute.calls == 0


def slow(folder: str) -> int:
    import time

    calls = 0

    def compute() -> Mapping[str, Tensor]:
        nonlocal calls
        calls += 1
        time.sleep(0.3)
        return {"features": torch.ones(3)}

    recall(KEY, compute, cache=Path(folder))
    return calls


@pytest.mark.slow
def test_of_several_processes_one_computes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        calls = pool.map(slow, [str(tmp_path)] * 3)
    assert sum(calls) == 1
    assert len(list(tmp_path.glob("*.safetensors"))) == 1
