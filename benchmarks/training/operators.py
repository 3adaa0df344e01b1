"""Where a step's time goes, by torch's profiler."""

from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile


def shares(work: Callable[[], object], *, most: int = 10) -> dict[str, float]:
    """The operators that take the largest shares of the time of ``work`` on the CPU, without what they call."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        work()
    found = sorted(profiler.key_averages(), key=lambda entry: -entry.self_cpu_time_total)
    total = sum(entry.self_cpu_time_total for entry in found)
    return {entry.key: round(entry.self_cpu_time_total / total, 4) for entry in found[:most]}
