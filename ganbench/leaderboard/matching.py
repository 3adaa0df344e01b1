"""Which row of new results answers which row of old ones, and whether the two may be compared."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ganbench.cleaning import clean
from ganbench.protocol import Protocol
from ganbench.tables.code import metric_code
from ganbench.tables.grouping import Group, Table
from ganbench.tables.ranking import short_names


class Placed(NamedTuple):
    """A row and the table that it stands in."""

    table: Table
    group: Group


@dataclass(frozen=True)
class Pair:
    """A new row and its old one; ``why`` says why there is no old one, where the base has namesakes."""

    new: Placed
    base: Placed | None = None
    why: str = ""


class Missing(NamedTuple):
    """An old row that no new one answers, and how that is said."""

    base: Placed
    why: str


def placed(tables: Iterable[Table]) -> list[Placed]:
    """All rows of tables but the baselines."""
    return [Placed(table, group) for table in tables for group in table.groups]


def match(base: Sequence[Table], new: Sequence[Table]) -> tuple[list[Pair], list[Missing]]:
    """Pair the new rows with old ones: by loss, architecture and dataset, and by recipe where either side has
    namesakes. Where one of them has the recipe of the only old row, the others are new.
    """
    old, now = placed(base), placed(new)
    olds, rivals = _by_labels(old), _by_labels(now)
    pairs = [_pair(row, olds.get(_labels(row.group), []), rivals[_labels(row.group)]) for row in now]
    return pairs, _unanswered(old, pairs)


def _by_labels(rows: Iterable[Placed]) -> dict[tuple[str, str, str], list[Placed]]:
    """The rows of each name: to go through all of them for each would take time with the square of their number."""
    found: dict[tuple[str, str, str], list[Placed]] = {}
    for row in rows:
        found.setdefault(_labels(row.group), []).append(row)
    return found


def _pair(new: Placed, namesakes: Sequence[Placed], rivals: Sequence[Placed]) -> Pair:
    """Find the old row of a new one.

    Args:
        new: the row.
        namesakes: the old rows of its name, whatever their protocol.
        rivals: the new rows of its name, itself among them.
    """
    if not namesakes:
        return Pair(new)
    comparable = [old for old in namesakes if _comparable(old.table, new.table)]
    if not comparable:
        return Pair(new, why=_protocols_differ(namesakes[0].table, new.table))
    alike = comparable
    if len(alike) > 1:
        alike = [old for old in alike if _same_recipe(old, new)]
    if len(alike) > 1:  # the same training, scored at other times, e.g. again by `ganbench eval`
        every = new.group.first.spec.evaluation.every
        alike = [old for old in alike if old.group.first.spec.evaluation.every == every]
    if len(alike) != 1:
        return Pair(new, why="the base has several rows with this name, but not exactly one with its recipe")
    (old,) = alike
    rivals = [rival for rival in rivals if _comparable(rival.table, new.table)]
    if len(rivals) == 1 or _same_recipe(old, new):
        return Pair(new, old)
    if any(_same_recipe(old, rival) for rival in rivals):
        return Pair(new)
    return Pair(new, why="the new results have several rows with this name, but none with the base's recipe")


def _unanswered(old: Sequence[Placed], pairs: Sequence[Pair]) -> list[Missing]:
    answered = {id(pair.base.group) for pair in pairs if pair.base}
    # A row that has no old one though there are namesakes stands in the comparison already, with the reason.
    told = {_labels(pair.new.group) for pair in pairs if pair.why}
    firsts = {_labels(pair.new.group): pair.new for pair in reversed(pairs)}
    found = []
    for row in old:
        labels = _labels(row.group)
        if id(row.group) in answered or labels in told:
            continue
        namesake = firsts.get(labels)
        others = _differences(row.table.protocol, namesake.table.protocol) if namesake else []
        under = f" under its other protocol ({clean('; '.join(f'{name} {own}' for name, own, _ in others))})"
        found.append(Missing(row, f"in the base{under if others else ''}, but not among the new results"))
    return found


def names(rows: Sequence[Placed]) -> list[str]:
    """The shortest names that tell rows apart; those of one name are followed by what their protocols differ in."""
    short = short_names([row.group for row in rows]) if rows else []
    called: dict[str, list[Placed]] = {}
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


def code_differs(base: Placed, new: Placed, metric: str) -> str:
    """Say that a metric or its features are not by the same code on both sides; empty where they are, or nobody knows.

    A number that a change of the metric has moved says nothing of what was trained.
    """
    before, after = base.table.values.get(metric), new.table.values.get(metric)
    if before is not None and after is not None and before.direction != after.direction:
        return f"{clean(after.label)} was '{before.direction} is better' and is now '{after.direction} is better'"
    old, now = metric_code(base.group, metric), metric_code(new.group, metric)
    changed = sorted(name for name in old.keys() & now.keys() if old[name] != now[name])
    if not changed:
        return ""
    return f"the code of {clean(', '.join(changed))} has changed: build the base again with the new code"


def _labels(group: Group) -> tuple[str, str, str]:
    # Not what the dataset is called: own data may lie elsewhere, and are told apart by the protocol.
    return group.first.spec.data.component.label, group.first.architecture, group.first.loss


def _same_recipe(one: Placed, other: Placed) -> bool:
    return one.group.first.recipe == other.group.first.recipe


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
    both = [(name, getattr(one, name), getattr(other, name)) for name in Protocol.model_fields]
    return [(name, a, b) for name, a, b in both if a != b]
