"""The pages of a leaderboard, a pure function of its file: Markdown, CSV and HTML."""

import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ganbench.cleaning import clean
from ganbench.leaderboard.schema import Board, Trial
from ganbench.leaderboard.sources import rows_of
from ganbench.store.results import SUCCESS, computed_by
from ganbench.store.values import values_in_order
from ganbench.tables import html as web
from ganbench.tables import markdown as text
from ganbench.tables import sheets
from ganbench.tables.critical import diagram
from ganbench.tables.grouping import Table, build
from ganbench.tables.layout import Layout, arrange
from ganbench.tables.machine import as_csv
from ganbench.tables.overall import overall
from ganbench.tables.ranking import Ranking, rank
from ganbench.tables.sheet import Column, Sheet
from ganbench.tables.wording import counted, headline, listed, number

GENERATED = (
    "Made by 'ganbench leaderboard build' from {name}.json (SHA-256 {sha256}). Edits are lost and found by --check."
)

PAIRS = (
    "By {metric}. P(A beats B): the probability that a seed of A beats a seed of B, with its 95 % interval (Newcombe). "
    "p: two-sided {exact}rank test; p (Holm): corrected over all pairs. Seeds needed: about how many seeds per row "
    "would show which of the two is better if one beats the other as often as seen (enough: these do; -: no realistic "
    "number). Two rows of different groups can have a large p (Holm): a group says which rows may be the best, and "
    "Holm's correction is stricter, as it guards all pairs at once."
)

READING = {
    "seeds": "A number is the mean over training seeds, ± their standard deviation.",
    " 95 %": (
        "95 %: an interval of the mean over seeds. (t): by Student's t, which assumes roughly normal scores; without "
        "it, by bootstrap."
    ),
    "group": (
        "group: 1 holds every row that may be the best by the first score, 2 those that may be the best of the rest, "
        "and so on. Bold: the row may be the best by this score, and some other row may not."
    ),
    "best ": (
        "best: the mean of each seed's best evaluation during training. It is picked after looking, so nothing is "
        "ranked by it."
    ),
    "(real data)": "(real data): real samples scored like generated ones, about the best that a generator can reach.",
    "(untrained)": "(untrained): a generator before its first step.",
    "images/s": "images/s: real images per second of training. time: a whole trial with its evaluation.",
    "memory": "memory: the peak of a trial.",
    "energy": "energy: of the whole GPU during a trial, other work on it included.",
}
"""What is said of the tables of a page, by what must be in a heading or be a row's name for it to be said."""


@dataclass(frozen=True)
class Section:
    """A part of a page: a heading (none where the page's own says it), paragraphs, points, tables and, in HTML,
    figures.
    """

    heading: str
    paragraphs: Sequence[str] = ()
    points: Sequence[str] = ()
    tables: Sequence[Sheet] = ()
    figures: Sequence[str] = ()


def pages(board: Board) -> dict[str, str]:
    """The content of each page by its suffix."""
    tables = build(rows_of(board))
    first, *others = _sections(board, tables)
    # A board of one dataset is mostly called like it, and a page says its name once.
    parts = [replace(first, heading="") if first.heading == board.name else first, *others]
    notice = GENERATED.format(name=board.name, sha256=board.sha256)
    return {
        ".md": _markdown(board.name, notice, parts),
        ".csv": as_csv(tables, Layout()),
        ".html": _html(board.name, notice, parts),
    }


def _sections(board: Board, tables: Sequence[Table]) -> list[Section]:
    ranked = [table for table in tables if table.groups]
    called = Counter(table.datasets for table in tables)
    sections = [_of_table(table, namesakes=called[table.datasets] > 1) for table in tables]
    if len(ranked) > 1:
        layout = Layout(wide=True)
        together = overall(ranked, layout)
        figures = [diagram(together)] if together else []
        sections.append(Section("Over all datasets", tables=sheets(ranked, layout), figures=figures))
    if points := _reading(sections):
        sections.append(Section("How to read the tables", points=points))
    sections.append(_provenance(board))
    return sections


def _reading(sections: Sequence[Section]) -> list[str]:
    """What the headings and the rows of the tables mean that are there."""
    shown = [sheet for section in sections for sheet in section.tables]
    words = {column.heading for sheet in shown for column in sheet.columns}
    words |= {name for sheet in shown for name in sheet.columns[0].cells}
    return [text for sign, text in READING.items() if any(sign in word for word in words)]


def _of_table(table: Table, *, namesakes: bool) -> Section:
    heading = clean(table.datasets)
    if namesakes and table.protocol:
        heading += f" [{table.protocol.key}]"
    best = rank(table)
    columns = (f"+{best.metric}:ci", "+memory", "+energy") if best else ()
    layout = Layout(columns=columns, sort="group" if best else "")
    found = sheets(arrange([table], layout), layout)
    conclusions = best.conclusions() if best else []
    found = [_under_its_heading(page, table) for page in found]
    if best is not None:
        # The conclusions stand above the table, as the first thing to read, not beneath it again.
        said = set(best.in_words())
        found = [replace(page, sentences=[line for line in page.sentences if line not in said]) for page in found]
        if best.pairs:
            found.append(table_of_pairs(best))
    return Section(heading, ["What can and cannot be concluded:"] if conclusions else [], conclusions, found)


def _under_its_heading(page: Sheet, table: Table) -> Sheet:
    """Without the column that says what the heading does, and with which way each score is better."""
    same = len({group.first.dataset for group in table.all_groups}) == 1
    columns = [column for column in page.columns if not (same and column.heading == "dataset")]
    return replace(page, columns=columns, sentences=[*filter(None, [_directions(table)]), *page.sentences])


