"""How tests ask for the plan of a grid."""

from typing import Any

from ganbench import plugins
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanAnswer, PlanRequest
from ganbench.resolving.plans import answer


def ask(losses: list[str], architectures: list[str], *, dataset: str = "ring", **more: Any) -> PlanAnswer:
    registry = plugins.load().registry
    return answer(
        PlanRequest(
            losses=tuple(parse_losses(losses, registry)),
            architectures=tuple(parse_axis("architecture", architectures, registry)),
            datasets=tuple(parse_axis("dataset", [dataset], registry)),
            **more,
        )
    )
