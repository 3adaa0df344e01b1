"""What a verdict must be read with, in lines: what it could not have shown, and what else may be why numbers differ."""

from collections.abc import Sequence

from ganbench.cleaning import clean
from ganbench.provenance.versions import COMPUTING
from ganbench.statistics import minimum_seeds, smallest_p
from ganbench.statistics.margin import ROUNDING
from ganbench.tables.grouping import Group


def cannot_fail(sizes: Sequence[tuple[int, int]], alpha: float) -> list[str]:
    """That rows are too many for their seeds: however much worse one got, Holm's first step would not reject.

    Args:
        sizes: of each tested row, how many old and new scores there are.
        alpha: the level of the tests.

    Returns:
        a line, or nothing where each row can fail on its own.
    """
    rows = len(sizes)
    blind = sum(rows * smallest_p(old, new, "greater") > alpha * (1 + ROUNDING) for old, new in sizes)
    if not blind:
        return []
    whose = "no single row can fail by its scores alone"
    if blind < rows:
        whose = f"{blind} of {rows} rows cannot fail by their scores unless others do"
    told = f"{rows} rows at alpha {alpha:g} need" if rows > 1 else f"1 row at alpha {alpha:g} needs"
    return [f"{whose}: {told} at least {minimum_seeds(alpha, rows, 1)} seeds per side"]


def computed_elsewhere(changed: Sequence[tuple[Group, Group]]) -> list[str]:
    """That rows were trained by other versions, or by another processor, than the old ones that they are held against.

    Args:
        changed: old and new rows whose numbers differ.

    Returns:
        a line, or nothing where all of them were computed alike, as far as both sides say.
    """
    base: list[str] = []
    new: list[str] = []
    for name in (*COMPUTING, "device", "instructions", "threads"):
        both = [(_known(old, name), _known(now, name)) for old, now in changed]
        apart = [(old, now) for old, now in both if old and now and old != now]
        if apart:
            base.append(_said(name, set().union(*(old for old, _ in apart))))
            new.append(_said(name, set().union(*(now for _, now in apart))))
    if not base:
        return []
    remedy = "build the base again before blaming the change, unless the change is just that"
    return [f"base: {', '.join(base)}; new: {', '.join(new)}: numbers may differ for that alone; {remedy}"]


def _known(group: Group, name: str) -> set[str]:
    """What the seeds of a row say of a version, or of where they were computed."""
    told = (row.versions.get(name, "") if name in COMPUTING else getattr(row, name) for row in group.rows)
    return {clean(value) for value in told} - {""}


def _said(name: str, values: set[str]) -> str:
    """``torch 2.9.0``, ``AVX2 and AVX512``, ``threads: 4``."""
    listed = " and ".join(sorted(values))
    if name == "threads":
        return f"threads: {listed}"
    return f"{name} {listed}" if name in COMPUTING else listed
