"""What a dry run found, in lines for a person: seeds of one row share a line, and shared settings are said once."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ganbench.files import digest
from ganbench.spec import Recipe, TrialFile
from ganbench.store.results import trial_label

STATUS = 8
"""Characters that the first word of a line takes, usually ``to run``."""
INDENT = STATUS + 2
RANGE = 3
"""From so many seeds in a row on they are written as a range: ``0, 1`` is as short as ``0-1``, and clearer."""


@dataclass
class Row:
    """Trials that differ in nothing but the seed: the first of them, their seeds by status, and their warnings."""

    first: TrialFile
    seeds: dict[str | None, list[int]] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, object]:
        """The settings of its recipe that are not the defaults."""
        defaults = Recipe().model_dump()
        return {key: value for key, value in self.first.spec.recipe.model_dump().items() if value != defaults[key]}


def lines(trials: Sequence[TrialFile], statuses: Sequence[str | None], width: int | None = None) -> list[str]:
    """A line per row and status, with what sets its recipe apart; what is the same in every row is said once.

    Args:
        trials: in the order in which their rows are to stand.
        statuses: that of each; ``None`` for one that would run.
        width: characters in a line of the terminal; ``None``: no line is folded.
    """
    rows = _rows(trials, statuses)
    trained = [row.changed for row in rows if not row.first.spec.baseline]
    shared = _shared(trained)
    everywhere = [text for text in rows[0].warnings if all(text in row.warnings for row in rows)] if rows[1:] else []
    found = []
    for row in rows:
        own = {key: value for key, value in row.changed.items() if shared.get(key) != value}
        for status, seeds in row.seeds.items():
            label = trial_label(row.first).removesuffix(f"seed {row.first.spec.seed}") + numbered(seeds)
            found.append((f"{status or 'to run':{STATUS}}  {label}  {_settings(own)}").rstrip())
        found += [f"{'':{INDENT}}note: {text}" for text in row.warnings if text not in everywhere]
    if shared:
        found.append(f"{'recipe':{STATUS}}  {'in every row: ' if len(trained) > 1 else ''}{_settings(shared)}")
    found += [f"{'note':{STATUS}}  every row: {text}" for text in everywhere]
    return [part for line in found for part in folded(line, width)]


def folded(line: str, width: int | None) -> list[str]:
    """A line, or the lines that it takes in ``width`` characters, the further ones indented."""
    if width is None or len(line) <= width:
        return [line]
    more = " " * (INDENT + 2)
    # Where the settings alone are what is too long, they begin a line of their own.
    label, _, settings = line.rpartition("  ")
    if INDENT < len(label) <= width:
        return [label, *_wrapped(settings, width, more, more)]
    # An indentation at the beginning is content, which wrapping would take for space to drop.
    begin = line[: len(line) - len(line.lstrip())]
    return _wrapped(line.lstrip(), width, begin, more)


def _wrapped(text: str, width: int, begin: str, more: str) -> list[str]:
    return textwrap.wrap(
        text,
        max(width, 2 * INDENT),
        initial_indent=begin,
        subsequent_indent=more,
        break_on_hyphens=False,
        break_long_words=False,
    )


def numbered(seeds: Sequence[int]) -> str:
    """``seed 4``, ``seeds 0, 1`` or ``seeds 0-4, 7``."""
    return f"seed{'' if len(seeds) == 1 else 's'} {', '.join(_ranges(sorted(seeds)))}"


def _ranges(seeds: Sequence[int]) -> Iterator[str]:
    begin = 0
    for place in range(1, len(seeds) + 1):
        if place < len(seeds) and seeds[place] == seeds[place - 1] + 1:
            continue
        run = seeds[begin:place]
        yield from [f"{run[0]}-{run[-1]}"] if len(run) >= RANGE else map(str, run)
        begin = place


def _rows(trials: Sequence[TrialFile], statuses: Sequence[str | None]) -> list[Row]:
    found: dict[str, Row] = {}
    for trial, status in zip(trials, statuses, strict=True):
        key = digest([trial.spec.model_dump(mode="json", exclude={"seed"}), trial.execution.data_at])
        row = found.setdefault(key, Row(trial))
        row.seeds.setdefault(status, []).append(trial.spec.seed)
        row.warnings |= dict.fromkeys(trial.warnings)
    return list(found.values())


def _shared(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The settings that all rows have, with equal values."""
    first, *others = rows or [{}]
    return {key: value for key, value in first.items() if all(key in row and row[key] == value for row in others)}


def _settings(settings: Mapping[str, object]) -> str:
    return " ".join(f"{key}={value}" for key, value in settings.items())
