"""One self-contained HTML file. Its content security policy lets it fetch nothing and run no script but its own."""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ganbench import __version__
from ganbench.cleaning import clean
from ganbench.report.drawings import drawing
from ganbench.report.sections import Section
from ganbench.tables.critical import diagram
from ganbench.tables.overall import Overall

SCRIPTS = (
    "element.js",
    "scale.js",
    "chart.js",
    "limit.js",
    "intervals.js",
    "curves.js",
    "losses.js",
    "film.js",
    "table.js",
    "main.js",
)
POLICY = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
SHEETS_BUDGET = 1_200_000
FILM_BUDGET = 1_200_000
"""Bytes of pictures in the whole page; text, scripts and curves of sixty trials take less than half a million."""


def page(sections: Sequence[Section], *, title: str, alpha: float, together: Overall | None = None) -> str:
    """Write the page.

    Args:
        sections: one per protocol.
        title: the page's title.
        alpha: the level of tests, for the explanations.
        together: the rows over several datasets, where there are any to rank.
    """
    environment = Environment(
        loader=PackageLoader("ganbench.report", "template"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clean"] = clean
    share = max(1, len(sections))
    drawings = [drawing(section, sheets=SHEETS_BUDGET // share, film=FILM_BUDGET // share) for section in sections]
    style = _template("report.css")
    script = "\n".join(_template(name) for name in SCRIPTS)
    return environment.get_template("report.html.j2").render(
        title=title,
        sections=list(zip(sections, drawings, strict=True)),
        together=together.sentences() if together else [],
        diagram=Markup(diagram(together, styled=False)) if together else "",
        alpha=alpha,
        level=f"{100 * (1 - alpha):g} %",
        trials=sum(len(line.trials) for section in sections for line in section.lines),
        version=__version__,
        style=Markup(style),
        script=Markup(script),
        policy=f"{POLICY}; style-src '{_hash(style)}'; script-src '{_hash(script)}'",
        # The pictures of samples stand in the page itself.
        data=embedded({"sections": [{**drawn, "sheets": None} for drawn in drawings]}),
    )


def embedded(value: Any) -> Markup:
    """JSON that can stand in a script element: whatever a text in it says, it cannot end the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    for character, escape in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(character, escape)
    return Markup(text)


def _template(name: str) -> str:
    return (files("ganbench.report") / "template" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
