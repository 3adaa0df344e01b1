"""A whole step recorded once as a CUDA graph and replayed: on a GPU a small step is bound by launches.

What a step draws on the host, the indices of its real samples, is put into a fixed place before each replay; noise
comes from the trial's own generators on the device, which take part in the graph. The first steps run as they are, on a
stream of their own, so that everything is allocated; the next is recorded, run both ways from one state, and compared.
Where recording fails, or the two differ, the trial goes on as it was, and says so in one line of its log.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench import seeds
from ganbench.spec import Recipe
from ganbench.training.optimisers import optimiser_tensors
from ganbench.training.state import State

Work = Callable[[], Tensor]
Capture = Callable[[Work, list[torch.Generator]], Callable[[], object]]
"""Records what a function does on the device, without doing it; returns what does it."""

WARM_UP = 3
DRAWN_ON_DEVICE = (seeds.NOISE, seeds.PENALTY, seeds.AUGMENT)


def capture_on_cuda(work: Work, generators: list[torch.Generator]) -> Callable[[], object]:
    """Record ``work`` as a CUDA graph in which ``generators`` go on drawing; return the function that replays it."""
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        work()
    return graph.replay


def obstacle(state: State, recipe: Recipe, remembers: bool) -> str:
    """Say what in a recipe is decided on the host at every step, so that its steps cannot be recorded; else empty.

    Args:
        state: the trial's.
        recipe: the trial's.
        remembers: whether a penalty keeps something from one update to the next.
    """
    if recipe.replay:
        return "a history of fakes"
    if state.conditioning != "none":
        return "class labels"
    if state.adaptation is not None:
        return "adaptive augmentation"
    if remembers:
        return "a penalty that remembers earlier updates"
    if recipe.lr_schedule != "constant" and recipe.optimizer != "adam":
        return f"{recipe.optimizer} with a learning rate that changes"
    return ""


class Recorded:
    """Does a step's work, recorded as soon as possible.

    Args:
        state: the trial's.
        work: one whole step; returns its losses as one tensor. It draws real samples by ``state.batches`` alone.
        batches: how many batches of real samples a step draws.
        seen: how many real samples a step counts as seen.
        capture: how to record; tests replace it.
    """

    def __init__(
        self, state: State, work: Work, *, batches: int, seen: int, capture: Capture = capture_on_cuda
    ) -> None:
        self._state = state
        self._work = work
        self._batches = batches
        self._seen = seen
        self._capture = capture
        self._calls = 0
        self._replay: Callable[[], object] | None = None
        self._losses: Tensor | None = None
        self.given_up = ""

    def __call__(self) -> Tensor:
        """Do one step; return its losses, a tensor of their own."""
        self._calls += 1
        self._state.batches.stage(self._batches)
        if self._replay is None and not self.given_up and self._calls > WARM_UP:
            self._record()
        if self._replay is not None:
            return self._replayed()
        losses = self._eager()
        if self._losses is None:
            self._losses = torch.empty_like(losses)
        return losses

    def _eager(self) -> Tensor:
        if self._state.device.type != "cuda" or self.given_up:
            return self._work()
        stream = torch.cuda.Stream(self._state.device)
        stream.wait_stream(torch.cuda.current_stream(self._state.device))
        with torch.cuda.stream(stream):
            losses = self._work()
        torch.cuda.current_stream(self._state.device).wait_stream(stream)
        return losses

    def _replayed(self) -> Tensor:
        assert self._replay is not None
        assert self._losses is not None
        before = self._state.real_images
        self._replay()
        self._state.real_images = before + self._seen
        return self._losses.clone()

    def _record(self) -> None:
        kept = _Kept(self._state)
        try:
            self._state.g_optimiser.zero_grad(set_to_none=True)
            self._state.d_optimiser.zero_grad(set_to_none=True)
            self._replay = self._capture(self._into_place, [self._state.streams[name] for name in DRAWN_ON_DEVICE])
            kept.restore()
            self._replayed()
            found = kept.now()
            kept.restore()
            self._work()
            torch.testing.assert_close(found, kept.now(), rtol=1e-3, atol=1e-5, equal_nan=True)
        except (RuntimeError, AssertionError) as error:
            self._replay = None
            self.given_up = " ".join(str(error).split())[:200] or type(error).__name__
            print(f"steps are not recorded as a CUDA graph: {self.given_up}", flush=True)
        kept.restore()

    def _into_place(self) -> Tensor:
        assert self._losses is not None
        return self._losses.copy_(self._work())


class _Kept:
    """A state as it was, to be put back into the very same tensors, which a recorded step refers to."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tensors = [
            tensor
            for network in (state.generator, state.discriminator)
            for tensor in (*network.parameters(), *network.buffers())
        ]
        self._tensors += [*optimiser_tensors(state.g_optimiser), *optimiser_tensors(state.d_optimiser)]
        self._values = self.now()
        self._streams = [state.streams[name].get_state() for name in DRAWN_ON_DEVICE]
        self._images = state.real_images

    def now(self) -> list[Tensor]:
        """Copies of all tensors as they are at present."""
        return [tensor.detach().clone() for tensor in self._tensors]

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back, the place in the staged batches included."""
        for tensor, value in zip(self._tensors, self._values, strict=True):
            tensor.copy_(value)
        for name, value in zip(DRAWN_ON_DEVICE, self._streams, strict=True):
            self._state.streams[name].set_state(value)
        self._state.real_images = self._images
        self._state.batches.rewind()
