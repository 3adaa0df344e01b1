"""A table as a person reads it: cells of cleaned text, the same for all such formats."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os.path import commonpath
from typing import Literal

from ganbench.cleaning import clean
from ganbench.provenance.versions import COMPUTING
from ganbench.store.results import Row
from ganbench.tables.grouping import Group

ARROWS = {"lower": "↓", "higher": "↑"}
"""Which way a score is better, as papers write it beside a heading."""
LOG_LINES = 3
LOG_WIDTH = 200
"""How much of a failed trial's log is shown under a table; the rest is in its folder."""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        heading: without the arrow of a score.
        cells: one per row, the baselines' last.
        numeric: whether they are numbers.
        strong: the rows whose cell is set bold.
        name: what ``--columns`` calls it.
        better: which way a score is better; ``None`` for what is no score.
    """

    heading: str
    cells: list[str]
    numeric: bool = False
    strong: frozenset[int] = frozenset()
    name: str = ""
    better: Literal["lower", "higher"] | None = None

    @property
    def titled(self) -> str:
        """The heading, with an arrow where one way is better: ``FID ↓``."""
        return f"{self.heading} {ARROWS[self.better]}" if self.better else self.heading

    @property
    def empty(self) -> bool:
        """Whether no cell says anything."""
        return all(cell in ("", "-") for cell in self.cells)


@dataclass(frozen=True)
class Note:
    """A line under a table.

    Attributes:
        kind: a status, or ``warning``.
        whose: the row or rows it is about.
        text: what is to be said; it may come from a plugin.
        path: where to look; may be empty.
        log: the last lines of a failed trial's log.
    """

    kind: str
    whose: str
    text: str
    path: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """A table as a person reads it.

    Attributes:
        columns: of equal length; the last ``baselines`` cells of each are the baselines'.
        sentences: the protocol or protocols, then what can and cannot be concluded.
        title: what sets it apart from its neighbours; may be empty.
        samples: where the pictures are; may be empty.
        notes: failures and warnings.
        spare: names of the columns that a terminal may leave out where all are too wide for it, the first first.
    """

    columns: list[Column]
    baselines: int
    sentences: list[str]
    title: str = ""
    samples: str = ""
    notes: list[Note] = field(default_factory=list)
    spare: tuple[str, ...] = ()

    @property
    def rows(self) -> list[list[str]]:
        """The cells by row."""
        return [list(cells) for cells in zip(*(column.cells for column in self.columns), strict=True)]

    def strong(self, row: int, column: int) -> bool:
        """Whether a cell is set bold."""
        return row in self.columns[column].strong


def notes(groups: Sequence[Group]) -> list[Note]:
    """Why trials failed, and what was warned about; the same warning of several seeds once."""
    rows = [row for group in groups for row in group.rows]
    lost = [row for row in rows if not row.done and (row.status != "pending" or row.reason)]
    return [*map(_lost, lost), *_warnings(rows), *_mixed_versions(rows), *_mixed_devices(rows)]


def _lost(row: Row) -> Note:
    """Why a trial has no numbers, with the end of its log where that says more."""
    unsaid = "not ended; 'ganbench status' shows how far it is" if row.status == "running" else "no reason was recorded"
    text = clean(row.reason) or unsaid
    # A divergence explains itself; the log's end is for ends that nobody foresaw.
    foreseen = row.status in ("diverged", "running", "interrupted")
    log = () if foreseen else tuple(filter(None, map(cut, row.log)))[-LOG_LINES:]
    if len(log) == 1 and log[0] in text:
        log = ()
    return Note(row.status, clean(row.name), text, clean(str(row.folder)), log)


def warnings(named: Iterable[tuple[str, Row]]) -> list[tuple[str, str]]:
    """Each warning once, after whom it is about.

    Args:
        named: trials with the names of their rows; what is said of every row need not name them all.
    """
    everyone: set[str] = set()
    warned: dict[str, dict[str, None]] = {}
    for name, row in named:
        everyone.add(name)
        for text in filter(None, map(clean, row.warnings)):
            warned.setdefault(text, {})[name] = None
    return [
        ("every row" if len(names) == len(everyone) > 1 else ", ".join(names), text) for text, names in warned.items()
    ]


def samples(rows: list[Row]) -> str:
    """Where the pictures are: a path, or a pattern that a shell expands to all of them."""
    pictures = [row.samples for row in rows if row.samples is not None]
    if len(pictures) < 2:
        return clean(str(pictures[0])) if pictures else ""
    if len({picture.parent.parent for picture in pictures}) == 1:
        return clean(str(pictures[0].parent.parent / "*" / pictures[0].name))
    return clean(f"under {commonpath([str(picture.absolute()) for picture in pictures])}")


def cut(line: str) -> str:
    """A line of a log, or a reason, as it is shown: clean, and not too long."""
    line = clean(line)
    return line if len(line) <= LOG_WIDTH else f"{line[:LOG_WIDTH]}..."


def _warnings(rows: list[Row]) -> list[Note]:
    named = ((clean(row.name).rpartition(" · seed ")[0], row) for row in rows)
    return [Note("warning", whose, text) for whose, text in warnings(named)]


def _mixed_devices(rows: list[Row]) -> list[Note]:
    """That rows ran on several kinds of devices, with how many trials on each: their speeds are no comparison."""
    kinds = Counter(clean(row.device) for row in rows if row.done and row.device)
    if len(kinds) < 2:
        return []
    text = f"not comparable, trials ran on several kinds of devices: {_counted(kinds)}"
    return [Note("warning", "times and speeds", text)]


def _mixed_versions(rows: list[Row]) -> list[Note]:
    """That trials were computed by several versions, which may differ by more than their losses do."""
    found = []
    for name in COMPUTING:
        kinds = Counter(clean(row.versions[name]) for row in rows if row.done and name in row.versions)
        if len(kinds) > 1:
            found.append(f"{name} {_counted(kinds)}")
    return [Note("warning", "trials", f"were computed by several versions: {'; '.join(found)}")] if found else []


def _counted(kinds: Counter[str]) -> str:
    """``A (3), B (1)``, the commonest first."""
    return ", ".join(f"{name} ({count})" for name, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0])))
