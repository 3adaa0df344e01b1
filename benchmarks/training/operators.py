"""Where a step's time goes, operator by operator."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode


def shares(work: Callable[[], object], *, most: int = 10) -> dict[str, float]:
    """The operators that take the largest shares of the time that ``work`` spends in operators on the CPU.

    Not torch's profiler: the events that it keeps lie between the freed blocks of the heap, and so it makes every
    operator that returns megabytes look slow.
    """
    timer = _Timer()
    with timer:
        work()
    total = sum(timer.seconds.values())
    largest = sorted(timer.seconds.items(), key=lambda item: -item[1])[:most]
    return {name: round(seconds / total, 4) for name, seconds in largest}


class _Timer(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seconds: dict[str, float] = defaultdict(float)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        begin = time.perf_counter()
        found = func(*args, **(kwargs or {}))
        self.seconds[func.overloadpacket._qualified_op_name] += time.perf_counter() - begin
        return found
