"""Tables for programs: CSV with a line per group, JSON with every trial's values."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ganbench.cleaning import clean
from ganbench.spec import STATUSES
from ganbench.statistics import Summary
from ganbench.store.results import SUCCESS, Row
from ganbench.store.values import ValueInfo
from ganbench.tables.code import mixed_beside
from ganbench.tables.grouping import Group, Table
from ganbench.tables.layout import COSTS, Layout
from ganbench.tables.ranking import Ranking, rank

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a formula begins with; the full-width signs of East Asian keyboards are taken for the others."""
Field = tuple[str, str, Any]
"""The layout's name of a column, its heading and a cell."""


def as_csv(tables: Sequence[Table], layout: Layout) -> str:
    """A line per group, all protocols in one file, told apart by the column ``protocol``.

    Of every number there is the mean, the sample standard deviation (``_sd``) and the count (``_n``), of every score
    also the median, the 95 % interval of the mean (``_low``, ``_high``, ``_interval`` says by which method) and the tie
    group; percentages are shares. A baseline has a line in every protocol that it frames. The columns ``done`` to
    ``interrupted`` count trials. A wide layout has a line per row and the columns of one metric per protocol.
    """
    lines = _wide(tables, layout) if layout.wide else _long(tables, layout)
    # A column that only some tables have stands where it first does.
    headings = dict.fromkeys(heading for line in lines for _, heading, _ in line)
    file = io.StringIO()
    writer = csv.DictWriter(file, [_guard(heading) for heading in headings], restval="", lineterminator="\n")
    writer.writeheader()
    for line in lines:
        writer.writerow({_guard(heading): cell for _, heading, cell in line})
    return file.getvalue()


def as_json(tables: Sequence[Table], layout: Layout) -> str:
    """A list of tables, each with its protocol and its rows, each row with the raw values of every seed."""
    return json.dumps([_table(table, layout) for table in tables], indent=2, allow_nan=False)


def _long(tables: Sequence[Table], layout: Layout) -> list[list[Field]]:
    values = {name: info for table in tables for name, info in table.values.items()}
    return [
        [field for field in fields if _chosen(field[0], layout)]
        for table in tables
        for fields in _table_fields(table, values, layout)
    ]


def _chosen(source: str, layout: Layout) -> bool:
    names = layout.columns
    if not names or any(name.startswith("+") or name == "all" for name in names) or source == "protocol":
        return True
    if "cost" in names and source in COSTS:
        return True
    return source in names or ("group" in names and source.endswith(":group"))


def _table_fields(table: Table, values: Mapping[str, ValueInfo], layout: Layout) -> Iterator[list[Field]]:
    rankings = {name: rank(table, name, layout.alpha) for name in values}
    for index, group in enumerate(table.all_groups):
        row, counts = group.first, group.statuses
        texts = {"protocol": _key(table), "dataset": row.dataset, "architecture": _architecture(row), "loss": row.loss}
        texts |= {"recipe": group.recipe, "baseline": row.baseline, "status": group.status}
        fields: list[Field] = [(name, name, _guard(text)) for name, text in texts.items()]
        fields.append(("seeds", "trials", len(group.rows)))
        ends = (SUCCESS, *(status for status in STATUSES if status != SUCCESS))
        fields += [("seeds", status.replace("-", "_"), counts[status]) for status in ends]
        for name, info in values.items():
            summary = group.metric(name)
            fields += _triple(name, clean(name), summary)
            if info.direction is not None:
                fields += _score(clean(name), summary, _tie(rankings[name], index))
                fields += _triple(f"{name}:best", f"best_{clean(name)}", group.best(name))
        for name, cost in COSTS.items():
            fields += _triple(name, cost, group.cost(cost))
        reasons = [f"seed {one.seed}: {one.status}: {one.reason}" for one in group.rows if not one.done]
        trial_ids = " ".join(one.trial_id for one in group.rows)
        more = {"reasons": "; ".join(reasons), "protocol_text": table.sentence, "trial_ids": trial_ids}
        yield [*fields, *((name, name, _guard(text)) for name, text in more.items())]


def _wide(tables: Sequence[Table], layout: Layout) -> list[list[Field]]:
    rows: dict[tuple[str, str, str], list[Field]] = {}
    for table in tables:
        ranking = rank(table, layout.metric or None, layout.alpha)
        metric = ranking.metric if ranking else layout.metric
        for index, group in enumerate(table.all_groups):
            parts = (group.first.loss, _architecture(group.first), group.recipe)
            named = zip(("loss", "architecture", "recipe"), parts, strict=True)
            fields = rows.setdefault(parts, [(name, name, _guard(text)) for name, text in named])
            name = clean(f"{group.first.dataset} {metric} {_key(table)}".strip())
            fields += _triple(metric, name, group.metric(metric))
            fields += [
                ("group", f"{name}_group", _tie(ranking, index)),
                ("seeds", f"{name}_status", group.status),
            ]
    return list(rows.values())


