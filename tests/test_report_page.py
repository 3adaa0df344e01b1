"""The report over several datasets: average ranks with their diagram, where there are rows to rank."""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ganbench.report import render_report
from ganbench.store.results import read_rows
from tests.synthetic import write_trial
from tests.trials import make_spec


def page_of(runs: Path, levels: dict[str, dict[str, float]], seeds: int = 3) -> str:
    """The report of trials whose FID is about a level by dataset and loss."""
    rng = np.random.default_rng(0)
    for dataset, losses in levels.items():
        for loss, level in losses.items():
            for seed in range(seeds):
                write_trial(runs, make_spec(loss, dataset=dataset, seed=seed), level=level, rng=rng, picture=False)
    rows, problems = read_rows(runs)
    assert problems == []
    return render_report(rows, base=runs.parent)


def test_rows_on_several_datasets_are_ranked_over_all_of_them(tmp_path: Path) -> None:
    losses = {"hinge": 2.0, "lsgan": 40.0}
    page = page_of(tmp_path / "runs", {"digits": losses, "mnist": losses})
    (part,) = re.findall(r'<section class="protocol" id="together".*?</section>', page, re.DOTALL)
    assert '<li><a href="#together">Over all datasets</a></li>' in page
    assert "By average ranks either of the 2 rows may be the best" in part
    assert "style=" not in part, "the page's policy forbids it"
    figure = ElementTree.fromstring(part[part.index("<svg") : part.index("</svg>") + 6])
    texts = [text.text for text in figure.iter("text")]
    assert texts == ["1", "2", "with 2 datasets no difference would be significant", "hinge", "lsgan"]


@pytest.mark.parametrize(
    "levels",
    [
        {"digits": {"hinge": 2.0, "lsgan": 40.0}},
        {"digits": {"hinge": 2.0, "lsgan": 40.0}, "mnist": {"hinge": 2.0}},
    ],
    ids=["one dataset", "one row on both"],
)
def test_without_two_rows_on_two_datasets_there_is_no_such_part(
    levels: dict[str, dict[str, float]], tmp_path: Path
) -> None:
    assert "#together" not in re.sub(r"<style>.*?</style>", "", page_of(tmp_path / "runs", levels), flags=re.DOTALL)
