"""Whether a metric that queries the generator can query any."""

from dataclasses import replace
from typing import Any

from ganbench.errors import with_kind
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.metric_sides import CLASSES, compute, shown

GENERATORS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a generator of other latent points, of 40 numbers", {"latent_dim": 40}),
    ("a generator of few latent numbers, 2", {"latent_dim": 2}),
    ("a generator of uniform latent points", {"latent": "uniform"}),
    (f"a conditional generator of {CLASSES} classes", {"classes": CLASSES}),
)


def generators(subject: Subject) -> None:
    """It takes generators of any latent points, and conditional ones, which need labels."""
    sides = shown(subject)
    if "generator" not in sides.metric.needs:
        raise NotApplicable("it does not query the generator")
    compute(sides.metric, sides.fakes(), sides.reference())
    for what, traits in GENERATORS:
        other = replace(sides, traits={**sides.traits, **traits})
        try:
            compute(sides.metric, other.fakes(), other.reference())
        except Flaw:
            raise
        except Exception as error:
            raise Flaw(
                f"with {what} it raises {with_kind(error)}; a trial of such a generator would fail when it has "
                "trained; ask the generator for its latent_dim, latent and classes"
            ) from error
