"""What stands in one table and in one row: trials without a result, framing baselines, sources, and their settings."""

from typing import Any

from ganbench.external import SourceSpec
from ganbench.spec import TrialSpec
from ganbench.store.results import Row
from ganbench.tables.grouping import build
from tests.rows import make_row
from tests.trials import make_spec


def lost(spec: TrialSpec) -> Row:
    """A trial that ended before it had a result."""
    return make_row(spec, "failed", result=False)


def with_data(spec: TrialSpec, **changes: Any) -> TrialSpec:
    return spec.model_copy(update={"data": spec.data.model_copy(update=changes)})


def test_a_trial_without_a_result_joins_none_that_would_be_measured_or_trained_otherwise() -> None:
    here = make_row(make_spec())
    assert len(build([here, lost(make_spec("hinge"))])) == 1
    averaged, smaller = make_spec("hinge", ema_decay=0.9), make_spec("hinge", batch_size=32)
    measured = make_spec("hinge", num_samples=50), with_data(make_spec("hinge"), fingerprint="ee")
    for other in (*measured, averaged, smaller):
        assert [table.protocol is None for table in build([here, lost(other)])] == [False, True]


def test_a_baseline_without_a_result_stands_beneath_what_it_would_have_framed() -> None:
    """Its failure is told there, and not in a table of its own."""
    (table,) = build([make_row(make_spec()), lost(make_spec(baseline="real"))])
    assert [group.status for group in table.baselines] == ["failed"]
    apart = build([make_row(make_spec()), lost(make_spec(baseline="real", num_samples=50))])
    assert [len(table.baselines) for table in apart] == [0, 1]


def test_real_samples_are_one_row_whatever_recipe_an_older_version_gave_them() -> None:
    (table,) = build([make_row(make_spec(baseline="real", seed=seed, steps=100 + seed)) for seed in range(2)])
    assert [len(group.rows) for group in table.baselines] == [2]


def given(fingerprint: str, seed: int) -> Row:
    """Samples from elsewhere, of which nobody said which training they are of."""
    source = SourceSpec(kind="images", label="samples", fingerprint=fingerprint)
    changes = {"baseline": "external", "source": source, "loss": None, "architecture": None}
    return make_row(make_spec(seed=seed).model_copy(update=changes))


def test_samples_without_a_label_are_a_row_each_and_named_by_eight_digits() -> None:
    (table,) = build([given("0123456789abcdef", 0), given("fedcba9876543210", 1)])
    assert [len(group.rows) for group in table.baselines] == [1, 1]
    told = [group.recipe for group in table.baselines]
    assert told == ["fingerprint=01234567 seed=0", "fingerprint=fedcba98 seed=1"]


def test_trainings_of_one_label_are_one_row_however_they_were_saved() -> None:
    def saved(seed: int, **how: Any) -> Row:
        source = SourceSpec(label="theirs", named=True, fingerprint=f"{seed}", **how)
        return make_row(given("", seed).spec.model_copy(update={"source": source}))

    rows = [saved(0, kind="images"), saved(1, kind="array", value_range="-1:1")]
    assert [len(group.rows) for group in build(rows)[0].baselines] == [2]


def test_samples_stand_beside_trials_whose_fakes_had_their_labels() -> None:
    """The floor frames every table; samples with other labels, or with their own in other shares, have another."""

    def labelled(row: Row, labels: str, shares: str = "") -> Row:
        evaluation = row.spec.evaluation.model_copy(update={"labels": labels, "shares": shares})
        return make_row(row.spec.model_copy(update={"evaluation": evaluation}))

    trials = [make_row(make_spec()), labelled(make_row(make_spec()), "reference")]
    sources = [("none", ""), ("reference", ""), ("own", "in some shares"), ("own", "in others"), ("own", "in others")]
    theirs = [labelled(given(f"{seed}", seed), *how) for seed, how in enumerate(sources)]
    floor = make_row(make_spec(baseline="real"))
    tables = build([floor, *theirs, *trials])
    beneath = [
        [row.seed for group in table.baselines for row in group.rows if row.baseline != "real"] for table in tables
    ]
    assert beneath == [[0], [1], [2], [3, 4]]
    assert [len(table.groups) for table in tables] == [1, 1, 0, 0]
    assert all(table.baselines[-1].first is floor for table in tables)
    assert [table.protocol and table.protocol.labels for table in tables] == ["none", "reference", "own", "own"]
    assert "with labels of their own (in others)" in tables[3].sentence


def test_a_setting_is_told_in_full() -> None:
    """Only hashes are cut, of which eight digits say as much."""
    (table,) = build([make_row(make_spec(augment=name)) for name in ("translation", "cutout+translation")])
    assert [group.recipe for group in table.groups] == ["augment=translation", "augment=cutout+translation"]
