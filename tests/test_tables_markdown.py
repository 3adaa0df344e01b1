"""Markdown tables: what sets baselines off, and what stands beneath."""

from pathlib import Path

from ganbench.tables import render
from tests.rows import make_row
from tests.trials import make_spec


def test_baselines_are_in_italics_and_no_other_row_is() -> None:
    rows = [make_row(make_spec()), *(make_row(make_spec(baseline=name), fid=0.1) for name in ("real", "untrained"))]
    lines = [line for line in render(rows, "markdown").splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| vanilla", "| *(real data)*", "| *(untrained)*"]
    assert all("*" not in cell for line in lines[2:] for cell in line.split(" | ")[1:])


def test_what_stands_beneath_is_said_in_code_spans() -> None:
    failed = make_row(make_spec(seed=1), "failed", reason="<b> `x`", log=("a|b",), folder=Path("runs/x"))
    rows = [make_row(make_spec(), samples=Path("runs/a_b/samples.png"), warnings=("mind *",)), failed]
    *_, samples, blank, note, log, warning = render(rows, "markdown").splitlines()
    assert (samples, blank) == ("Samples: `runs/a_b/samples.png`", "")
    assert note == "- failed: vanilla · dcgan · digits · seed 1: `<b> 'x'` (`runs/x`)"
    assert log == "    - `a|b`"
    assert warning == "- warning: vanilla · dcgan · digits: `mind *`"
