"""Tables for programs: CSV with a line per group, JSON with every trial's values."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from ganbench.results import SUCCESS, Row
from ganbench.spec import STATUSES
from ganbench.statistics import Summary
from ganbench.tables.grouping import Group, Table
from ganbench.tables.wording import clean

_COSTS = ("images_per_second", "seconds", "train_seconds", "peak_memory")
_FORMULA = ("=", "+", "-", "@")


def as_csv(tables: Sequence[Table]) -> str:
    """A line per group, all protocols in one file, told apart by the column ``protocol``.

    Of every number there is the mean, the sample standard deviation (``_sd``) and the count (``_n``); percentages are
    shares. A baseline has a line in every protocol that it frames. The columns ``done`` to ``interrupted`` count
    trials.
    """
    values = {name: info for table in tables for name, info in table.values.items()}
    scores = [name for name, info in values.items() if info.direction is not None]
    heading = ["protocol", "dataset", "architecture", "loss", "recipe", "baseline", "status", "trials"]
    heading += [status.replace("-", "_") for status in (SUCCESS, *(s for s in STATUSES if s != SUCCESS))]
    heading += _triples([clean(name) for name in values])
    heading += _triples([f"best_{clean(name)}" for name in scores])
    heading += _triples(list(_COSTS))
    heading += ["reasons", "protocol_text", "trial_ids"]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(_guard(text) for text in heading)
    for table in tables:
        for group in table.all_groups:
            writer.writerow(_fields(table, group, list(values), scores))
    return file.getvalue()


def as_json(tables: Sequence[Table]) -> str:
    """A list of tables, each with its protocol and its rows, each row with the raw values of every seed."""
    return json.dumps([_table(table) for table in tables], indent=2, allow_nan=False)


def _fields(table: Table, group: Group, values: list[str], scores: list[str]) -> list[Any]:
    row, counts = group.first, group.statuses
    architecture = "" if row.architecture == "-" else row.architecture
    texts = [_key(table), row.dataset, architecture, row.loss, group.recipe, row.baseline, group.status]
    fields: list[Any] = [_guard(text) for text in texts]
    fields += [len(group.rows), counts[SUCCESS], *(counts[status] for status in STATUSES if status != SUCCESS)]
    for name in values:
        fields += _triple(group.metric(name))
    for name in scores:
        fields += _triple(group.best(name))
    for name in _COSTS:
        fields += _triple(group.cost(name))
    reasons = [f"seed {one.seed}: {one.status}: {one.reason}" for one in group.rows if not one.done]
    trial_ids = " ".join(one.trial_id for one in group.rows)
    return [*fields, _guard("; ".join(reasons)), _guard(table.sentence), _guard(trial_ids)]


def _triples(names: list[str]) -> list[str]:
    return [f"{name}{suffix}" for name in names for suffix in ("", "_sd", "_n")]


def _triple(summary: Summary | None) -> list[Any]:
    if summary is None:
        return ["", "", 0]
    return [summary.mean, "" if summary.sd is None else summary.sd, summary.n]


def _guard(text: str) -> str:
    """Text that a spreadsheet does not take for a formula: an apostrophe before what begins like one."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _key(table: Table) -> str:
    return table.protocol.key if table.protocol else ""


def _table(table: Table) -> dict[str, Any]:
    return {
        "protocol": table.protocol.model_dump(mode="json") if table.protocol else None,
        "protocol_key": _key(table),
        "protocol_text": table.sentence,
        "values": {name: info.model_dump(mode="json") for name, info in table.values.items()},
        "rows": [_group(table, group) for group in table.all_groups],
    }


def _group(table: Table, group: Group) -> dict[str, Any]:
    row = group.first
    scores = [name for name, info in table.values.items() if info.direction is not None]
    return {
        "loss": row.loss,
        "architecture": row.architecture,
        "dataset": row.dataset,
        "recipe_difference": group.recipe,
        "recipe": dict(row.recipe),
        "components": {role: part.model_dump(mode="json") for role, part in row.components.items()},
        "baseline": row.baseline,
        "status": group.status,
        "trials": len(group.rows),
        "statuses": dict(sorted(group.statuses.items())),
        "metrics": {name: _summary(group.metric(name)) for name in table.values},
        "best": {name: _summary(group.best(name)) for name in scores},
        "costs": {name: _summary(group.cost(name)) for name in _COSTS},
        "seeds": [_trial(one) for one in group.rows],
    }


def _summary(summary: Summary | None) -> dict[str, Any] | None:
    return {"mean": summary.mean, "sd": summary.sd, "median": summary.median, "n": summary.n} if summary else None


def _trial(row: Row) -> dict[str, Any]:
    return {
        "trial_id": row.trial_id,
        "seed": row.seed,
        "status": row.status,
        "reason": row.reason,
        "metrics": dict(row.metrics),
        "best": {name: best.model_dump(mode="json") for name, best in row.best.items()},
        "area": dict(row.area),
        "cost": dict(row.cost),
        "protocol_key": row.protocol.key if row.protocol else "",
        "warnings": list(row.warnings),
        "path": str(row.folder),
        "samples": str(row.samples) if row.samples else None,
    }
