"""Tables for LaTeX, with booktabs."""

from collections.abc import Sequence

from ganbench.tables.columns import Sheet, sheet
from ganbench.tables.grouping import Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "·": r"\textperiodcentered{}",
    "×": r"$\times$",
}


def latex(tables: Sequence[Table]) -> str:
    """Every table as a float, its protocol as the caption, its notes beneath."""
    if not tables:
        return "% no trials"
    return "\n\n".join([r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}", *map(_one, map(sheet, tables))])


def escape(text: str) -> str:
    """Text that LaTeX sets as it is. A leading bracket would be read as the argument of the row's ``\\\\``."""
    escaped = "".join(_SPECIAL.get(character, character) for character in text)
    return f"{{{escaped[0]}}}{escaped[1:]}" if escaped[:1] in ("[", "*") else escaped


def _one(page: Sheet) -> str:
    alignment = "".join("r" if column.numeric else "l" for column in page.columns)
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [_line([column.heading for column in page.columns]), r"\midrule"]
    rows = page.rows
    for index, cells in enumerate(rows):
        if page.baselines and 0 < index == len(rows) - page.baselines:
            lines.append(r"\midrule")
        lines.append(_line(cells))
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{escape(page.sentence)}}}"]
    for note in page.notes:
        where = f" ({note.path})" if note.path else ""
        lines.append(rf"\par\footnotesize {escape(f'{note.kind}: {note.whose}: {note.text}{where}')}")
    lines.append(r"\end{table}")
    return "\n".join(lines)


def _line(cells: list[str]) -> str:
    return " & ".join(escape(cell) for cell in cells) + r" \\"
