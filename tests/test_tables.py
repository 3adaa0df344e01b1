"""Tables: what stands in which, and what a cell says."""

import csv
import io
import re
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ganbench.external import SourceSpec
from ganbench.spec import TrialSpec
from ganbench.tables import FORMATS, render
from ganbench.tables.grouping import build, named_alike
from tests.rows import cells, make_row
from tests.trials import component, make_protocol, make_spec


def test_several_seeds_are_one_row_with_mean_and_spread() -> None:
    rows = [make_row(make_spec(seed=seed), fid=value) for seed, value in enumerate((1.0, 2.0, 3.0))]
    (line,) = cells(render(rows, "markdown"))
    assert line["FID"] == "2.00 ± 1.00"
    assert line["best FID"] == "2.00 ± 1.00"
    assert line["seeds"] == "3"
    assert line["status"] == "done"
    assert line["images/s"] == "12,346"
    assert line["time"] == "3 m 21 s"


def test_one_seed_has_no_spread_and_no_seeds_column() -> None:
    (line,) = cells(render([make_row(make_spec())], "markdown"))
    assert line["FID"] == "1.50"
    assert "seeds" not in line
    assert list(line) == ["loss", "architecture", "dataset", "FID", "IS", "best FID", "status", "images/s", "time"]


def test_failed_seeds_are_counted_and_explained() -> None:
    rows = [make_row(make_spec(seed=seed)) for seed in range(3)]
    rows.append(make_row(make_spec(seed=3), "diverged", reason="NaN at step 5"))
    rows.append(make_row(make_spec(seed=4), "failed", result=False, reason="boom", log=("ValueError: deep",)))
    text = render(rows, "markdown")
    (line,) = cells(text)
    assert line["status"] == "done 3/5, diverged 1, failed 1"
    assert line["seeds"] == "3/5"
    assert "NaN at step 5" in text
    assert re.search("`boom`.*\n    - `ValueError: deep`", text)
    assert rows[4].trial_id in text


def test_a_value_missing_in_a_done_trial_is_said() -> None:
    rows = [make_row(make_spec(seed=seed), fid=value) for seed, value in enumerate((1.0, None, 3.0))]
    (line,) = cells(render(rows, "markdown"))
    assert line["FID"] == "2.00 ± 1.41 (n=2)"
    assert line["status"] == "done"


def test_nothing_but_failures_is_a_table_too() -> None:
    for result in (True, False):
        text = render([make_row(make_spec(), "failed", result=result)], "table")
        assert "failed" in text
        assert "it broke" in text
        assert "FID" not in text.splitlines()[0]


def test_protocols_are_never_mixed() -> None:
    rows = [make_row(make_spec(seed=0)), make_row(make_spec(steps=5000)), make_row(make_spec(dataset="mnist"))]
    rows += [make_row(make_spec(ema_decay=0.99)), make_row(make_spec(num_samples=50))]
    tables = build(rows)
    assert len(tables) == 5
    text = render(rows, "table")
    for row in rows:
        assert row.protocol is not None
        assert text.count(row.protocol.sentence()) == 1


def test_versions_of_the_metric_library_are_protocols() -> None:
    spec = make_spec()
    newer = make_row(make_spec(seed=1), protocol=make_protocol(spec, "0.5.0"))
    assert len(build([make_row(spec), newer])) == 2


def test_a_trial_without_a_result_stands_where_its_specification_belongs() -> None:
    here, there = make_row(make_spec()), make_row(make_spec(steps=5000))
    lost = make_row(make_spec("hinge", steps=5000), "failed", result=False)
    tables = build([here, lost, there])
    assert [[group.first.loss for group in table.groups] for table in tables] == [["vanilla"], ["hinge", "vanilla"]]
    doubled = make_row(make_spec("hinge", steps=2500, n_generator=2), "failed", result=False)
    assert [len(table.groups) for table in build([here, doubled, there])] == [1, 2], "as many updates are one budget"
    rarely = lost.spec.evaluation.model_copy(update={"every": 0})
    scored_once = make_row(lost.spec.model_copy(update={"evaluation": rarely}), "failed", result=False)
    assert len(build([here, scored_once, there])) == 2, "how often a trial is scored on the way is no protocol"
    elsewhere = [make_row(make_spec(dataset=name), "failed", result=False) for name in ("mnist", "cifar10", "mnist")]
    assert [len(table.groups[0].rows) for table in build(elsewhere)] == [2, 1]
    alone = build([here, make_row(make_spec(dataset="mnist"), "failed", result=False)])
    assert len(alone) == 2
    assert alone[1].protocol is None
    assert "no trial has a result" in alone[1].sentence


