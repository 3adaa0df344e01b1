"""A whole step recorded once and replayed: a small step is bound by what calls its operators, more than by these.

On a GPU the recording is a CUDA graph (:mod:`ganbench.training.capture`), on a CPU a list of operators
(:mod:`ganbench.training.tape`).

1. The first ``WARM_UP`` steps are done as they are, on a stream of their own, so that everything is allocated.
2. The next one is recorded. The recording and the step itself are run from one state, and what they leave is compared.
3. From then on the recording is replayed. A step of another kind, with more updates or a penalty, is done as it is.

What a step draws on the host, such as the indices of its real samples, is put into a fixed place before each step
(:mod:`ganbench.training.draws`); noise comes from the trial's own generators on the device, which take part in the
recording. Where recording fails, or the two differ, steps go on being done as they are, and one line of the trial's log
says why.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext

import torch
from torch import Tensor

from ganbench.errors import in_one_line
from ganbench.provenance import environment
from ganbench.training.capture import Capture, Work, capture_on_cuda
from ganbench.training.draws import Draws
from ganbench.training.host import Host
from ganbench.training.kept import Kept, Subject, streams

WARM_UP = 3
TOLERANCE = 0.05
"""How far a recorded step may end from the step itself, as a share of how far the step went."""
SPREAD = 10.0
"""And how far in addition, as a multiple of what the step itself differs by when it is run twice."""


class Recorded:
    """Does one step at each call: as it is at first, by replaying its recording as soon as there is one.

    Args:
        subject: the trial's state, or the batched model of several.
        work: one whole step of it; returns its losses as one tensor.
        draws: what it draws on the host, each with how many times.
        seen: how many real samples a step counts as seen by each trial.
        parts: what takes part in a step besides the networks: loss, penalties, augmentations.
        obstacle: says why steps cannot be recorded, where they cannot; asked after the warm-up.
        capture: how to record; tests replace it.

    Attributes:
        given_up: why steps are not recorded; empty as long as nothing is against it.
    """

    def __init__(
        self,
        subject: Subject,
        work: Work,
        *,
        draws: Sequence[tuple[Draws, int]],
        seen: int,
        parts: Sequence[object] = (),
        obstacle: Callable[[], str] = lambda: "",
        capture: Capture = capture_on_cuda,
    ) -> None:
        self._subject = subject
        self._work = work
        self._draws = tuple(draws)
        self._seen = seen
        self._parts = parts
        self._obstacle = obstacle
        self._capture = capture
        self._steps = 0
        self._host: Host | None = None
        self._stream: torch.cuda.Stream | None = None
        self._losses: Tensor | None = None
        """Where the recording leaves a step's losses."""
        self._replay: Callable[[], object] | None = None
        self.given_up = ""

    def __call__(self) -> Tensor:
        """Do one step; return its losses, a tensor of their own."""
        device = self._subject.device
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            self._steps += 1
            if self._steps == 2:  # in the first some set up what stays from then on
                self._host = Host([*self._subject.networks, *self._parts])
            for draws, count in self._draws:
                draws.stage(count)
            if self._steps == WARM_UP + 1:
                self._record_or_give_up()
            return self._as_it_is() if self._replay is None else self._replayed()

    def apart(self) -> Tensor:
        """Do a step that is unlike the others without recording or replaying anything; return its losses."""
        device = self._subject.device
        with torch.cuda.device(device) if device.type == "cuda" else nullcontext():
            for draws, _ in self._draws:
                draws.unstage()
            if self._replay is None:
                with self._aside():
                    return self._work()
            losses = self._work()
            self._forget_gradients()  # those of recorded steps are in the recording's memory
            return losses

    def _as_it_is(self) -> Tensor:
        with self._aside():
            losses = self._work()
        if self._losses is None:
            self._losses = torch.empty_like(losses)
        return losses

    def _replayed(self) -> Tensor:
        assert self._replay is not None
        assert self._losses is not None
        before = [state.real_images for state in self._subject.states]
        self._replay()
        # A graph counts nothing when it is replayed; what stands for one in tests does.
        for state, seen in zip(self._subject.states, before, strict=True):
            state.real_images = seen + self._seen
        return self._losses.clone()

    @contextmanager
    def _aside(self) -> Iterator[None]:
        """Run the body on a stream of its own, as recording needs, after all earlier work and before all later work."""
        device = self._subject.device
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

    def _record_or_give_up(self) -> None:
        """Find out, once, how all further steps are done; the state stays as it is."""
        self.given_up = self._in_the_way() or self._record()
        self._stream = self._host = None
        if self.given_up:
            self._replay = None
            print(f"steps are not recorded: {self.given_up}", flush=True)
        self._tidy()

    def _in_the_way(self) -> str:
        """Say what speaks against recording steps before one is recorded; empty where nothing does."""
        assert self._host is not None
        try:
            return self._obstacle() or self._host.changed()
        except Exception as error:  # of a penalty that cannot say what it remembers, for example
            return _first_cause(error)

    def _record(self) -> str:
        """Record the step and try it, leaving everything as it was; return why it must not be used, if so."""
        try:
            kept = Kept(self._subject, self._parts, [draws for draws, _ in self._draws])
        except Exception as error:  # no memory for a copy, for example
            return _first_cause(error)
        try:
            with self._subject.strict():
                return self._record_and_compare(kept)
        except Exception as error:  # whatever it is: the step itself has been done before, and goes on
            return _first_cause(error)
        finally:
            kept.restore()

    def _record_and_compare(self, kept: Kept) -> str:
        """Record the step; return what is wrong with the recording, if anything is. All that it changes was kept."""
        once = kept.after(self._as_it_is)
        if moved := kept.moved():
            return moved
        self._forget_gradients()  # those of the recording are in its own memory
        # From where that step has led, and on other samples: whatever a replay does not compute anew will show.
        with ExitStack() as others:
            for draws, _ in self._draws:
                others.enter_context(draws.others())
            with self._aside():
                self._replay = self._capture(self._with_losses_in_place, streams(self._subject))
        recorded, twice = kept.after(self._replayed), kept.after(self._as_it_is)
        return _difference(kept.values, recorded, once, twice, exact=self._subject.device.type == "cpu")

    def _with_losses_in_place(self) -> Tensor:
        """The work that is recorded: a step that leaves its losses where :meth:`_replayed` finds them."""
        assert self._losses is not None
        return self._losses.copy_(self._work())

    def _forget_gradients(self) -> None:
        for optimiser in self._subject.optimisers:
            optimiser.zero_grad(set_to_none=True)

    def _tidy(self) -> None:
        """Give back what the first steps and the recording took and later steps do not need, and forget it as a peak.

        So that a trial's memory is that of its steps, whether they are recorded or not.
        """
        self._forget_gradients()
        environment.give_back(self._subject.device)


