"""A trial as version 1 of the schema stored it: it must stay readable, with its name, numbers and protocol."""

import shutil
from pathlib import Path

import pytest

from ganbench.records.folder import TrialFolder
from ganbench.store.results import read_rows
from ganbench.store.store import Store
from ganbench.tables import render

STORED = Path(__file__).parent / "stored" / "version-1"
NAME = "vanilla-mlp-ring-s1-86f8a867043f"


def test_a_result_of_version_1_is_a_row_with_its_numbers() -> None:
    rows, complaints = read_rows(STORED)
    assert complaints == []
    (row,) = rows
    assert (row.trial_id, row.status, row.seed, row.loss) == (NAME, "done", 1, "vanilla")
    assert dict(row.metrics) == {"modes": 0.0, "high_quality": 0.0, "reverse_kl": None}
    assert row.values["modes"].direction == "higher"
    assert row.cost["real_images"] == 640
    assert row.recipe["steps"] == 40
    assert row.protocol is not None
    assert row.protocol.key == "5bfa4927"  # what it was ranked with, it is ranked with for ever


@pytest.mark.parametrize("form", ["table", "markdown", "csv", "json", "latex"])
def test_it_stands_in_every_table(form: str) -> None:
    rows, _ = read_rows(STORED)
    assert "vanilla" in render(rows, form, width=None, colour=False)


def test_it_is_not_trained_again(tmp_path: Path) -> None:
    shutil.copytree(STORED, tmp_path / "runs")
    assert Store(tmp_path / "runs").cached(NAME) == "done"


def test_its_specification_has_the_name_that_was_made_of_it() -> None:
    trial = TrialFolder(STORED / NAME).read_spec()
    assert trial.trial_id == NAME
    assert trial.spec.evaluation.num_samples == 200
    assert TrialFolder(STORED / NAME).read_status()["status"] == "done"