def _directions(table: Table) -> str:
    """``FID and FID debiased: lower is better; IS: higher is better.``"""
    labels: dict[str | None, list[str]] = {}
    for info in table.scores.values():
        labels.setdefault(info.direction, []).append(clean(info.label))
    told = "; ".join(f"{listed(names)}: {direction} is better" for direction, names in labels.items())
    return f"{told}." if told else ""


def table_of_pairs(ranking: Ranking) -> Sheet:
    """The pairs of the best rows: how often one beats the other, and how sure that is."""
    order = {index: place for place, index in enumerate(ranking.paired)}
    shown = [pair for pair in ranking.pairs if pair.a in order and pair.b in order]
    rows = []
    for pair in sorted(shown, key=lambda pair: sorted((order[pair.a], order[pair.b]))):
        turned = pair.superiority.probability < 0.5
        first, second = (pair.b, pair.a) if turned else (pair.a, pair.b)
        probability, low, high = pair.superiority.turned if turned else pair.superiority
        wins = f"{probability:.2f} [{low:.2f}, {high:.2f}]"
        seeds = ranking.seeds_needed(pair, "-")
        rows.append((ranking.names[first], ranking.names[second], wins, f"{pair.p:.2g}", f"{pair.adjusted:.2g}", seeds))
    headings = ("A", "B", "P(A beats B)", "p", "p (Holm)", "seeds needed")
    columns = [
        Column(heading, list(cells), numeric=heading not in ("A", "B"))
        for heading, cells in zip(headings, zip(*rows, strict=True), strict=True)
    ]
    said = PAIRS.format(metric=clean(ranking.info.label), exact="exact " if ranking.exact else "")
    return Sheet(columns, baselines=0, sentences=[text for text in (said, ranking.unpaired_in_words()) if text])


def _provenance(board: Board) -> Section:
    points = []
    used = Counter(trial.environment for trial in board.trials)
    again = Counter(rerun.environment for trial in board.trials for rerun in trial.reruns)
    for key, environment in board.environments.items():
        computing = computed_by(environment)["versions"]
        versions = ", ".join(f"{name} {version}" for name, version in sorted(computing.items()))
        threads = environment.get("threads", "unknown")
        instructions = f", {found}" if (found := environment.get("instructions")) else ""
        device = f"{environment.get('device_name', 'unknown device')}{instructions}, threads: {threads}"
        ran = " and ".join(counted(n, noun) for n, noun in ((used[key], "trial"), (again[key], "re-run")) if n)
        points.append(clean(f"{ran} [{key}]: {device}" + (f"; {versions}" if versions else "")))
    ends = Counter(trial.status for trial in board.trials)
    others = ", ".join(f"{status} {count}" for status, count in sorted(ends.items()) if status != SUCCESS)
    count = counted(len(board.trials), "trial")
    paragraphs = [f"{count}, {ends[SUCCESS]} done{f', {others}' if others else ''}. {_reruns(board)}"]
    if board.suite:
        # Readers copy it into a shell.
        paragraphs.append(f"Made by: ganbench leaderboard make {shlex.quote(clean(board.suite))}")
    return Section("Where the numbers come from", paragraphs, points)


def _reruns(board: Board) -> str:
    again = [(trial, rerun) for trial in board.trials for rerun in trial.reruns]
    if not again:
        return "No trial was run more than once."
    equal = sum(rerun.equal for _, rerun in again)
    names = len({trial.trial_id for trial, _ in again})
    were = "was" if names == 1 else "were"
    runs = f"{counted(names, 'trial')} {were} run more than once ({counted(len(again), 're-run')})"
    told = f"{runs}: {equal} gave exactly the same numbers"
    differ = [_differently(board, trial) for trial, rerun in again if not rerun.equal]
    return f"{told}." if not differ else f"{told}, {len(differ)} did not: {'; '.join(dict.fromkeys(differ))}."


def _differently(board: Board, trial: Trial) -> str:
    values = board.protocols[trial.protocol].values if trial.protocol in board.protocols else {}
    name = headline(values_in_order(values, trial.spec)) or ""
    told = [
        number(value, values[name]) if name and value is not None else status
        for status, value in (
            (trial.status, trial.metrics.get(name)),
            *((rerun.status, rerun.metrics.get(name)) for rerun in trial.reruns),
        )
    ]
    return f"{trial.trial_id} {' / '.join(told)}"


def _markdown(name: str, notice: str, sections: Sequence[Section]) -> str:
    lines = [f"<!-- {notice} -->", f"# {text.escape(name)}"]
    for section in sections:
        lines += [f"## {text.escape(section.heading)}"] if section.heading else []
        lines += [text.escape(paragraph) for paragraph in section.paragraphs]
        if section.points:
            lines.append("\n".join(f"- {text.escape(point)}" for point in section.points))
        lines += map(text.fragment, section.tables)
    return "\n\n".join(lines) + "\n"


def _html(name: str, notice: str, sections: Sequence[Section]) -> str:
    def wrap(tag: str, content: str) -> str:
        return f"<{tag}>{web.escape(content)}</{tag}>"

    lines = [wrap("h1", name)]
    for section in sections:
        lines += [wrap("h2", section.heading)] if section.heading else []
        lines += [wrap("p", paragraph) for paragraph in section.paragraphs]
        if section.points:
            lines.append("<ul>\n" + "\n".join(wrap("li", point) for point in section.points) + "\n</ul>")
        lines += [*section.figures, *map(web.fragment, section.tables)]
    lines.append(f'<p class="notes">{web.escape(notice)}</p>')
    return web.page(f"{name} · ganbench", "\n".join(lines)) + "\n"
