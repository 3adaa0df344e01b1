"""Whether a metric that queries the generator can query any."""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganbench.errors import with_kind
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.metric_generators import SmallGenerator
from ganbench.testing.metric_sides import CLASSES, compute, shown

GENERATORS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a generator of other latent points, of 40 numbers", {"latent_dim": 40}),
    ("a generator of few latent numbers, 2", {"latent_dim": 2}),
    ("a generator of uniform latent points", {"latent": "uniform"}),
    (f"a conditional generator of {CLASSES} classes", {"classes": CLASSES}),
)

BEYOND = 0.2
"""The share of numbers beyond [-1, 1] that is too large to be steps out of it; of N(0, 1) a third are."""


def generators(subject: Subject) -> None:
    """It takes generators of any latent points, and conditional ones, which need labels."""
    sides = shown(subject)
    if "generator" not in sides.metric.needs:
        raise NotApplicable("it does not query the generator")
    compute(sides.metric, sides.fakes(), sides.reference())
    asked: list[Tensor] = []
    for what, traits in GENERATORS:
        other = replace(sides, traits={**sides.traits, **traits})
        fakes = other.fakes()
        try:
            compute(sides.metric, fakes, other.reference())
        except Flaw:
            raise
        except Exception as error:
            raise Flaw(
                f"with {what} it raises {with_kind(error)}; a trial of such a generator would fail when it has "
                "trained; ask the generator for its latent_dim, latent and classes"
            ) from error
        if isinstance(fakes.generator, SmallGenerator) and fakes.generator.latent == "uniform":
            asked += fakes.generator.asked
    _require_within(asked)


def _require_within(asked: list[Tensor]) -> None:
    """Refuse a metric that asked a generator of latent points in [-1, 1] for samples at others."""
    beyond = float((torch.cat(asked).abs() > 1).float().mean()) if asked else 0.0
    if beyond > BEYOND:
        raise Flaw(
            f"it asks a generator of uniform latent points for samples at z of which {beyond:.0%} lies beyond "
            "[-1, 1], where none of its samples comes from; draw z as the generator's latent says"
        )
