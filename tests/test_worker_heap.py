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
