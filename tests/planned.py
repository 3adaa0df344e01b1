"""How tests ask for the plan of a grid."""

from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanAnswer, PlanRequest
from ganbench.resolving.plans import answer


def reads_of_digits(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that fills with the splits of the digits as they are read."""
    read: list[str] = []
    load = Digits.load

    def counted(self: Digits, split: str, *, root: Path) -> Samples:
        read.append(split)
        return load(self, split, root=root)

    monkeypatch.setattr(Digits, "load", counted)
    return read


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
