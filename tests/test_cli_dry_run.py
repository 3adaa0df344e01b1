"""What a dry run says beneath its rows; the rows themselves are tested with ``planned``."""

import pytest

from ganbench.cli.dry_run import DryRun, as_text
from ganbench.spec import Execution, TrialFile
from tests.trials import make_spec

NOTE = "trials of this name were done with another version of PyTorch, and their numbers may differ for that alone"


@pytest.fixture
def found() -> DryRun:
    """A plan of three seeds, one of which is done with the same code in another version of its package."""
    specs = [make_spec(seed=seed) for seed in range(3)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    place = "cpu, 2 at once with 1 thread each"
    return DryRun(trials, ["done", None, None], {trials[1].trial_id: "another"}, place, [NOTE], {})


def test_data_notes_and_counts_stand_beneath_the_rows(found: DryRun) -> None:
    done, to_run, data, *rest = as_text(found).splitlines()
    assert (done.split()[0], to_run.split()[0]) == ("done", "to")
    assert data.startswith("data      digits: 1,437 images of 1x16x16, ")
    assert rest == [
        f"note: {NOTE}",
        "3 trials, 1 done already; on cpu, 2 at once with 1 thread each",
        "of those to run, 1 done already in another version of a package, with the same code",
    ]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_all_of_it_is_folded_in_a_narrow_terminal(found: DryRun, width: int) -> None:
    lines = as_text(found, width).splitlines()
    assert max(map(len, lines)) <= width
    assert " ".join(" ".join(lines).split()) == " ".join(as_text(found).split())
