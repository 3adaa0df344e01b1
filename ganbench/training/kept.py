"""A copy of all that a step changes, so that a step can be tried and undone.

It also tells what a recording of the step would not repeat: a recorded step goes on with the very tensors that were
there when it was recorded, and does nothing on the host.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import UnionType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench import seeds
from ganbench.training.draws import Draws
from ganbench.training.host import every_part
from ganbench.training.optimisers import optimiser_tensors
from ganbench.training.state import State

DRAWN = (
    seeds.NOISE,
    seeds.PENALTY,
    seeds.GENERATOR_PENALTY,
    seeds.AUGMENT,
    seeds.MIRROR,
    seeds.COMPARED_AUGMENT,
)
"""The streams that a step draws from. Those of the host are not among them: what they give is drawn before it."""

PLAIN = bool | int | float | str
"""Numbers and words."""


class Subject(Protocol):
    """Whose steps are taken: one trial's state, or the batched model of several trials."""

    @property
    def device(self) -> torch.device:
        """Where everything lives."""

    @property
    def states(self) -> Sequence[State]:
        """Of each trial."""

    @property
    def networks(self) -> Sequence[nn.Module]:
        """Of all trials."""

    @property
    def optimisers(self) -> Sequence[Optimizer]:
        """That move their weights."""

    def strict(self) -> AbstractContextManager[object]:
        """Around a step that is tried and undone: lets through what code of one trial of several raises in it."""


def streams(subject: Subject) -> list[torch.Generator]:
    """The random streams on the device from which a step draws."""
    return [state.streams[name] for state in subject.states for name in DRAWN]


Place = tuple[dict[str, Any], str, Any]
"""The dictionary that holds something, the name it has there, and what it is."""


class Kept:
    """A state as it was, to be put back into the very same tensors, which a recorded step refers to.

    Args:
        subject: the trial's state, or the batched model of several.
        parts: what else takes part in a step and may keep something on the host: loss, penalties, augmentations.
        draws: what was drawn on the host for the step, to be taken again by each that is tried.
    """

    def __init__(self, subject: Subject, parts: Sequence[object] = (), draws: Sequence[Draws] = ()) -> None:
        self._subject = subject
        self._draws = draws
        self._owners = every_part([*subject.networks, *parts])
        self._places = list(_places(self._owners))
        held = [tensor for *_, tensor in self._places]
        held += [tensor for optimiser in subject.optimisers for tensor in optimiser_tensors(optimiser)]
        held += [tensor for state in subject.states for tensor in state.changed_in_place()]
        self._tensors: list[Tensor] = list({id(tensor): tensor for tensor in held}.values())
        self._images = [state.real_images for state in subject.states]
        self._drawing = streams(subject)
        self._streams = self._drawn()
        self._noted = [place for owner in self._owners for place in _plain(owner, Tensor)]
        self._plain = [(owner, *place) for owner in self._owners for place in _plain(owner, PLAIN)]
        self._python = random.getstate()
        self._numpy: Any = np.random.get_state()
        self.values = self._now()

    def after(self, work: Callable[[], Tensor]) -> list[Tensor]:
        """Do ``work`` from the kept state; return what it leaves: all tensors, its losses, and the random streams."""
        self.restore()
        losses = work()
        return [*self._now(), losses.clone(), *self._drawn()]

    def moved(self) -> str:
        """Say which change of the last step a recording of it would not repeat; empty if there is none."""
        now = [(name, id(tensor)) for _, name, tensor in _places(self._owners)]
        if now != [(name, id(tensor)) for _, name, tensor in self._places]:
            return "a network puts new tensors in the places of old ones"
        for owner, holder, name, value in self._plain:
            if _differs(holder.get(name), value):
                return f"{type(owner).__name__}.{name} changes on the host"
        if random.getstate() != self._python:
            return "Python's own random numbers are drawn"
        drawn: Any = np.random.get_state()
        if not all(map(np.array_equal, drawn, self._numpy)):
            return "numpy's random numbers are drawn"
        return ""

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back, the place in what was drawn included."""
        for holder, name, tensor in [*self._places, *self._noted]:
            if holder.get(name) is not tensor:
                holder[name] = tensor
        for tensor, value in zip(self._tensors, self.values, strict=True):
            tensor.copy_(value)
        for _, holder, name, plain in self._plain:
            if _differs(holder.get(name), plain):
                holder[name] = plain
        random.setstate(self._python)
        np.random.set_state(self._numpy)
        of_host, *of_gpu = self._streams[len(self._drawing) :]
        for generator, drawn in zip(self._drawing, self._streams, strict=False):
            generator.set_state(drawn)
        torch.set_rng_state(of_host)
        for drawn in of_gpu:
            torch.cuda.set_rng_state(drawn, self._subject.device)
        for state, seen in zip(self._subject.states, self._images, strict=True):
            state.real_images = seen
        for draws in self._draws:
            draws.rewind()

    def _now(self) -> list[Tensor]:
        return [tensor.detach().clone() for tensor in self._tensors]

    def _drawn(self) -> list[Tensor]:
        """The states of the random streams: the trial's, and those that layers draw from, on the CPU and on a GPU."""
        own = [generator.get_state() for generator in self._drawing]
        of_gpu = [torch.cuda.get_rng_state(self._subject.device)] if self._subject.device.type == "cuda" else []
        return [*own, torch.get_rng_state(), *of_gpu]


def _places(owners: Sequence[object]) -> Iterator[Place]:
    """Where networks hold their parameters and buffers."""
    for owner in owners:
        if isinstance(owner, nn.Module):
            for holder in (owner._parameters, owner._buffers):
                for name, tensor in holder.items():
                    if tensor is not None:
                        yield holder, name, tensor


def _plain(owner: object, kinds: type | UnionType) -> Iterator[Place]:
    """What of some kinds an object keeps, in attributes or dictionaries: counters, phases, averages."""
    try:
        attributes = vars(owner)
    except Exception:  # it has none that can be read, as one with slots
        return
    if isinstance(attributes, dict):
        for holder in (attributes, *(value for value in attributes.values() if isinstance(value, dict))):
            for name, value in holder.items():
                if isinstance(value, kinds):
                    yield holder, name, value


def _differs(now: object, before: object) -> bool:
    """Whether a value has changed; a NaN that is still the same object has not."""
    return now is not before and now != before
