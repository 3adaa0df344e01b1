"""What a part of a step keeps on the host is noticed wherever it keeps it, and what stays is no change."""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, cycle
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.architectures.upsample import Upsample
from ganbench.training import host as module
from ganbench.training.host import Host
from ganbench.training.layout import choose_layout
from tests.loops import Odd, Slotted

CALLS = 0
HISTORY: list[int] = []


PHASE = SimpleNamespace(now=0)
AVERAGE = torch.zeros(2)


def counted(*given: object) -> None:
    vars(counted)["calls"] += 1


vars(counted)["calls"] = 0


class Part:
    """What takes part in a step, with one attribute."""

    total = 0
    phase = SimpleNamespace(now=0)
    average = torch.zeros(2)

    def __init__(self, held: object = None) -> None:
        self.held = held


def counter() -> tuple[Callable[[], None], Callable[[], int]]:
    calls = 0

    def one_more() -> None:
        nonlocal calls
        calls += 1

    return one_more, lambda: calls


def phases() -> Iterator[int]:
    for phase in range(9):
        yield 2 * phase


def on_the_module(part: Part) -> None:
    global CALLS
    CALLS += 1


def on_the_class(part: Part) -> None:
    type(part).total += 1


def a_new_average_on_the_module(part: Part) -> None:
    global AVERAGE
    AVERAGE = AVERAGE + 1


def endless() -> Iterator[int]:
    while True:
        yield 1
        yield 2


CHANGES: dict[str, tuple[Any, Callable[[Any], object]]] = {
    "a number": (0, lambda part: setattr(part, "held", part.held + 1)),
    "a list": ([0, 0], lambda part: part.held.__setitem__(1, 7)),
    "a growing list": ([], lambda part: part.held.append(torch.ones(()))),
    "a list of a tuple": (([],), lambda part: part.held[0].append(1)),
    "a dictionary": ({"steps": 0}, lambda part: part.held.update(steps=1)),
    "a queue": (deque([1, 2], maxlen=2), lambda part: part.held.append(3)),
    "another object": (Part(Part(3)), lambda part: setattr(part.held.held, "held", 4)),
    "an object with slots": (Slotted(), lambda part: setattr(part.held, "updates", 1)),
    "a function that encloses a number": (counter(), lambda part: part.held[0]()),
    "a method of another object": (Part([]).__init__, lambda part: part.held.__self__.held.append(1)),  # type: ignore[misc]
    "a function with arguments": (partial(max, [1]), lambda part: part.held.args[0].append(2)),
    "an iterator": (iter([1, 2, 3]), lambda part: next(part.held)),
    "a generator": (phases(), lambda part: next(part.held)),
    "a counter": (count(), lambda part: next(part.held)),
    "a tensor": (torch.zeros(2), lambda part: part.held.add_(1)),
    "an array": (np.zeros(2), lambda part: part.held.__setitem__(0, 1.0)),
    "Python's random numbers": (random.Random(0), lambda part: part.held.random()),
    "numpy's": (np.random.default_rng(0), lambda part: part.held.random()),
    "numpy's old ones": (np.random.RandomState(0), lambda part: part.held.rand()),
    "torch's": (torch.Generator(), lambda part: torch.rand(1, generator=part.held)),
    "its class": (None, on_the_class),
    "its module": (None, on_the_module),
    "a list of its module": (None, lambda part: HISTORY.append(1)),
    "an object of its class": (None, lambda part: setattr(part.phase, "now", part.phase.now + 1)),
    "a tensor of its class": (None, lambda part: part.average.add_(1)),
    "an object of its module": (None, lambda part: setattr(PHASE, "now", PHASE.now + 1)),
    "a tensor of its module": (None, lambda part: AVERAGE.add_(1)),
    "another tensor of its module": (None, a_new_average_on_the_module),
    "another tensor in a dictionary": ({"mean": torch.zeros(2)}, lambda part: part.held.update(mean=torch.zeros(2))),
    "a network of its own": (nn.Sequential(nn.Linear(2, 2)), lambda part: nn.init.ones_(part.held[0].weight)),
    "a function's own count": (counted, lambda part: part.held()),
    "a generator without names": (endless(), lambda part: next(part.held)),
    "which of several it is": ([max, min, max], lambda part: part.held.__setitem__(2, min)),
}


@pytest.mark.parametrize(("held", "change"), CHANGES.values(), ids=CHANGES.keys())
def test_what_counts_is_noticed(held: Any, change: Callable[[Any], object]) -> None:
    part = Part(held)
    host = Host([nn.Linear(2, 2), part])
    assert host.changed() == ""
    change(part)
    assert host.changed().endswith("changes on the host")
    assert host.changed().split(".")[0] in ("Part", "tests")


@pytest.mark.parametrize(
    "held",
    [float("nan"), Odd(), {"a": {1, 2}}, lambda: None, torch.nn, Part, count, nn.ReLU(), counter()],
    ids=lambda held: type(held).__name__,
)
def test_what_stays_is_no_change(held: Any) -> None:
    part = Part(held)
    host = Host([part])
    if isinstance(held, nn.Module):
        held(torch.ones(2))
    assert host.changed() == ""


def test_what_does_not_tell_where_it_is_is_taken_for_changed() -> None:
    assert Host([Part(cycle([1, 2]))]).changed() == "Part.held changes on the host"


def test_what_a_logger_keeps_is_no_change() -> None:
    logger = logging.getLogger("a part's")
    host = Host([Part(logger)])
    logger.debug("a step")
    logging.getLogger("another's")
    assert host.changed() == ""


def test_it_goes_round_in_no_circle() -> None:
    part = Part()
    part.held = [part, {"again": part}]
    host = Host([part])
    assert host.changed() == ""
    part.held.append(1)
    assert host.changed() == "Part.held changes on the host"


def test_an_attribute_that_comes_or_goes_is_a_change() -> None:
    part = Part()
    host = Host([part])
    vars(part)["late"] = 1
    assert host.changed() == "Part.late changes on the host"
    host = Host([part])
    del vars(part)["late"]
    assert host.changed() == "Part.late changes on the host"


def test_what_a_network_trains_and_what_it_saw_last_is_no_change() -> None:
    class Seeing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4))
            self.tied = [self.layers[0].weight]
            self.latest: Tensor | None = torch.zeros(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            self.latest = self.layers(x)
            return self.latest

    network = Seeing()
    optimiser = torch.optim.Adam(network.parameters())
    host = Host([network])
    network(torch.randn(8, 2)).sum().backward()
    optimiser.step()
    assert host.changed() == ""
    network.eval()
    assert host.changed() == "Seeing.training changes on the host"


def test_the_forms_of_convolutions_leave_nothing() -> None:
    networks = Upsample(width=8).build((1, 16, 16), 4)
    choose_layout(networks, "none", (1, 16, 16), 4)

    def step() -> None:
        networks.discriminator(networks.generator(torch.randn(4, 4))).sum().backward()

    step()
    host = Host(list(networks))
    step()
    assert host.changed() == ""


def test_what_holds_very_much_is_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 50)
    held = list(range(100))
    host = Host([Part(held)])
    held[0] = 7  # the last that would be looked at
    assert host.changed() == ""
    held[-1] = 7
    assert host.changed() == "Part.held changes on the host"
