"""The cells of a table, the same for all formats that a person reads."""

from collections.abc import Callable
from dataclasses import dataclass, field
from os.path import commonpath

from ganbench.results import Row, ValueInfo
from ganbench.statistics import Summary
from ganbench.tables.grouping import Group, Table
from ganbench.tables.wording import clean, duration, headline, rate, spread


@dataclass(frozen=True)
class Column:
    """One column: its heading, its cells (the baselines' last), and whether they are numbers."""

    heading: str
    cells: list[str]
    numeric: bool = False


@dataclass(frozen=True)
class Note:
    """A line under a table: what kind, who says it (the row), the foreign text, and where to look."""

    kind: str
    whose: str
    text: str
    path: str = ""


@dataclass(frozen=True)
class Sheet:
    """A table as a person reads it. The last ``baselines`` cells of each column are the baselines'."""

    columns: list[Column]
    baselines: int
    sentence: str
    samples: str
    notes: list[Note] = field(default_factory=list)

    @property
    def rows(self) -> list[list[str]]:
        """The cells by row."""
        return [list(cells) for cells in zip(*(column.cells for column in self.columns), strict=True)]


def sheet(table: Table) -> Sheet:
    """Lay a table out. Columns that hold nothing are left out; text is cleaned, not yet escaped for its format."""
    groups = table.all_groups
    columns = [
        _text("loss", groups, lambda group: group.first.loss),
        _text("architecture", groups, lambda group: group.first.architecture),
        _text("dataset", groups, lambda group: group.first.dataset),
        _text("recipe", groups, lambda group: group.recipe),
    ]
    if any(len(group.rows) > 1 for group in groups):
        columns.append(Column("seeds", [_seeds(group) for group in groups], numeric=True))
    for name, info in table.values.items():
        if info.direction is not None:
            columns.append(_numbers(info.label, info, groups, [group.metric(name) for group in groups]))
    best = headline(table.values)
    if best is not None:
        info = table.values[best]
        # Baselines are scored once: a best over one evaluation says nothing new.
        summaries = [None if group.first.baseline else group.best(best) for group in groups]
        columns.append(_numbers(f"best {info.label}", info, groups, summaries))
    columns.append(_text("status", groups, lambda group: group.status))
    columns.append(Column("images/s", [_cost(group, "images_per_second", rate) for group in groups], numeric=True))
    columns.append(Column("time", [_cost(group, "seconds", duration) for group in groups], numeric=True))
    return Sheet(
        columns=[column for column in columns if any(cell not in ("", "-") for cell in column.cells)],
        baselines=len(table.baselines),
        sentence=clean(table.sentence),
        samples=_samples([row for group in groups for row in group.rows]),
        notes=_notes(groups),
    )


def _text(heading: str, groups: list[Group], cell: Callable[[Group], str]) -> Column:
    return Column(heading, [clean(cell(group)) for group in groups])


def _numbers(label: str, info: ValueInfo, groups: list[Group], summaries: list[Summary | None]) -> Column:
    cells = []
    for group, summary in zip(groups, summaries, strict=True):
        if summary is None:
            cells.append("-")
            continue
        missing = summary.n < len(group.done)
        cells.append(spread(summary.mean, summary.sd, info) + (f" (n={summary.n})" if missing else ""))
    return Column(clean(label), cells, numeric=True)


def _seeds(group: Group) -> str:
    done = len(group.done)
    return str(done) if done == len(group.rows) else f"{done}/{len(group.rows)}"


def _cost(group: Group, name: str, write: Callable[[float], str]) -> str:
    summary = group.cost(name)
    return write(summary.mean) if summary else "-"


def _notes(groups: list[Group]) -> list[Note]:
    """Why trials failed, and what was warned about; the same warning of several seeds once."""
    notes: list[Note] = []
    for group in groups:
        for row in group.rows:
            if row.done or row.status == "pending":
                continue
            text = clean(row.reason) or "no reason was left"
            line = clean(row.log_line)
            # A divergence explains itself; the log's last line is for ends that nobody foresaw.
            if line and line not in text and row.status not in ("diverged", "running", "interrupted"):
                text += f" | {line}"
            notes.append(Note(row.status, clean(row.name), text, clean(str(row.folder))))
    return notes + _warnings([row for group in groups for row in group.rows])


def _warnings(rows: list[Row]) -> list[Note]:
    """Each warning once, with the rows it is about; what is said of every row need not name them all."""
    everyone = dict.fromkeys(_whose(row) for row in rows)
    warned: dict[str, dict[str, None]] = {}
    for row in rows:
        for text in filter(None, map(clean, row.warnings)):
            warned.setdefault(text, {})[_whose(row)] = None
    whose = {
        text: "every row" if len(names) == len(everyone) > 1 else ", ".join(names) for text, names in warned.items()
    }
    return [Note("warning", names, text) for text, names in whose.items()]


def _whose(row: Row) -> str:
    return clean(row.name).rpartition(" · seed ")[0]


def _samples(rows: list[Row]) -> str:
    """Where the pictures are: a path, or a pattern that a shell expands to all of them."""
    pictures = [row.samples for row in rows if row.samples is not None]
    if len(pictures) < 2:
        return clean(str(pictures[0])) if pictures else ""
    if len({picture.parent.parent for picture in pictures}) == 1:
        return clean(str(pictures[0].parent.parent / "*" / pictures[0].name))
    return clean(f"under {commonpath([str(picture.absolute()) for picture in pictures])}")
