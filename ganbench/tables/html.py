"""Tables as HTML: a page of its own, or fragments for one."""

from collections.abc import Sequence
from html import escape as _escape

from ganbench.tables.sheet import Column, Sheet

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8881; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 86rem; padding: 0 1rem; }
/* A shadow at an edge says that there is more beyond it; the page's own colour hides it where there is not. */
.scroll { overflow-x: auto; background:
  linear-gradient(to right, Canvas 40%, transparent) left / 2rem 100% no-repeat local,
  linear-gradient(to left, Canvas 40%, transparent) right / 2rem 100% no-repeat local,
  linear-gradient(to right, var(--line), transparent) left / .7rem 100% no-repeat scroll,
  linear-gradient(to left, var(--line), transparent) right / .7rem 100% no-repeat scroll; }
table { border-collapse: separate; border-spacing: 0; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .6rem; text-align: left; border-bottom: 1px solid var(--line); }
th { border-bottom-width: 2px; }
th.n, td.n { text-align: right; white-space: nowrap; }
td:first-child, td:nth-child(2) { white-space: nowrap; }
/* A row's name stays in sight while its numbers are scrolled. */
th:first-child, td:first-child { position: sticky; left: 0; background: Canvas; }
tr.baseline { font-style: italic; background: var(--soft); }
tr.baseline td:first-child { background: linear-gradient(var(--soft), var(--soft)), Canvas; }
@media (max-width: 40rem) {
  td:first-child { white-space: normal; min-width: 6rem; max-width: 40vw; overflow-wrap: anywhere; }
}
.protocol, .notes { font-size: .87em; overflow-wrap: anywhere; }
code { font-size: .92em; overflow-wrap: anywhere; }
@media print { body { margin: 0; max-width: none; } }
"""


def html(sheets: Sequence[Sheet]) -> str:
    """A whole page with every table."""
    return page("ganbench", "\n".join(map(fragment, sheets)) if sheets else "<p>No trials.</p>")


def page(title: str, body: str) -> str:
    """A page that needs nothing from elsewhere and runs no script."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>"
    )


def fragment(sheet: Sheet) -> str:
    """One table with its sentences and notes beneath."""
    lines = [f"<h3>{escape(sheet.title)}</h3>"] if sheet.title else []
    lines += ['<div class="scroll"><table>', "<thead><tr>"]
    kinds = [' class="n"' if column.numeric else "" for column in sheet.columns]
    lines += [
        f'<th scope="col"{kind}{_better(column)}>{escape(column.titled)}</th>'
        for column, kind in zip(sheet.columns, kinds, strict=True)
    ]
    lines.append("</tr></thead>\n<tbody>")
    rows = sheet.rows
    for index, cells in enumerate(rows):
        lines.append('<tr class="baseline">' if index >= len(rows) - sheet.baselines else "<tr>")
        for place, (cell, kind) in enumerate(zip(cells, kinds, strict=True)):
            text = f"<strong>{escape(cell)}</strong>" if sheet.strong(index, place) else escape(cell)
            lines.append(f"<td{kind}>{text}</td>")
        lines.append("</tr>")
    lines.append("</tbody></table></div>")
    lines += [f'<p class="protocol">{escape(sentence)}</p>' for sentence in sheet.sentences]
    if sheet.samples:
        lines.append(f'<p class="notes">Samples: <code>{escape(sheet.samples)}</code></p>')
    if sheet.notes:
        lines.append('<ul class="notes">')
        for note in sheet.notes:
            where = f" ({escape(note.path)})" if note.path else ""
            lines.append(f"<li>{escape(note.kind)}: {escape(note.whose)}: <code>{escape(note.text)}</code>{where}</li>")
            lines.extend(f"<li><code>{escape(line)}</code></li>" for line in note.log)
        lines.append("</ul>")
    return "\n".join(lines)


def _better(column: Column) -> str:
    """The arrow of a heading in words, for whoever points at it."""
    return f' title="{column.better} is better"' if column.better else ""


def escape(text: str) -> str:
    """Text that HTML shows as it is, in attributes too."""
    return _escape(text, quote=True)
