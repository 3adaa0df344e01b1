"""The report over several datasets: average ranks with their diagram, where there are rows to rank."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from ganbench.report import page, render_report
from ganbench.report.drawings import drawing
from ganbench.report.sections import Section
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
    text = page_of(tmp_path / "runs", {"digits": losses, "mnist": losses})
    (part,) = re.findall(r'<section class="protocol" id="together".*?</section>', text, re.DOTALL)
    assert '<li><a href="#together">Over all datasets</a></li>' in text
    assert '<p class="muted">12 trials · ganbench ' in text
    assert "By average ranks either of the 2 rows may be the best" in part
    assert "style=" not in part, "the page's policy forbids it"
    figure = ElementTree.fromstring(part[part.index("<svg") : part.index("</svg>") + 6])
    texts = [text.text for text in figure.iter("text")]
    assert texts == ["1", "2", "with 2 datasets no difference would be significant", "hinge", "lsgan"]


def test_each_players_loss_is_said_to_be_with_its_penalties(tmp_path: Path) -> None:
    """A penalty may join either objective."""
    text = page_of(tmp_path / "runs", {"digits": {"hinge": 2.0}}, seeds=1)
    (caption,) = re.findall(r'<p class="caption"><span class="key solid"></span> disc.*?</p>', text, re.DOTALL)
    said = " ".join(re.sub(r"<[^>]*>", "", caption).split())
    assert said.startswith("discriminator generator, each with its penalties. Mean and range over seeds")


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


@pytest.mark.parametrize("datasets", [1, 3])
def test_the_pictures_of_a_page_are_shared_out_over_its_sections(
    datasets: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the page of many datasets would be many times as large as that of one."""
    given: list[dict[str, int]] = []

    def noted(section: Section, **budgets: int) -> dict[str, Any]:
        given.append(budgets)
        return drawing(section, **budgets)

    monkeypatch.setattr(page, "drawing", noted)
    page_of(tmp_path / "runs", {f"dataset{number}": {"hinge": 2.0} for number in range(datasets)}, seeds=1)
    assert len(given) == datasets
    assert sum(budgets["sheets"] for budgets in given) == page.SHEETS_BUDGET
    assert sum(budgets["film"] for budgets in given) == page.FILM_BUDGET
