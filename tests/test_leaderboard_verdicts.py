"""What a verdict is told as: text, a comment, JUnit XML and annotations."""

import re
import sys
from dataclasses import replace
from xml.etree import ElementTree

from ganbench.leaderboard import verdicts
from ganbench.leaderboard.checks import Check, Verdict
from ganbench.leaderboard.compare import compare
from ganbench.leaderboard.margin import Margin
from ganbench.leaderboard.verdicts import as_github, as_junit, as_markdown, as_text, without_commands
from ganbench.store.values import ValueInfo
from ganbench.tables.markdown import inert
from tests.rows import HIGH, HOSTILE, LOW, NONE, make_row, rows_of
from tests.trials import component, make_spec


def test_what_would_be_live_in_a_comment_is_not() -> None:
    assert inert("ask @octocat, a@b.c, see https://evil.example or WWW.evil.example") == (
        "ask @\u2060octocat, a@\u2060b.c, see https:\u2060//evil.example or W\u2060WW.evil.example"
    )


def test_annotations_are_escaped_as_github_reads_them() -> None:
    check = Check("a,b:c\nd", "fail", "5 % worse,\r\nso", metric="FID", base="1", new="2", effect=0.5, margin=0.0)
    first, _ = as_github(Verdict((check,), NONE, 0.05)).splitlines()
    assert first == (
        "::error title=ganbench%3A a%2Cb%3Ac%0Ad::FID 1 -> 2, change +0.5 (margin 0): 5 %25 worse,%0D%0Aso"
    )


def test_caveats_are_in_every_form() -> None:
    caveat = "half of it, 50 %,\nis <b>@guess</b>"
    verdict = Verdict((Check("a", "pass", "fine"),), NONE, 0.05, caveats=(caveat,))
    assert as_text(verdict).endswith(f"{verdict.sentence()}\n{caveat}")
    assert inert(caveat) in as_markdown(verdict)
    assert ElementTree.fromstring(as_junit(verdict)).findtext("system-out") == caveat
    assert "::warning title=ganbench::half of it, 50 %25,%0Ais <b>@guess</b>" in as_github(verdict).splitlines()
    told = Verdict(verdict.checks, NONE, 0.05)
    assert ElementTree.fromstring(as_junit(told)).find("system-out") is None


def three() -> Verdict:
    checks = (
        Check("a", "fail", "worse", metric="FID", base="1.20", new="2.20", effect=1.0, margin=0.1, worse=0.004),
        Check("b", "inconclusive", "too few seeds", metric="FID", base="1.20", new="1.30", effect=0.1, margin=0.1),
        Check("c", "pass", "new"),
        Check("d", "pass", "new"),
    )
    return Verdict(checks, NONE, 0.05)


def test_a_verdict_as_text() -> None:
    text = as_text(three())
    assert "\x1b" not in text, "colours only where they are asked for"
    lines = [line for line in text.splitlines() if line.startswith((" ", "a", "b", "c", "d", "r"))]
    columns = [line.split() for line in lines[:2]]
    assert columns[0] == ["row", "score", "base", "new", "change", "status", "why"]
    assert columns[1] == ["a", "FID", "1.20", "2.20", "+1", "(margin", "0.1)", "fail", "worse"]
    new = Verdict((Check("c", "pass", "new"),), NONE, 0.05)
    assert "score" not in as_text(new), "a column in which nothing stands is left out"


def test_numbers_stand_right_in_a_table_and_names_left() -> None:
    numeric = {column.heading: column.numeric for column in verdicts._sheet(three()).columns}
    assert [name for name in numeric if numeric[name]] == ["base", "new", "change"]
    assert verdicts._sheet(three()).baselines == 0


def test_a_verdict_as_a_comment() -> None:
    rows = [line.split(" | ") for line in as_markdown(three()).splitlines() if line.startswith("| ")]
    assert rows[1] == ["| ❌", "`a`", "`FID`", "1.20", "2.20", "+1 (margin 0.1)", "worse |"]
    assert rows[3] == ["| ✅", "`c`", "`-`", "-", "-", "-", "new |"]


