"""A recording that fails leaves torch as it was: without a GPU, what stands for it goes wrong as torch does."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.torch_version import TorchVersion

from ganbench.training.capture import capture_on_cuda


class FakeGenerator:
    """As a generator on a GPU: one that is being recorded refuses to draw."""

    def __init__(self) -> None:
        self.recording = False

    def clone_state(self) -> "FakeGenerator":
        return FakeGenerator()

    def graphsafe_set_state(self, state: "FakeGenerator") -> None:
        self.recording = state.recording


class Gpu:
    """Stands for torch's part in recording, whose end fails where something was not permitted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ends: str = "_cuda_endAllocateToPool") -> None:
        self.of_device = FakeGenerator()
        self.streams: list[object] = ["current"]
        self.registered: list[FakeGenerator] = []
        self.recording_into: list[object] = []
        self.released: list[object] = []
        gpu = self

        class Graph:
            def register_generator_state(self, generator: FakeGenerator) -> None:
                generator.recording = True
                gpu.registered.append(generator)

            def replay(self) -> None:
                pass

        @contextlib.contextmanager
        def begin(graph: Graph, *, pool: object, stream: object, **options: Any) -> Iterator[None]:
            gpu.of_device.recording = True
            gpu.streams.append(stream)
            gpu.recording_into.append(pool)
            yield
            gpu.recording_into.remove(pool)  # as in torch, not where ending the recording fails
            gpu.streams.pop()

        def end(device: int, pool: object) -> None:
            if pool not in gpu.recording_into:
                raise RuntimeError("not currently recording to mempool_id")
            gpu.recording_into.remove(pool)

        for name in ("_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool"):
            monkeypatch.delattr(torch._C, name, raising=False)
        monkeypatch.setattr(torch._C, ends, end, raising=False)
        monkeypatch.setattr(
            torch._C, "_cuda_releasePool", lambda device, pool: gpu.released.append(pool), raising=False
        )
        monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
        monkeypatch.setattr(torch.cuda, "graph", begin)
        monkeypatch.setattr(torch.cuda, "graph_pool_handle", lambda: (0, 7))
        monkeypatch.setattr(torch.cuda, "default_generators", (self.of_device,))
        monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda: self.streams[-1])


def fails() -> Tensor:
    raise RuntimeError("operation not permitted when stream is capturing")


def test_a_failed_recording_leaves_generators_that_draw_and_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    own, gpu = FakeGenerator(), Gpu(monkeypatch)
    with pytest.raises(RuntimeError, match="not permitted"):
        capture_on_cuda(fails, [own])  # type: ignore[list-item]
    assert not own.recording
    assert not gpu.of_device.recording
    assert torch.cuda.current_stream() == "current"


@pytest.mark.parametrize("ends", ["_cuda_endAllocateToPool", "_cuda_endAllocateCurrentStreamToPool"])
def test_a_failed_recording_leaves_its_memory_to_be_freed(monkeypatch: pytest.MonkeyPatch, ends: str) -> None:
    gpu = Gpu(monkeypatch, ends)
    with pytest.raises(RuntimeError, match="not permitted"):
        capture_on_cuda(fails, [])
    assert gpu.recording_into == []
    assert gpu.released == [(0, 7)]


@pytest.mark.parametrize(
    ("version", "asks"), [("2.6.0+cu124", True), ("2.13.1", True), ("2.14.0", False), ("2.14.1+cu130", False)]
)
def test_generators_are_registered_where_torch_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, version: str, asks: bool
) -> None:
    own, gpu = FakeGenerator(), Gpu(monkeypatch)
    monkeypatch.setattr(torch, "__version__", TorchVersion(version))
    capture_on_cuda(lambda: torch.zeros(()), [own])  # type: ignore[list-item]
    assert gpu.registered == [own] * asks


def test_the_memory_of_a_recording_that_succeeds_stays_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch)
    capture_on_cuda(lambda: torch.zeros(()), [])
    assert (gpu.recording_into, gpu.released) == ([], [])


def test_a_recording_that_ended_in_spite_of_an_error_is_not_ended_again(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = Gpu(monkeypatch)

    def ends() -> Tensor:
        gpu.recording_into.clear()
        raise RuntimeError("of what was computed")

    with pytest.raises(RuntimeError, match="of what was computed"):
        capture_on_cuda(ends, [])
    assert gpu.released == []
