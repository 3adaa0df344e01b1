"""What takes part in a step and keeps something on the host from one step to the next: counters, phases, histories.

A recorded step repeats what was done on the device when it was recorded, and nothing else. Whoever counts on the host
to decide something, or draws from random numbers of its own, would stand still. So before anything is recorded, all
that networks, loss, penalties and augmentations hold is looked at before and after some steps: attributes, containers
and objects among these, what functions enclose, and the values of their classes and modules.
"""

import operator
import random
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from types import CellType, FunctionType, GeneratorType, MethodType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn

PLAIN = (bool, int, float, complex, str, bytes)
CONTAINERS = (list, tuple, deque, set, frozenset, dict)
OPAQUE = (type, ModuleType, Tensor, np.ndarray, torch.Generator)
LIBRARIES = frozenset({"abc", "builtins", "collections", "numpy", "torch", "typing"})
"""What their classes and modules hold is no part of a trial."""
NO_MATTER = frozenset({"logging", "typing"})
"""Where objects come from that say nothing about a step, though they change."""
ELSEWHERE = frozenset({"_parameters", "_buffers", "_modules"})
"""Where a network that takes part keeps what is compared in other ways."""
MOST = 100_000
"""Values that are looked at. What holds more is data."""
_EMPTY = CellType()


class Host:
    """What is on the host at one time.

    Args:
        parts: what takes part in a step: networks, loss, penalties, augmentations.
    """

    def __init__(self, parts: Sequence[object]) -> None:
        self._parts = parts
        self._then = _Look(parts)

    def changed(self) -> str:
        """Say what is no longer as it was; empty where all is."""
        then, now = self._then.seen, _Look(self._parts).seen
        for (where, before), (there, after) in zip(then, now, strict=False):
            if where != there:  # something has come or gone
                return f"{there if len(now) > len(then) else where} changes on the host"
            if before is not after and before != after:
                return f"{where} changes on the host"
        beyond = [where for where, _ in [*then[len(now) :], *now[len(then) :]]]
        return f"{beyond[0]} changes on the host" if beyond else ""


class _Look:
    """Goes through all that parts hold, each object once.

    Attributes:
        seen: values, or what tells that an object has changed, in order, each with the name of where it was.
    """

    def __init__(self, parts: Sequence[object]) -> None:
        self.seen: list[tuple[str, object]] = []
        # Held, so that nothing new comes to lie where something was; with its place in the order of first sight.
        self._been: dict[int, tuple[int, object]] = {}
        owners = every_part(parts)
        for owner in owners:
            if isinstance(owner, nn.Module):
                self._skip(*owner._parameters.values(), *owner._buffers.values())
        self._skip(*owners)
        for owner in owners:
            self._owner(owner)

    def _skip(self, *objects: object) -> None:
        for each in objects:
            self._been.setdefault(id(each), (len(self._been), each))

    def _owner(self, owner: object) -> None:
        name = type(owner).__name__
        of_network = isinstance(owner, nn.Module)
        for attribute, value in _attributes(owner):
            if not (of_network and attribute in ELSEWHERE):
                self._value(f"{name}.{attribute}", value, of_network=of_network)
        for kind in type(owner).__mro__:
            if kind.__module__.partition(".")[0] not in LIBRARIES:
                self._plain_ones(name, kind, vars(kind))
                if module := sys.modules.get(kind.__module__):
                    self._plain_ones(kind.__module__, module, vars(module))

    def _plain_ones(self, name: str, holder: object, values: Mapping[str, object]) -> None:
        if id(holder) not in self._been:
            self._skip(holder)
            for attribute, value in list(values.items()):
                if not attribute.startswith("__"):
                    self._value(f"{name}.{attribute}", value)

    def _value(self, where: str, value: object, *, of_network: bool = False) -> None:
        waiting = [value]
        while waiting and len(self.seen) < MOST:
            value = waiting.pop()
            if isinstance(value, PLAIN) or value is None:
                self.seen.append((where, value))
            elif id(value) in self._been:  # which of several it is may be what changes
                self.seen.append((where, self._been[id(value)][0]))
            elif type(value).__module__.partition(".")[0] not in NO_MATTER:
                self._skip(value)
                self.seen.append((where, _mark(value)))
                # Not of a network: it may keep its last features, which no step reads.
                if isinstance(value, Tensor) and not of_network:
                    self.seen.append((where, id(value)))
                waiting += _within(value)


def every_part(parts: Iterable[object]) -> list[object]:
    """Parts of a step, each network as all its modules."""
    return [each for part in parts for each in (part.modules() if isinstance(part, nn.Module) else (part,))]


def _attributes(owner: object) -> Iterator[tuple[str, object]]:
    try:
        attributes = list(vars(owner).items())
    except Exception:  # it has none, or none that can be read
        attributes = []
    slots = [name for kind in type(owner).__mro__ for name in _slots(kind)]
    yield from attributes
    yield from ((name, getattr(owner, name)) for name in slots if hasattr(owner, name))


def _slots(kind: type) -> Sequence[str]:
    slots = vars(kind).get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _mark(value: object) -> object:
    """What tells that an object has changed, besides what is within it."""
    if isinstance(value, Tensor):
        return 0 if value.is_inference() else value._version
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, random.Random):
        return value.getstate()
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state())
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes() if value.nbytes <= MOST else b""
    if isinstance(value, count):
        return repr(value)
    if isinstance(value, GeneratorType):
        return value.gi_frame.f_lasti if value.gi_frame else -1
    if isinstance(value, Iterator):  # of some, such as a cycle, nothing tells where they are: those are never the same
        left = operator.length_hint(value, -1)
        return object() if left < 0 else left
    return len(value) if isinstance(value, CONTAINERS) else type(value)


def _within(value: object) -> list[object]:
    """What an object holds that could change while it is the same object."""
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, CONTAINERS):
        return list(value)
    if isinstance(value, FunctionType):
        enclosed = [cell.cell_contents for cell in value.__closure__ or () if cell != _EMPTY]
        return [*enclosed, value.__defaults__, value.__kwdefaults__, *vars(value).values()]
    if isinstance(value, MethodType):
        return [value.__self__, value.__func__]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, GeneratorType):
        return list(value.gi_frame.f_locals.values()) if value.gi_frame else []
    return [] if isinstance(value, OPAQUE) else [held for _, held in _attributes(value)]
