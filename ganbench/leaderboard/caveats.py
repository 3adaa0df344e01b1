"""What a verdict must be read with, in lines: what it could not have shown."""

from collections.abc import Sequence

from ganbench.statistics import minimum_seeds, smallest_p


def cannot_fail(sizes: Sequence[tuple[int, int]], alpha: float) -> list[str]:
    """That rows are too many for their seeds: however much worse one got, Holm's first step would not reject.

    Args:
        sizes: of each tested row, how many old and new scores there are.
        alpha: the level of the tests.

    Returns:
        a line, or nothing where each row can fail on its own.
    """
    rows = len(sizes)
    blind = sum(rows * smallest_p(old, new, "greater") > alpha for old, new in sizes)
    if not blind:
        return []
    whose = "no single row can fail by its scores"
    if blind < rows:
        whose = f"{blind} of {rows} rows cannot fail by their scores unless others do"
    told = f"{rows} rows at alpha {alpha:g} need" if rows > 1 else f"1 row at alpha {alpha:g} needs"
    return [f"{whose}: {told} at least {minimum_seeds(alpha, rows, 1)} seeds a side"]
