"""Why a metric has no value: it uses what it does not declare, or takes a shape that it should refuse."""

import math

from ganbench.evaluation.needs import NEEDS, uses_extractor
from ganbench.testing.metric_sides import IMAGES, VECTORS, Sides, compute, headline


def undeclared(sides: Sides) -> str:
    """Say what it uses and does not declare, if it has no value for that reason; else empty."""
    needs = sides.metric.needs
    used = [need for need in NEEDS if need not in needs and _computes_with(sides, need)]
    said = "only " + ", ".join(needs) if needs else "nothing"
    if not used:
        return ""
    return (
        f"it uses {' and '.join(used)}, but needs names {said}; a run without it (an unconditional one has no "
        "fake_labels) would fail at its first evaluation or have no score, instead of being refused by name"
    )


def unrefused(sides: Sides, error: str) -> str:
    """Say which other shape of samples it has a value for, and that it should refuse the one shown; else empty."""
    if uses_extractor(sides.metric):
        return ""
    shape = next((one for one in (IMAGES if sides.images else VECTORS) if computes(Sides(sides.metric, one))), None)
    if shape is None:
        return ""
    return (
        f"with samples of {_text(sides.shape)} it raises {error}, but with {_text(shape)} it works; let check() "
        f"raise a ValueError for a dimension of {sides.dimension}, or trials would fail at their first "
        "evaluation"
    )


def computes(sides: Sides) -> bool:
    """Whether it has a value for ordinary samples."""
    try:
        found = compute(sides.metric, sides.fakes(), sides.reference())
    except Exception:  # whatever it raises where something is not there
        return False
    return math.isfinite(found[headline(sides.metric) or next(iter(found))])


def _computes_with(sides: Sides, need: str) -> bool:
    """Whether it has a value if it gets all it may need, and none without ``need``."""
    # Samples are vectors or images; they are images only for a metric that asks for them.
    had = (set(NEEDS) - {"images"}) | set(sides.metric.needs) | {need}
    return computes(sides.with_needs(had)) and not computes(sides.with_needs(had - {need}))


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) if len(shape) > 1 else f"{shape[0]} values"
