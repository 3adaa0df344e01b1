"""LaTeX tables: what sets baselines off, what stands beneath, and that text is set as it is."""

import re
from pathlib import Path

import pytest

from ganbench.tables import render
from ganbench.tables.latex import escape
from ganbench.tables.layout import Layout
from tests.rows import LOW, make_row, rows_of
from tests.trials import make_spec


def test_a_rule_parts_the_baselines_from_the_rows_that_they_frame() -> None:
    rows = [make_row(make_spec()), *(make_row(make_spec(baseline=name), fid=0.1) for name in ("real", "untrained"))]
    lines = render(rows, "latex").splitlines()
    head, beneath = (index for index, line in enumerate(lines) if line == r"\midrule")
    assert (lines[head - 2], lines[head + 2]) == (r"\toprule", lines[beneath])
    assert lines[head + 1].startswith("vanilla & ")
    assert lines[beneath + 1].startswith("(real data) & ")
    assert lines[beneath + 3] == r"\bottomrule"
    for alone in (rows[:1], rows[1:]):
        assert render(alone, "latex").count(r"\midrule") == 1


def test_why_a_trial_failed_stands_beneath_with_the_end_of_its_log() -> None:
    failed = make_row(make_spec(), "failed", reason="100% lost", log=("a_b",), folder=Path("runs/x"))
    *_, note, log, end = render([failed], "latex").splitlines()
    whose = r"vanilla \textperiodcentered{} dcgan \textperiodcentered{} digits \textperiodcentered{} seed 0"
    assert note == rf"\par\footnotesize failed: {whose}: 100\% lost (runs/x)"
    assert (log, end) == (r"\par\footnotesize\quad\texttt{a\_b}", r"\end{table}")


def test_the_caption_begins_with_the_part_and_columns_stand_as_they_are_read() -> None:
    layout = Layout(columns=("loss", "fid", "status"), group=("architecture",))
    text = render(rows_of("a", LOW), "latex", layout=layout)
    assert r"\caption{architecture: dcgan. digits: 1000 fakes" in text
    assert r"\centering" + "\n" + r"\begin{tabular}{lrl}" in text
    text = render(rows_of("a", LOW) + rows_of("b", LOW), "latex")
    assert r"\caption{digits: 1000" in text, "a part that is the whole is not named"
    assert re.search(r"updates of 64 \[\w+\]\. FID: ", text), "what is a line elsewhere is a sentence in a caption"


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        (r"a_b 5% #1 & $x$ {y}", r"a\_b 5\% \#1 \& \$x\$ \{y\}"),
        ("\\ ~ ^", r"\textbackslash{} \textasciitilde{} \textasciicircum{}"),
        ('< > | "', r"\textless{} \textgreater{} \textbar{} \textquotedbl{}"),
        ("1 ± 2 · 3 × α ↓ ↑", r"1 $\pm$ 2 \textperiodcentered{} 3 $\times$ $\alpha$ $\downarrow$ $\uparrow$"),
        ("[1, 2]", "{[}1, 2]"),
        ("*a", "{*}a"),
        ("a[1]*", "a[1]*"),
        ("", ""),
    ],
)
def test_text_is_set_as_it_is(text: str, escaped: str) -> None:
    assert escape(text) == escaped
