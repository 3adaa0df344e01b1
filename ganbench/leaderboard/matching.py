"""Which row of new results answers which row of old ones, and whether the two may be compared."""

from collections.abc import Sequence
from dataclasses import dataclass

from ganbench.cleaning import clean
from ganbench.protocol import Protocol
from ganbench.store.values import ValueInfo
from ganbench.tables.code import metric_code
from ganbench.tables.grouping import Group, Table
from ganbench.tables.ranking import short_names


@dataclass(frozen=True)
class Pair:
    """A new row, its old one, and their tables; ``why`` says why there is no old one."""

    group: Group
    table: Table
    base: Group | None = None
    base_table: Table | None = None
    why: str = ""


@dataclass(frozen=True)
class Missing:
    """An old row that no new one answers, its table, and how that is said."""

    group: Group
    table: Table
    why: str


def match(base: Sequence[Table], new: Sequence[Table]) -> tuple[list[Pair], list[Missing]]:
    """Pair the new rows with old ones: by loss, architecture and dataset, and by recipe where either side has
    namesakes. Where one of them has the recipe of the only old row, the others are new.
    """
    old = [(table, group) for table in base for group in table.groups]
    olds, news = _by_labels(old), _by_labels([(table, group) for table in new for group in table.groups])
    pairs = []
    for table in new:
        for group in table.groups:
            namesakes = olds.get(_labels(group), [])
            alike = [(t, g) for t, g in namesakes if _comparable(t, table)]
            rivals = [g for t, g in news[_labels(group)] if _comparable(t, table)]
            if len(alike) > 1:
                alike = [(t, g) for t, g in alike if g.first.recipe == group.first.recipe]
            if len(alike) > 1:  # the same training, scored at other times, e.g. again by `ganbench eval`
                every = group.first.spec.evaluation.every
                alike = [(t, g) for t, g in alike if g.first.spec.evaluation.every == every]
            if len(alike) == 1 and len(rivals) > 1 and alike[0][1].first.recipe != group.first.recipe:
                theirs = any(rival.first.recipe == alike[0][1].first.recipe for rival in rivals)
                why = (
                    ""
                    if theirs
                    else "the new results have several rows with this name, but none with the base's recipe"
                )
                pairs.append(Pair(group, table, why=why))
            elif len(alike) == 1:
                pairs.append(Pair(group, table, alike[0][1], alike[0][0]))
            elif not namesakes:
                pairs.append(Pair(group, table))
            elif any(_comparable(t, table) for t, _ in namesakes):
                why = "the base has several rows with this name, but not exactly one with its recipe"
                pairs.append(Pair(group, table, why=why))
            else:
                pairs.append(Pair(group, table, why=_protocols_differ(namesakes[0][0], table)))
    return pairs, _unanswered(old, pairs)


def _by_labels(rows: Sequence[tuple[Table, Group]]) -> dict[tuple[str, str, str], list[tuple[Table, Group]]]:
    """The rows of each name: to go through all of them for each would take time with the square of their number."""
    found: dict[tuple[str, str, str], list[tuple[Table, Group]]] = {}
    for table, group in rows:
        found.setdefault(_labels(group), []).append((table, group))
    return found


def _unanswered(old: Sequence[tuple[Table, Group]], pairs: Sequence[Pair]) -> list[Missing]:
    answered = {id(pair.base) for pair in pairs}
    # A row that has no old one though there are namesakes stands in the comparison already, with the reason.
    told = {_labels(pair.group) for pair in pairs if pair.why}
    firsts = {_labels(pair.group): pair for pair in reversed(pairs)}
    found = []
    for table, group in old:
        if id(group) in answered or _labels(group) in told:
            continue
        namesake = firsts.get(_labels(group))
        others = _differences(table.protocol, namesake.table.protocol) if namesake else []
        under = f" under its other protocol ({clean('; '.join(f'{name} {own}' for name, own, _ in others))})"
        found.append(Missing(group, table, f"in the base{under if others else ''}, but not among the new results"))
    return found


def names(rows: Sequence[Pair | Missing]) -> list[str]:
    """The shortest names that tell rows apart; those of one name are followed by what their protocols differ in."""
    short = short_names([row.group for row in rows]) if rows else []
    called: dict[str, list[Pair | Missing]] = {}
    for row, name in zip(rows, short, strict=True):
        called.setdefault(name, []).append(row)
    found = []
    for row, name in zip(rows, short, strict=True):
        fields = {
            field: own
            for other in called[name]
            for field, own, _ in _differences(row.table.protocol, other.table.protocol)
        }
        told = clean("; ".join(f"{field} {own}" for field, own in fields.items()))
        found.append(f"{name} ({told})" if told else name)
    return found


def code_differs(pair: Pair, metric: str) -> str:
    """Say that a metric or its features are not by the same code on both sides; empty where they are, or nobody knows.

    A number that a change of the metric has moved says nothing of what was trained.
    """
    if pair.base is None or pair.base_table is None:
        return ""
    before, after = pair.base_table.values.get(metric), pair.table.values.get(metric)
    if before is not None and after is not None and before.direction != after.direction:
        return f"{_label(after)} was '{before.direction} is better' and is now '{after.direction} is better'"
    old, new = metric_code(pair.base, metric), metric_code(pair.group, metric)
    changed = sorted(name for name in old.keys() & new.keys() if old[name] != new[name])
    if not changed:
        return ""
    return f"the code of {clean(', '.join(changed))} has changed: build the base again with the new code"


def _label(info: ValueInfo) -> str:
    return clean(info.label)


def _labels(group: Group) -> tuple[str, str, str]:
    # Not what the dataset is called: own data may lie elsewhere, and are told apart by the protocol.
    return group.first.spec.data.component.label, group.first.architecture, group.first.loss


def _comparable(one: Table, other: Table) -> bool:
    """Equal protocols; a side without any has no scores either, and only its failures are compared."""
    return one.protocol is None or other.protocol is None or one.protocol.key == other.protocol.key


def _protocols_differ(one: Table, other: Table) -> str:
    fields = [f"{name} {a} and {b}" for name, a, b in _differences(one.protocol, other.protocol)]
    return f"the protocols differ ({clean('; '.join(fields))}): build the base again with the new one"


def _differences(one: Protocol | None, other: Protocol | None) -> list[tuple[str, object, object]]:
    """The fields in which two protocols differ, with both values."""
    if one is None or other is None:
        return []
    a, b = one.model_dump(), other.model_dump()
    return [(name, a.get(name, ""), b.get(name, "")) for name in {**a, **b} if a.get(name, "") != b.get(name, "")]