def test_baselines_stand_beneath_every_table_they_measure_alike() -> None:
    frame = [make_row(make_spec(baseline=kind), fid=value) for kind, value in (("untrained", 600.0), ("real", 0.1))]
    rows = [*frame, make_row(make_spec()), make_row(make_spec(steps=5000)), make_row(make_spec(num_samples=50))]
    tables = build(rows)
    assert [len(table.baselines) for table in tables] == [2, 2, 0]
    assert [group.first.baseline for group in tables[0].baselines] == ["real", "untrained"]
    lines = render(rows[:3], "table").splitlines()
    assert lines[4].startswith("(real data)")
    assert not lines[3].strip()
    assert "best" in lines[0]
    assert cells(render(rows[:3], "markdown"))[1]["best FID"] == "-"


def test_a_baseline_of_another_version_frames_the_table_of_that_version() -> None:
    spec, real = make_spec(), make_spec(baseline="real")
    rows = [make_row(one, fid=fid, protocol=make_protocol(one, version))
            for version, fid in (("0.4.0", 0.4), ("0.5.0", 0.5)) for one in (spec, real)]  # fmt: skip
    framed = [[row.metrics["fid"] for group in table.baselines for row in group.rows] for table in build(rows)]
    assert framed == [[0.4], [0.5]]


def test_a_baseline_frames_trials_without_a_result_too_where_they_would_be_measured_alike() -> None:
    real, here = make_row(make_spec(baseline="real")), make_row(make_spec(seed=1))
    lost, far = (make_row(make_spec(dataset=name), "failed", result=False) for name in ("digits", "mnist"))
    framed, alone = build([real, lost, far])
    assert (len(framed.baselines), len(alone.baselines)) == (1, 0)
    (whole,) = build([real, lost, here])
    assert (whole.protocol, len(whole.baselines)) == (here.protocol, 1), "whichever of its trials comes first"


def test_baselines_without_company_have_a_table() -> None:
    (table,) = build([make_row(make_spec(baseline="real"))])
    assert (len(table.groups), len(table.baselines)) == (0, 1)
    for name in FORMATS:
        assert "real" in render([make_row(make_spec(baseline="real"))], name)


def test_namesakes_are_told_apart() -> None:
    rows = [make_row(make_spec(n_critic=n, d_lr=lr)) for n, lr in ((1, 2e-4), (5, 1e-4))] + [
        make_row(make_spec("lsgan"))
    ]
    recipes = [line["recipe"] for line in cells(render(rows, "markdown"))]
    assert recipes == [r"n\_critic=1 d\_lr=0.0002", r"n\_critic=5 d\_lr=0.0001", ""]


def external(label: str, fingerprint: str, seed: int, **more: Any) -> TrialSpec:
    """What ``ganbench eval`` was given."""
    source = SourceSpec(kind="images", label=label, fingerprint=fingerprint, **more)
    changes = {"baseline": "external", "source": source, "loss": None, "architecture": None}
    return make_spec(seed=seed).model_copy(update=changes)


def test_sources_of_one_label_are_the_trainings_of_one_row() -> None:
    rows = [make_row(external("theirs", str(seed), seed, named=True), fid=1.0 + seed) for seed in range(3)]
    (row,) = build(rows)[0].baselines
    summary = row.metric("fid")
    assert summary is not None
    assert (summary.n, summary.mean) == (3, 2.0)
    assert row.recipe == ""


def test_what_is_one_training_is_not_two_whatever_its_seeds() -> None:
    """Of one label: the same samples under two seeds, or two samples under one. Without a label: draws are no rows."""
    named = [("0", 0), ("1", 1), ("0", 2), ("3", 1)]
    groups = build([make_row(external("theirs", each, seed, named=True)) for each, seed in named])[0].baselines
    assert [len(group.rows) for group in groups] == [2, 1, 1]
    assert [group.recipe for group in groups] == ["", "fingerprint=0 seed=2", "fingerprint=3 seed=1"]
    groups = build([make_row(external("samples", "0", seed)) for seed in range(2)])[0].baselines
    assert [group.recipe for group in groups] == ["seed=0", "seed=1"]
    groups = build([make_row(external("samples", each, 0)) for each in "01"])[0].baselines
    assert [group.recipe for group in groups] == ["fingerprint=0", "fingerprint=1"]


