"""Rows as a pandas DataFrame. Importing this module imports no pandas."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ganbench.store.results import Row
from ganbench.tables.grouping import build, named_alike

if TYPE_CHECKING:
    import pandas


def frame(rows: Iterable[Row]) -> "pandas.DataFrame":
    """One row per trial, failed ones too, with every metric's last and best value and the mean height of its curve.

    The column ``recipe`` says what sets a row apart from those of the same loss, architecture and dataset, as in the
    tables; it is empty where nothing does. A metric named like one of the fixed columns gets the prefix ``metric_``.
    """
    import pandas

    rows = named_alike(rows)
    recipes = {row.trial_id: group.recipe for table in build(rows) for group in table.all_groups for row in group.rows}
    records = [_fixed(row) | {"recipe": recipes[row.trial_id]} for row in rows]
    costs = [_costs(row) for row in rows]
    taken = {*_FIXED, *_COSTS, "protocol", "path"}
    columns: list[str] = list(_FIXED)
    values = {name: info for row in rows for name, info in row.values.items()}
    for name, info in values.items():
        column = f"metric_{name}" if name in taken else name
        columns.append(column)
        for row, record in zip(rows, records, strict=True):
            record[column] = row.metrics.get(name)
        if info.direction is None:
            continue
        columns += [f"best_{name}", f"best_{name}_step", f"area_{name}"]
        for row, record in zip(rows, records, strict=True):
            best = row.best.get(name)
            record[f"best_{name}"] = best.value if best else None
            record[f"best_{name}_step"] = best.step if best else None
            record[f"area_{name}"] = row.area.get(name)
    numeric = [*columns[len(_FIXED) :], *_COSTS]
    merged = [record | cost for record, cost in zip(records, costs, strict=True)]
    table = pandas.DataFrame.from_records(merged, columns=[*columns, *_COSTS, "protocol", "path"])
    return table.astype(dict.fromkeys(numeric, "float64"))


_ROW = ("trial_id", "loss", "architecture", "dataset", "seed", "baseline", "status", "reason")
_FIXED = (*_ROW[:4], "recipe", *_ROW[4:])
_COSTS = ("images_per_second", "real_images", "seconds", "train_seconds", "peak_memory")


def _fixed(row: Row) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _ROW}


def _costs(row: Row) -> dict[str, Any]:
    costs: dict[str, Any] = {name: row.cost.get(name) for name in _COSTS}
    return costs | {"protocol": row.protocol.key if row.protocol else "", "path": str(row.folder)}
