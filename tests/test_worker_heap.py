"""A trial's process keeps the memory that it frees."""

import subprocess
import sys

import pytest

from ganbench.worker.heap import keep_freed_memory

FREE_AND_ASK_AGAIN = """
import resource, torch
from ganbench.worker.heap import keep_freed_memory
torch.set_num_threads(1)
kept = {keep} and keep_freed_memory()
def faults():
    for _ in range(10):
        torch.zeros(16 * 2**20)  # 64 MiB, more than glibc ever keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
first = faults()
print(int(kept), faults() - first)
"""


def faults(*, keep: bool) -> tuple[bool, int]:
    program = FREE_AND_ASK_AGAIN.format(keep=keep)
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    kept, count = map(int, found.stdout.split())
    return bool(kept), count


def test_pages_are_mapped_once() -> None:
    kept, count = faults(keep=True)
    if not kept:
        pytest.skip("the C library has no mallopt")
    _, usually = faults(keep=False)
    assert count * 20 < usually


def test_a_c_library_without_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda name: object())
    assert not keep_freed_memory()


@pytest.mark.parametrize("error", [OSError, TypeError])  # of Windows, where a process has no library without a name
def test_where_there_is_no_c_library_to_ask_nothing_is_kept(
    error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: None) -> None:
        raise error

    monkeypatch.setattr("ctypes.CDLL", missing)
    assert not keep_freed_memory()


@pytest.mark.parametrize(("answers", "kept"), [((1, 1), True), ((1, 0), False), ((0, 1), False)])
def test_memory_is_kept_where_the_library_takes_both_settings(
    answers: tuple[int, int], kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []

    class Library:
        def mallopt(self, setting: int, value: int) -> int:
            calls.append((setting, value))
            return answers[len(calls) - 1]

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    assert keep_freed_memory() is kept
    # Of malloc.h: M_TRIM_THRESHOLD, of no size, and M_MMAP_MAX, none.
    assert calls == [(-1, -1), (-4, 0)][: len(calls)]
    assert len(calls) == 2 or not kept
