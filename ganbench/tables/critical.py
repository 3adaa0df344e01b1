"""The critical-difference diagram of average ranks (Demšar 2006, figure 1), as SVG."""

import math

from ganbench.tables.html import escape
from ganbench.tables.overall import Overall

WIDTH, EDGE, LINE = 640, 170, 22


def diagram(overall: Overall, *, styled: bool = True) -> str:
    """Average ranks on a line, best to the left; bars join the rows too close to order.

    Without ``styled`` it has no style of its own, which the policy of a page may forbid.
    """
    found = overall.result
    count = len(found.ranks)
    order = sorted(range(count), key=lambda index: found.ranks[index])
    bars = [clique for clique in found.cliques if len(clique) > 1]
    axis = 44
    below = axis + 14 + 8 * len(bars)
    half = (count + 1) // 2
    height = below + LINE * half + 8

    def x(rank: float) -> float:
        return EDGE + (WIDTH - 2 * EDGE) * (rank - 1) / (count - 1)

    shapes = [_line(x(1), axis, x(count), axis)]
    for rank in range(1, count + 1):
        shapes += [_line(x(rank), axis - 5, x(rank), axis), _text(x(rank), axis - 9, "middle", str(rank))]
    if math.isinf(found.critical_difference):
        shapes.append(_text(x(1), 16, "start", overall.difference))
    else:
        end = x(1 + min(found.critical_difference, count - 1.0))
        shapes += [_line(x(1), 12, end, 12, 2), _text(end + 6, 16, "start", overall.difference)]
    for place, clique in enumerate(bars):
        ranks = [found.ranks[index] for index in clique]
        level = axis + 10 + 8 * place
        shapes.append(_line(x(min(ranks)) - 3, level, x(max(ranks)) + 3, level, 4))
    for place, index in enumerate(order):
        left = place < half
        y = below + LINE * ((place if left else count - 1 - place) + 0.5)
        end = EDGE - 8 if left else WIDTH - EDGE + 8
        at = x(found.ranks[index])
        shapes += [
            _line(at, axis, at, y),
            _line(at, y, end, y),
            _text(end + (-4 if left else 4), y + 4, "end" if left else "start", overall.names[index]),
        ]
    title = " ".join(overall.sentences())
    style = ' style="max-width:100%"' if styled else ""
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"{style} role="img" '
        f'aria-label="{escape(title)}" font-size="12" fill="currentColor" stroke="none">\n'
        + "\n".join(shapes)
        + "\n</svg>"
    )


def _line(x1: float, y1: float, x2: float, y2: float, width: float = 1) -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-width="{width:g}"/>'


def _text(x: float, y: float, anchor: str, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
