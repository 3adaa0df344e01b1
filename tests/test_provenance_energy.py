"""Energy, with a library in NVML's place: nothing here has a GPU."""

import ctypes
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ganbench.provenance import energy, environment


class Library:
    """Answers as NVML does: 0 is success, numbers come back through pointers."""

    def __init__(self, *, initialises: bool = True, counts: bool = True) -> None:
        self.initialises, self.counts = initialises, counts

    def nvmlInit_v2(self) -> int:  # noqa: N802
        return 0 if self.initialises else 9

    def nvmlDeviceGetHandleByUUID(self, name: Any, handle: Any) -> int:  # noqa: N802
        handle._obj.value = 7
        return 0 if name.value in (b"GPU-abc", b"MIG-1") else 6

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: Any, millijoules: Any) -> int:  # noqa: N802
        assert handle.value == 7
        millijoules._obj.value = 12_345_678
        return 0 if self.counts else 3


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    energy._library.cache_clear()
    yield
    energy._library.cache_clear()


def test_joules_of_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Library())
    assert energy.joules("abc") == energy.joules("GPU-abc") == energy.joules("MIG-1") == 12345.678
    assert energy.joules("other") is None


@pytest.mark.parametrize("library", [Library(initialises=False), Library(counts=False), object()])
def test_a_library_that_cannot_count(library: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert energy.joules("abc") is None


def test_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(energy, "LIBRARY", "lib-that-is-not-there.so")
    assert energy.joules("abc") is None


def test_a_processor_counts_no_energy() -> None:
    assert environment.energy_joules(torch.device("cpu")) is None
