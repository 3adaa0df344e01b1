"""A verdict as text, Markdown for a comment, JUnit XML and GitHub annotations."""

import re
import secrets
from xml.etree import ElementTree

from ganbench.leaderboard.checks import Check, Verdict
from ganbench.tables.markdown import code_in_cell, escape, inert
from ganbench.tables.sheet import Column, Sheet
from ganbench.tables.terminal import terminal
from ganbench.tables.wording import in_unit

_MARKS = {"pass": "✅", "fail": "❌", "inconclusive": "❔"}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(verdict: Verdict, *, width: int | None = None, colour: bool = False) -> str:
    """A table and the verdict beneath."""
    if not verdict.checks:
        return verdict.sentence()
    return terminal([_sheet(verdict)], width=width, colour=colour)


def as_markdown(verdict: Verdict) -> str:
    """A comment for a pull request."""
    lines = [f"### {_MARKS[verdict.outcome]} ganbench: {inert(verdict.sentence())}", ""]
    if not verdict.checks:
        return "\n".join(lines)
    lines += ["| | row | score | base | new | change | why |", "|:--|:--|:--|--:|--:|--:|:--|"]
    for check in verdict.checks:
        scores = " | ".join(escape(text) for text in (check.base, check.new, _effect(check)))
        lines.append(
            f"| {_MARKS[check.outcome]} | {code_in_cell(check.name)} | {code_in_cell(check.metric or '-')} | {scores} "
            f"| {inert(check.reason)} |"
        )
    lines += [
        "",
        "A positive change is worse, whichever direction the score has. ❔ is not a pass; the last column says why.",
    ]
    for caveat in verdict.caveats:
        lines += ["", inert(caveat)]
    return "\n".join(lines)


def as_junit(verdict: Verdict) -> str:
    """JUnit XML: a test case per row; an inconclusive one is skipped, which is not passed."""
    counts = {kind: sum(check.outcome == kind for check in verdict.checks) for kind in _MARKS}
    suite = ElementTree.Element(
        "testsuite",
        name="ganbench leaderboard compare",
        tests=str(len(verdict.checks)),
        failures=str(counts["fail"]),
        skipped=str(counts["inconclusive"]),
        errors="0",
    )
    for check in verdict.checks:
        case = ElementTree.SubElement(suite, "testcase", classname="ganbench", name=_xml(check.name))
        message = _xml(_line(check))
        if check.outcome == "fail":
            ElementTree.SubElement(case, "failure", message=_xml(check.reason)).text = message
        elif check.outcome == "inconclusive":
            ElementTree.SubElement(case, "skipped", message=_xml(check.reason))
        ElementTree.SubElement(case, "system-out").text = message
    if verdict.caveats:
        ElementTree.SubElement(suite, "system-out").text = _xml("\n".join(verdict.caveats))
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def without_commands(text: str) -> str:
    """Text in whose lines GitHub finds no commands, whatever rows are called: it reads every line of a step's output.

    A name at the beginning of a line could be one that sets an output or ends all annotations. Nobody can know the word
    after which GitHub reads commands again.
    """
    word = secrets.token_hex(16)
    return f"::stop-commands::{word}\n{text}\n::{word}::"


def as_github(verdict: Verdict) -> str:
    """Workflow commands that GitHub shows as annotations: errors, warnings, and the verdict as a notice."""
    levels = {"fail": "error", "inconclusive": "warning"}
    lines = [
        f"::{levels[check.outcome]} title={_property(f'ganbench: {check.name}')}::{_data(_line(check))}"
        for check in verdict.checks
        if check.outcome in levels
    ]
    lines += [f"::warning title=ganbench::{_data(caveat)}" for caveat in verdict.caveats]
    return "\n".join([*lines, f"::notice title=ganbench::{_data(verdict.sentence())}"])


def _sheet(verdict: Verdict) -> Sheet:
    checks = verdict.checks
    columns = [
        Column("row", [check.name for check in checks]),
        Column("score", [check.metric for check in checks]),
        Column("base", [check.base for check in checks], numeric=True),
        Column("new", [check.new for check in checks], numeric=True),
        Column("change", [_effect(check) for check in checks], numeric=True),
        Column("status", [check.outcome for check in checks]),
        Column("why", [check.reason for check in checks]),
    ]
    return Sheet([column for column in columns if not column.empty], 0, [verdict.sentence(), *verdict.caveats])


def _effect(check: Check) -> str:
    if check.effect is None:
        return "-"
    unit = " %" if check.percent else ""
    margin = f" (margin {in_unit(check.margin, percent=check.percent):.3g}{unit})" if check.margin is not None else ""
    return f"{in_unit(check.effect, percent=check.percent) + 0:+.3g}{unit}{margin}"  # + 0: no change is no -0


def _line(check: Check) -> str:
    numbers = f"{check.metric} {check.base} -> {check.new}, change {_effect(check)}: " if check.metric else ""
    return f"{numbers}{check.reason}"


def _xml(text: str) -> str:
    return _NOT_XML.sub("", text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
