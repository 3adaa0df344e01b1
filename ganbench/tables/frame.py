"""Rows as a pandas DataFrame. Importing this module imports no pandas."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganbench.store.results import Row
from ganbench.tables.grouping import build, named_alike

if TYPE_CHECKING:
    import pandas


_WHICH = ("trial_id", "loss", "architecture", "dataset")
_HOW = ("seed", "baseline", "status", "reason")
_COSTS = ("images_per_second", "real_images", "seconds", "train_seconds", "peak_memory")


def frame(rows: Iterable[Row]) -> "pandas.DataFrame":
    """One row per trial, failed ones too, with every metric's last and best value and the mean height of its curve.

    The column ``recipe`` says what sets a row apart from those of the same loss, architecture and dataset, as in the
    tables; it is empty where nothing does. A metric named like one of the fixed columns gets the prefix ``metric_``.
    """
    import pandas

    rows = named_alike(rows)
    recipes = {row.trial_id: group.recipe for table in build(rows) for group in table.all_groups for row in group.rows}
    trials = {name: [getattr(row, name) for row in rows] for name in _WHICH}
    trials["recipe"] = [recipes[row.trial_id] for row in rows]
    trials |= {name: [getattr(row, name) for row in rows] for name in _HOW}
    costs = {name: [row.cost.get(name) for row in rows] for name in _COSTS}
    origin = {
        "protocol": [row.protocol.key if row.protocol else "" for row in rows],
        "path": [str(row.folder) for row in rows],
    }
    fixed = trials.keys() | costs.keys() | origin.keys()
    measured: dict[str, list[float | None]] = {}
    values = {name: info for row in rows for name, info in row.values.items()}
    for name, info in values.items():
        measured[f"metric_{name}" if name in fixed else name] = [row.metrics.get(name) for row in rows]
        if info.direction is not None:
            best = [row.best.get(name) for row in rows]
            measured[f"best_{name}"] = [each.value if each else None for each in best]
            measured[f"best_{name}_step"] = [each.step if each else None for each in best]
            measured[f"area_{name}"] = [row.area.get(name) for row in rows]
    table = pandas.DataFrame(trials | measured | costs | origin)
    return table.astype(dict.fromkeys((*measured, *costs), "float64"))
