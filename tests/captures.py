"""What stands for a CUDA graph, and for GPUs, where there is none."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from ganbench.training.capture import Capture

DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")]
    ),
]
"""For what is to be seen on a GPU. On a CPU, where so few steps are not recorded, it must at least run."""


def again(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
    """Stands for a CUDA graph: nothing happens while it is recorded, all of it when it is replayed."""
    return work


def stale(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
    """A recording that goes wrong: the same noise at every replay."""
    states = [generator.get_state() for generator in generators]
    for generator in generators:
        generator.manual_seed(99)
    frozen = [generator.get_state() for generator in generators]
    for generator, state in zip(generators, states, strict=True):
        generator.set_state(state)

    def replay() -> None:
        for generator, state in zip(generators, frozen, strict=True):
            generator.set_state(state)
        work()

    return replay


def refused(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
    raise RuntimeError("operation not permitted when stream is capturing")


def of_another_torch(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
    raise AttributeError("'CUDAGraph' object has no attribute 'replay'")


class Noticed:
    """Records, and says whether it was asked to."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self, work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        self.asked = True
        return work


class Played:
    """Records by another, and counts what it plays."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self.times = 0

    def __call__(self, work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        replay = self._capture(work, generators)

        def played() -> object:
            self.times += 1
            return replay()

        return played


class Cards:
    """Two GPUs without anything on them: which is the current one, and what waits for what."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.current = 0
        self.stream: dict[int, object] = {0: "default of 0", 1: "default of 1"}
        cards = self

        class Stream:
            def __init__(self, device: torch.device | None = None) -> None:
                self.device = cards.current if device is None else device.index
                self.waits: list[object] = []

            def wait_stream(self, other: object) -> None:
                self.waits.append(other)

        @contextlib.contextmanager
        def device(wanted: torch.device) -> Iterator[None]:
            before, cards.current = cards.current, wanted.index
            yield
            cards.current = before

        @contextlib.contextmanager
        def stream(wanted: Stream) -> Iterator[None]:
            before, cards.stream[wanted.device] = cards.stream[wanted.device], wanted
            yield
            cards.stream[wanted.device] = before

        for index in range(2):
            self.stream[index] = Stream(torch.device("cuda", index))
        monkeypatch.setattr(torch.cuda, "Stream", Stream)
        monkeypatch.setattr(torch.cuda, "device", device)
        monkeypatch.setattr(torch.cuda, "stream", stream)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device=None: cards.stream[device.index])
        monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
        monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: None)
        monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.zeros(1))
        monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
