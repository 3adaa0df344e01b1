"""A metric built and computed as an evaluation does."""

from typing import Any, cast

import torch

from ganbench.api import Evidence, Metric
from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.metric_sides import Sides

CPU = torch.device("cpu")


def build(subject: Subject) -> Metric:
    """Return a fresh instance."""
    return cast(Metric, subject.build())


def shown(subject: Subject) -> Sides:
    """What a fresh instance is shown."""
    return Sides(build(subject), subject.expected.get("shape"))


def headline(metric: Metric) -> str | None:
    """Its first score: the first value with a direction; ``None`` where it gives no score."""
    return next((name for name, value in metric.values.items() if value.direction), None)


def compute(metric: Metric, fake: Evidence, reference: Evidence) -> dict[str, float]:
    """Compute as an evaluation does: torch's and numpy's global streams at a fixed start."""
    with own_global_stream(0, CPU):
        found: Any = metric.compute(fake, reference)
    if not isinstance(found, dict) or set(found) != set(metric.values):
        got = sorted(found) if isinstance(found, dict) else type(found).__name__
        raise Flaw(
            f"compute() returns {got} but declares {sorted(metric.values)}; a column of a table would be missing"
        )
    for name, value in found.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Flaw(f"compute() returns {type(value).__name__} for '{name}', but must return a float")
    return found