def _difference(
    before: Sequence[Tensor],
    recorded: Sequence[Tensor],
    once: Sequence[Tensor],
    twice: Sequence[Tensor],
    *,
    exact: bool = False,
) -> str:
    """Say that a recorded step does not do what the step does; empty where it does.

    A step need not come out twice the same: where a gradient is nothing but rounding, as that of a bias before a batch
    norm, Adam makes a whole step of it. So the step itself is run a second time, too.

    Args:
        before: the tensors that a step changes, before it.
        recorded: these after the recorded step, and then what else it leaves: losses, random streams.
        once: the same of the step itself.
        twice: the same of the step itself, run again.
        exact: whether all three must be the same, to the last bit. Where two runs differ, something unseen is kept
            from one step to the next.
    """
    if exact and not all(map(_agree, once, twice)):
        return "two runs of a step from the same state do not come out the same"
    starts = [*before, *(torch.zeros_like(value) for value in once[len(before) :])]
    same = all(_same(*each, exact=exact) for each in zip(starts, recorded, once, twice, strict=True))
    return "" if same else "the recording does not compute what the step itself computes"


def _same(before: Tensor, recorded: Tensor, once: Tensor, twice: Tensor, *, exact: bool) -> bool:
    """Whether the recorded step leaves a tensor as the step itself does, as far as two runs of that agree."""
    if exact:
        return _agree(recorded, once)
    if not once.is_floating_point():
        return torch.equal(recorded, once) or not torch.equal(once, twice)
    before, recorded, once, twice = (value.double().nan_to_num() for value in (before, recorded, once, twice))
    room = TOLERANCE * (once - before).norm() + SPREAD * (twice - once).norm()
    return bool((recorded - once).norm() <= room)


def _agree(one: Tensor, other: Tensor) -> bool:
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _first_cause(error: BaseException) -> str:
    """One line of the first error: ending a recording that has failed raises another."""
    while error.__context__ is not None:
        error = error.__context__
    return in_one_line(error, 200)
