"""What the tests of published tables share: where they are, a small one, and rows to compare with."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ganbench.spec import Recipe
from ganbench.store.values import ValueInfo

LEADERBOARDS = Path(__file__).resolve().parents[1] / "leaderboards"
PATH = LEADERBOARDS / "pacgan-table1.toml"

TABLE = """
losses = ["vanilla", "wgan"]
architectures = ["pacgan"]
datasets = ["ring"]
steps = 10
[published]
title = "T"
paper = "P"
runs = 10
"""
CELL = '[[published.cells]]\nname = "A"\narchitecture = "pacgan"\ndataset = "ring"\n'


def row(architecture: str, dataset: str, loss: str = "vanilla", baseline: str = "", **metrics: float) -> Any:
    info = ValueInfo(label="modes", direction="higher", decimals=1)
    return SimpleNamespace(
        architecture=architecture, dataset=dataset, loss=loss, baseline=baseline, metrics=metrics, done=True,
        values=dict.fromkeys(metrics, info), cost={"train_seconds": 8.0}, device="",
        spec=SimpleNamespace(recipe=Recipe(steps=4)),
    )  # fmt: skip
