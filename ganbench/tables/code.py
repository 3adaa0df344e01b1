"""Which code computed the numbers of a table: two of one column may differ for no other reason."""

from collections.abc import Iterable, Mapping, Sequence

from ganbench.cleaning import clean
from ganbench.store.values import ValueInfo
from ganbench.tables.grouping import Group, Table


def mixed_code(groups: Sequence[Group], scores: Mapping[str, ValueInfo]) -> list[str]:
    """Say which scores were not computed by one code in all rows: a line for those that share what is mixed."""
    labels: dict[str, list[str]] = {}
    for metric, info in scores.items():
        found: dict[str, set[tuple[str, str]]] = {}
        for group in groups:
            for label, code in metric_code(group, metric).items():
                found.setdefault(label, set()).add(code)
        mixed = clean(", ".join(sorted(label for label, codes in found.items() if len(codes) > 1)))
        if mixed:
            labels.setdefault(mixed, []).append(clean(info.label))
    return [
        f"{', '.join(names)}: the code of {mixed} is not the same in all rows, which may be why they differ."
        for mixed, names in labels.items()
    ]


def mixed_beside(table: Table, ranked: str, shown: Iterable[str] | None = None) -> list[str]:
    """As :func:`mixed_code`, of the scores beside the one that a table is ranked by, which says so itself.

    Args:
        table: the rows.
        ranked: the name of the score that they are ranked by; may be empty.
        shown: names of the values that are shown; all by default.
    """
    names = set(table.values if shown is None else shown) - {ranked}
    scores = {name: info for name, info in table.scores.items() if name in names}
    return mixed_code(table.groups, scores)


def metric_code(group: Group, metric: str) -> dict[str, tuple[str, str]]:
    """Package and source of what may have computed a value: the metric that returns it, where results do not say which
    those that it is named after, else all of them; and the extractor whose features they were given."""
    evaluation = group.first.spec.evaluation
    parts = evaluation.metrics
    owners = {row.values[metric].metric for row in group.rows if metric in row.values}
    owner = [part for part in parts if part.label in owners]
    named = [part for part in parts if f"{metric}_".startswith(f"{part.name.replace('-', '_')}_")]
    found = {f"the metric {part.label}": (part.plugin, part.source) for part in owner or named or parts}
    if evaluation.extractor is not None:
        found[f"the extractor {evaluation.extractor.label}"] = evaluation.extractor.plugin, evaluation.extractor.source
    return found