def _triple(source: str, heading: str, summary: Summary | None) -> list[Field]:
    mean, sd, n = (summary.mean, summary.sd, summary.n) if summary else ("", "", 0)
    return [(source, heading, mean), (source, f"{heading}_sd", "" if sd is None else sd), (source, f"{heading}_n", n)]


def _tie(ranking: Ranking | None, index: int) -> int | str:
    """The tie group of a table's row; empty for a baseline, and for a row without scores."""
    tie = ranking.ties[index] if ranking and index < len(ranking.ties) else None
    return "" if tie is None else tie


def _score(name: str, summary: Summary | None, tie: int | str) -> list[Field]:
    found = _interval(summary) or {"low": "", "high": "", "interval": ""}
    return [
        (f"{name}:median", f"{name}_median", summary.median if summary else ""),
        *((f"{name}:ci", f"{name}_{key}", value) for key, value in found.items()),
        (f"{name}:group", f"{name}_group", tie),
    ]


def _interval(summary: Summary | None) -> dict[str, Any] | None:
    """Six digits: more would differ between versions of the libraries that compute them."""
    found = summary.interval() if summary else None
    if found is None:
        return None
    return {"low": float(f"{found.low:.6g}"), "high": float(f"{found.high:.6g}"), "interval": found.method}


def _guard(text: str) -> str:
    """Text that a spreadsheet does not take for a formula: an apostrophe before what begins like one."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _architecture(row: Row) -> str:
    return "" if row.architecture == "-" else row.architecture


def _key(table: Table) -> str:
    return table.protocol.key if table.protocol else ""


def _table(table: Table, layout: Layout) -> dict[str, Any]:
    ranking = rank(table, layout.metric or None, layout.alpha)
    # Once for all rows: what a ranking knows takes time that grows with the square of their number.
    rankings = {name: found for name in table.scores if (found := rank(table, name, layout.alpha)) is not None}
    return {
        "protocol": table.protocol.model_dump(mode="json") if table.protocol else None,
        "protocol_key": _key(table),
        "protocol_text": table.sentence,
        "part": table.part,
        "values": {name: info.model_dump(mode="json") for name, info in table.values.items()},
        "conclusions": [
            *(ranking.conclusions() if ranking else []),
            *mixed_beside(table, ranking.metric if ranking else ""),
        ],
        "comparisons": _comparisons(ranking) if ranking else None,
        "rows": [_group(table, index, group, rankings) for index, group in enumerate(table.all_groups)],
    }


def _comparisons(ranking: Ranking) -> dict[str, Any]:
    return {
        "metric": ranking.metric,
        "test": f"{'exact ' if ranking.exact else ''}Wilcoxon-Mann-Whitney, two-sided, Holm over all pairs",
        "alpha": ranking.alpha,
        "pairs": [
            {
                "a": pair.a,
                "b": pair.b,
                "p": pair.p,
                "p_holm": pair.adjusted,
                "probability_a_beats_b": pair.superiority.probability,
                "probability_low": float(f"{pair.superiority.low:.6g}"),
                "probability_high": float(f"{pair.superiority.high:.6g}"),
                "separated": ranking.separates(pair),
                "seeds_needed": pair.seeds,
            }
            for pair in ranking.pairs
        ],
    }


def _group(table: Table, index: int, group: Group, rankings: Mapping[str, Ranking]) -> dict[str, Any]:
    row = group.first
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
        "intervals": {name: _interval(group.metric(name)) for name in table.scores},
        "tie_groups": {name: found.ties[index] for name, found in rankings.items() if index < len(found.ties)},
        "best": {name: _summary(group.best(name)) for name in table.scores},
        "costs": {cost: _summary(group.cost(cost)) for cost in COSTS.values()},
        "seeds": [_trial(one) for one in group.rows],
    }


def _summary(summary: Summary | None) -> dict[str, Any] | None:
    if summary is None:
        return None
    return {"mean": summary.mean, "sd": summary.sd, "median": summary.median, "n": summary.n}


def _trial(row: Row) -> dict[str, Any]:
    return {
        "trial_id": row.trial_id,
        "seed": row.seed,
        "status": row.status,
        "reason": row.reason,
        "log": [clean(line) for line in row.log],
        "metrics": dict(row.metrics),
        "best": {name: best.model_dump(mode="json") for name, best in row.best.items()},
        "area": dict(row.area),
        "cost": dict(row.cost),
        "protocol_key": row.protocol.key if row.protocol else "",
        "warnings": list(row.warnings),
        "path": str(row.folder),
        "samples": str(row.samples) if row.samples else None,
    }
