"""Tables for LaTeX, with booktabs."""

from collections.abc import Sequence

from ganbench.tables.sheet import Sheet

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
    "α": r"$\alpha$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
}


def latex(sheets: Sequence[Sheet]) -> str:
    """Every table as a float, its protocol and what it shows as the caption, its notes beneath."""
    if not sheets:
        return "% no trials"
    return "\n\n".join([r"% needs \usepackage[T1]{fontenc} and \usepackage{booktabs}", *map(_one, sheets)])


def escape(text: str) -> str:
    """Text that LaTeX sets as it is. A leading bracket would be read as the argument of the row's ``\\\\``."""
    escaped = "".join(_SPECIAL.get(character, character) for character in text)
    return f"{{{escaped[0]}}}{escaped[1:]}" if escaped[:1] in ("[", "*") else escaped


def _one(page: Sheet) -> str:
    alignment = "".join("r" if column.numeric else "l" for column in page.columns)
    lines = [r"\begin{table}", r"\centering", rf"\begin{{tabular}}{{{alignment}}}", r"\toprule"]
    lines += [_line([escape(column.titled) for column in page.columns]), r"\midrule"]
    rows = page.rows
    for index, cells in enumerate(rows):
        if 0 < index == len(rows) - page.baselines:
            lines.append(r"\midrule")
        lines.append(
            _line(
                [
                    rf"\textbf{{{escape(cell)}}}" if page.strong(index, place) else escape(cell)
                    for place, cell in enumerate(cells)
                ]
            )
        )
    caption = " ".join(escape(_ended(text)) for text in (page.title, *page.sentences) if text)
    lines += [r"\bottomrule", r"\end{tabular}", rf"\caption{{{caption}}}"]
    for note in page.notes:
        where = f" ({note.path})" if note.path else ""
        lines.append(rf"\par\footnotesize {escape(f'{note.kind}: {note.whose}: {note.text}{where}')}")
        lines.extend(rf"\par\footnotesize\quad\texttt{{{escape(line)}}}" for line in note.log)
    lines.append(r"\end{table}")
    return "\n".join(lines)


def _ended(text: str) -> str:
    """A line of its own elsewhere, as a sentence among others."""
    return text if text.endswith((".", "!", "?", ":")) else f"{text}."


def _line(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"
