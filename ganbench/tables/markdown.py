"""Tables as GitHub's Markdown."""

import re
from collections.abc import Sequence

from ganbench.tables.sheet import Sheet

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~#&$])")

_LIVE = re.compile(r"@(?=\w)|://|www\.", re.IGNORECASE)


def markdown(sheets: Sequence[Sheet]) -> str:
    """Every table with its protocol, its notes and the path of its samples beneath."""
    return "\n\n".join(map(fragment, sheets)) if sheets else "No trials."


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table's cell too."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """Text as a code span, in which nothing is a link, a mention or HTML; a backtick becomes an apostrophe."""
    return f"`{text.replace('`', chr(39))}`"


def code_in_cell(text: str) -> str:
    """A code span in a table's cell, where a bar would end the cell in a code span, too."""
    return code(text).replace("|", "\\|")


def inert(text: str) -> str:
    """Text as by :func:`escape` in which GitHub finds no mention and no address either: a joiner of no width parts
    what would make one."""
    return _LIVE.sub(lambda found: found[0][0] + "\u2060" + found[0][1:], escape(text))


def fragment(page: Sheet) -> str:
    """One table with its sentences and notes beneath."""
    lines = [f"**{escape(page.title)}**", ""] if page.title else []
    lines += [
        _line([escape(column.titled) for column in page.columns]),
        _line(["---:" if column.numeric else ":---" for column in page.columns]),
    ]
    rows = page.rows
    for index, cells in enumerate(rows):
        escaped = [
            f"**{escape(cell)}**" if page.strong(index, place) else escape(cell) for place, cell in enumerate(cells)
        ]
        # Markdown has no rule between rows; italics set the baselines off.
        if index >= len(rows) - page.baselines:
            escaped[0] = f"*{escaped[0]}*"
        lines.append(_line(escaped))
    for sentence in page.sentences:
        lines += ["", escape(sentence)]
    if page.samples:
        lines += ["", f"Samples: {code(page.samples)}"]
    if page.notes:
        lines.append("")
    for note in page.notes:
        where = f" ({code(note.path)})" if note.path else ""
        lines.append(f"- {escape(note.kind)}: {escape(note.whose)}: {code(note.text)}{where}")
        lines.extend(f"    - {code(line)}" for line in note.log)
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
