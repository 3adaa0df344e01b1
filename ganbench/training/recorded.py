"""A whole step recorded once as a CUDA graph and replayed: on a GPU a small step is bound by launches.

What a step draws on the host, the indices of its real samples, is put into a fixed place before each replay; noise
comes from the trial's own generators on the device, which take part in the graph. The first steps run as they are, on a
stream of their own, so that everything is allocated; the next is recorded, run both ways from one state, and compared.
Where recording fails, or the two differ, the trial goes on as it was, and says so in one line of its log.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor

from ganbench import environment
from ganbench.errors import in_one_line
from ganbench.spec import Recipe
from ganbench.training.capture import Capture, Work, capture_on_cuda
from ganbench.training.kept import DRAWN_ON_DEVICE, Kept
from ganbench.training.state import State

WARM_UP = 3
TOLERANCE = 0.05
"""How far a recorded step may end from the step itself, as a share of how far the step went."""
SPREAD = 10.0
"""And how far in addition, as a multiple of what the step itself differs by when it is run twice."""


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
        parts: what takes part in a step besides the networks: loss, penalties, augmentations.
        obstacle: says why steps cannot be recorded, where they cannot; asked after the first few.
        capture: how to record; tests replace it.
    """

    def __init__(
        self,
        state: State,
        work: Work,
        *,
        batches: int,
        seen: int,
        parts: Sequence[object] = (),
        obstacle: Callable[[], str] = str,
        capture: Capture = capture_on_cuda,
    ) -> None:
        self._state = state
        self._work = work
        self._batches = batches
        self._seen = seen
        self._parts = parts
        self._obstacle = obstacle
        self._capture = capture
        self._calls = 0
        self._replay: Callable[[], object] | None = None
        self._losses: Tensor | None = None
        self._stream: torch.cuda.Stream | None = None
        self.given_up = ""

    def __call__(self) -> Tensor:
        """Do one step; return its losses, a tensor of their own."""
        device = self._state.device
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            return self._step()

    def _step(self) -> Tensor:
        self._calls += 1
        self._state.batches.stage(self._batches)
        if self._replay is None and not self.given_up and self._calls > WARM_UP:
            self.given_up = self._obstacle() or self._record()
            self._stream = None
            if self.given_up:
                self._replay = None
                print(f"steps are not recorded as a CUDA graph: {self.given_up}", flush=True)
            self._tidy()
        if self._replay is not None:
            return self._replayed()
        losses = self._eager()
        if self._losses is None:
            self._losses = torch.empty_like(losses)
        return losses

    def _eager(self) -> Tensor:
        with self._aside():
            return self._work()

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """What is done here is done on a stream of its own, as recording asks for, after and before all else."""
        device = self._state.device
        if device.type != "cuda" or self.given_up:
            yield
            return
        self._stream = self._stream or torch.cuda.Stream(device)
        own, current = self._stream, torch.cuda.current_stream(device)
        own.wait_stream(current)
        try:
            with torch.cuda.stream(own):
                yield
        finally:
            current.wait_stream(own)

    def _replayed(self) -> Tensor:
        assert self._replay is not None
        assert self._losses is not None
        before = self._state.real_images
        self._replay()
        self._state.real_images = before + self._seen
        return self._losses.clone()

    def _record(self) -> str:
        """Record the step and try it, leaving everything as it was; return why it must not be used, if so."""
        kept: Kept | None = None
        try:
            kept = Kept(self._state, self._parts)
            wanted = kept.after(self._eager)
            if moved := kept.moved():
                return moved
            kept.restore()
            self._state.g_optimiser.zero_grad(set_to_none=True)
            self._state.d_optimiser.zero_grad(set_to_none=True)
            with self._aside():
                self._replay = self._capture(self._into_place, [self._state.streams[name] for name in DRAWN_ON_DEVICE])
            found, again = kept.after(self._replayed), kept.after(self._eager)
            return _difference(kept.values, found, wanted, again)
        except Exception as error:  # whatever it is: the step itself has been done before, and goes on
            return _first_cause(error)
        finally:
            if kept is not None:
                kept.restore()

    def _tidy(self) -> None:
        """Give back what the first steps and the recording took and later steps do not need, and forget it as a peak.

        So that a trial's memory is that of its steps, whether they are recorded or not.
        """
        self._state.g_optimiser.zero_grad(set_to_none=True)
        self._state.d_optimiser.zero_grad(set_to_none=True)
        environment.forget_peak(self._state.device)

    def _into_place(self) -> Tensor:
        assert self._losses is not None
        return self._losses.copy_(self._work())


def _difference(
    before: Sequence[Tensor], found: Sequence[Tensor], wanted: Sequence[Tensor], again: Sequence[Tensor]
) -> str:
    """Say that a recorded step does not do what the step does; empty where it does.

    A step need not come out twice the same: where a gradient is nothing but rounding, as that of a bias before a batch
    norm, Adam makes a whole step of it. So ``wanted`` and ``again`` are the same step run twice as it is.
    """
    for index, (own, first, second) in enumerate(zip(found, wanted, again, strict=True)):
        if not first.is_floating_point():
            same = torch.equal(own, first) or not torch.equal(first, second)
        else:
            own, first, second = (value.double().nan_to_num() for value in (own, first, second))
            went = first - before[index].double().nan_to_num() if index < len(before) else first
            room = TOLERANCE * went.norm() + SPREAD * (second - first).norm()
            same = bool((own - first).norm() <= room)
        if not same:
            return "what was recorded does not come out as the step itself"
    return ""


def _first_cause(error: BaseException) -> str:
    """One line of the error that began it: ending a recording that has failed raises another."""
    while error.__context__ is not None:
        error = error.__context__
    return in_one_line(error, 200)