def test_versions_of_a_loss_are_told_apart() -> None:
    old = make_row(make_spec(component("vanilla", version="0.1", source="aa" * 32)))
    new = make_row(make_spec(component("vanilla", version="0.2", source="bb" * 32)))
    assert [line["recipe"] for line in cells(render([old, new], "markdown"))] == [
        "loss.version=0.1",
        "loss.version=0.2",
    ]
    edited = make_row(make_spec(component("vanilla", version="0.1", source="bb" * 32)))
    recipes = [line["recipe"] for line in cells(render([old, edited], "markdown"))]
    assert recipes == ["loss.source=aaaaaaaa", "loss.source=bbbbbbbb"]


def test_warnings_are_said_once() -> None:
    rows = [make_row(make_spec(seed=seed), warnings=("batch norm",)) for seed in range(3)]
    assert render(rows, "table").count("batch norm") == 1


def test_several_kinds_of_devices_are_said() -> None:
    rows = [make_row(make_spec(seed=seed), device=name) for seed, name in enumerate(("H100", "A100", "H100"))]
    assert "times and speeds: not comparable, trials ran on several kinds of devices: H100 (2), A100 (1)" in render(
        rows, "table"
    )
    assert "not comparable" not in render(rows[:1], "table")


def test_several_versions_are_said() -> None:
    kinds: list[dict[str, str]] = [
        {"torch": "2.6.0", "scipy": "1"}, {"torch": "2.11.0", "scipy": "2"}, {"torch": "2.11.0"}, {},
    ]  # fmt: skip
    rows = [make_row(make_spec(seed=seed), versions=versions) for seed, versions in enumerate(kinds)]
    text = render(rows, "table")
    assert "trials: were computed by several versions: torch 2.11.0 (2), 2.6.0 (1)" in text
    assert "scipy" not in text
    diverged = make_row(make_spec(seed=9), "diverged", versions={"torch": "2.6.0"})  # has no numbers to mix
    assert "several versions" not in render([*rows[1:], diverged], "table")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["vanilla", "hinge"]),
            st.sampled_from(["digits", "mnist"]),
            st.integers(0, 3),
            st.sampled_from([100, 200]),
            st.sampled_from(["done", "diverged", "failed", "pending"]),
            st.sampled_from(["", "", "real", "untrained"]),
        ),
        max_size=12,
        unique_by=lambda item: (item[:4], item[5]),
    )
)
def test_every_trial_is_counted_once(drawn: list[tuple[str, str, int, int, str, str]]) -> None:
    rows = {}
    for loss, dataset, seed, steps, status, baseline in drawn:
        spec = make_spec(loss, dataset=dataset, seed=seed, steps=steps, baseline=baseline)
        rows[spec.trial_id] = make_row(spec, status, result=status in ("done", "diverged"))
    tables = build(list(rows.values()))
    trials = [row.trial_id for table in tables for group in table.groups for row in group.rows]
    assert sorted(trials) == sorted(name for name, row in rows.items() if not row.baseline)
    framing = {row.trial_id for table in tables for group in table.baselines for row in group.rows}
    assert framing == {name for name, row in rows.items() if row.baseline}
    for table in tables:
        keys = {row.protocol.key for group in table.groups for row in group.rows if row.protocol}
        assert len(keys) <= 1
    counted = sum(int(line["trials"]) for line in csv.DictReader(io.StringIO(render(list(rows.values()), "csv"))))
    assert counted == sum(len(group.rows) for table in tables for group in table.all_groups)


def test_own_data_at_two_places_are_one_dataset_by_the_name_of_the_first() -> None:
    spec = make_spec(dataset="folder")
    other = make_spec(dataset="folder", n_critic=3)
    cats = make_spec(dataset="folder")
    cats = cats.model_copy(update={"data": cats.data.model_copy(update={"fingerprint": "ca75"})})
    rows = [
        make_row(one, named=name, protocol=make_protocol(one, located=True))
        for one, name in ((spec, "folder:photos"), (other, "folder:pictures"), (cats, "folder:cats"))
    ]
    tables = build(rows)
    assert [[group.first.dataset for group in table.groups] for table in tables] == [
        ["folder:photos", "folder:photos"],
        ["folder:cats"],
    ]
    assert tables[0].sentence.startswith("folder:photos: 1000 fakes")
    assert [row.dataset for row in named_alike(rows)] == ["folder:photos", "folder:photos", "folder:cats"]
    # Two of one name are told apart.
    rows[2] = replace(rows[2], named="folder:photos")
    fingerprint = spec.data.fingerprint[:8]
    assert [row.dataset for row in named_alike(rows)] == [f"folder:photos ({fingerprint})"] * 2 + [
        "folder:photos (ca75)"
    ]
    assert build(rows[:1])[0].protocol == build(rows[1:2])[0].protocol