def test_a_verdict_as_junit_xml() -> None:
    text = as_junit(three())
    suite = ElementTree.fromstring(text)
    assert suite.attrib == {
        "name": "ganbench leaderboard compare", "tests": "4", "failures": "1", "skipped": "1", "errors": "0"
    }  # fmt: skip
    assert [case.attrib for case in suite] == [{"classname": "ganbench", "name": name} for name in "abcd"]
    assert [child.tag for case in suite for child in case if child.tag != "system-out"] == ["failure", "skipped"]
    assert [child.get("message") for case in suite for child in case if child.tag != "system-out"] == [
        "worse", "too few seeds"
    ]  # fmt: skip
    assert suite[0].findtext("failure") == suite[0].findtext("system-out")
    assert suite[0].findtext("failure") == "FID 1.20 -> 2.20, change +1 (margin 0.1): worse"
    assert len(text.splitlines()) > 10, "a person reads it, too"


def test_no_line_of_a_text_is_a_command_and_nobody_can_know_what_ends_that() -> None:
    first, *lines, last = without_commands("::set-output name=a::1\nb").splitlines()
    word = first.removeprefix("::stop-commands::")
    assert (lines, last) == (["::set-output name=a::1", "b"], f"::{word}::")
    assert len(bytes.fromhex(word)) >= 16
    assert word not in without_commands("")


def hostile() -> Verdict:
    part = component(HOSTILE + "a,b:c\x00\ufffe", label=HOSTILE + "a,b:c\x00\ufffe")
    base = [make_row(make_spec(part, seed=seed), fid=value) for seed, value in enumerate(LOW)]
    new = [make_row(make_spec(part, seed=seed), fid=value) for seed, value in enumerate(HIGH)]
    base, new = [*base, *rows_of("b", LOW[:2])], [*new, *rows_of("b", HIGH[:2])]
    return compare(base, new, margin=NONE)


def test_outputs_hold_against_hostile_names() -> None:
    verdict = hostile()
    assert verdict.outcome == "fail"
    suite = ElementTree.fromstring(as_junit(verdict))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "1")
    assert suite[0].find("failure") is not None
    assert suite[1].find("skipped") is not None
    lines = as_github(verdict).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::warning", "::notice"]
    assert "1 of 2 rows cannot fail" in lines[2]
    assert lines[0].count("::") == 2 + HOSTILE.count("::")
    table = [line for line in as_markdown(verdict).splitlines() if line.startswith("|")]
    assert len(table) == 4
    assert "<script>" not in re.sub(r"`[^`]*`", "", as_markdown(verdict))
    # GitHub ends a cell at a bare bar, in a code span too.
    cells = [re.split(r"(?<!\\)\|", line) for line in table]
    assert {len(line) for line in cells} == {9}
    assert all("<script>" not in re.sub(r"`[^`]*`", "", cell) for line in cells for cell in line)
    assert verdict.sentence() in as_text(verdict)
    empty = compare([], [], margin=NONE)
    assert "nothing to compare" in as_text(empty)
    assert "nothing to compare" in as_markdown(empty)
    assert ElementTree.fromstring(as_junit(empty)).get("tests") == "0"


def test_a_comment_promises_nothing_of_more_seeds() -> None:
    """They show nothing of another protocol, nor that outliers are fine."""
    comment = as_markdown(hostile())
    assert "❔ is not a pass; the last column says why." in comment
    assert "more seeds would" not in comment


def test_no_change_has_no_minus_where_more_is_better() -> None:
    check = Check("a", "pass", "the same", metric="modes", base="1", new="1", effect=-0.0, margin=0.0)
    assert "| +0 (margin 0) |" in as_markdown(Verdict((check,), NONE, 0.05))


def test_the_largest_change_is_told_in_every_form() -> None:
    info = ValueInfo(label="X", direction="lower", percent=True)
    base, new = (
        [replace(row, values={"fid": info}) for row in rows_of("a", values)]
        for values in ((-1.7e308, -1.6e308, -1.5e308), (1.5e308, 1.6e308, 1.7e308))
    )
    for margin, told in ((Margin(0.1, True), "1.60e+309"), (Margin(1e308, False), "1e+308")):
        (check,) = compare(base, new, margin=margin).checks
        assert check.effect == sys.float_info.max
        for form in (as_text, as_markdown, as_junit, as_github):
            text = form(compare(base, new, margin=margin))
            assert "+1.80e+310 %" in text
            assert told in text
    (check,) = compare(base, new, margin=Margin(20.0, True)).checks
    assert check.margin == sys.float_info.max
