"""What a section's charts and pictures are drawn from: which trials, how much of each, and within which budget."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ganbench.files import append_line
from ganbench.records.folder import TrialFolder
from ganbench.report.drawings import FRAMES, LARGEST_SPAN, POINTS, SEEDS, drawing
from ganbench.report.pictures import DIGITS
from ganbench.report.sections import Section, section
from ganbench.spec import DataSpec
from ganbench.store.results import read_rows
from ganbench.tables.grouping import build
from tests.synthetic import write_grid, write_trial
from tests.trials import component, make_spec

PLENTY = 10_000_000


def section_of(runs: Path) -> Section:
    (table,) = build(read_rows(runs)[0])
    return section(table, "s0", base=runs, alpha=0.05)


def drawn(runs: Path, sheets: int = PLENTY, film: int = PLENTY) -> dict[str, Any]:
    return drawing(section_of(runs), sheets=sheets, film=film)


def picture(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2])))


def numbers(text: str, span: float) -> list[list[float]]:
    """Points from the text that a page has of them."""
    levels = [64 * DIGITS.index(text[place]) + DIGITS.index(text[place + 1]) for place in range(0, len(text), 2)]
    values = [level / 4095 * 2 * span - span for level in levels]
    return [values[place : place + 2] for place in range(0, len(values), 2)]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two losses of six seeds; of hinge the first has failed. And both baselines."""
    runs = tmp_path_factory.mktemp("drawings") / "runs"
    write_grid(runs, {"lsgan": 6.0}, 6, snapshots=4)
    rng = np.random.default_rng(1)
    write_trial(runs, make_spec("hinge", seed=0), level=3.0, rng=rng, status="failed", reason="boom", snapshots=2)
    for seed in range(1, 6):
        write_trial(runs, make_spec("hinge", seed=seed), level=3.0, rng=rng, snapshots=4)
    write_trial(runs, make_spec(baseline="real"), level=1, rng=rng, picture=False)
    write_trial(runs, make_spec(baseline="untrained"), level=90, rng=rng)
    return runs


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("drawings") / "runs"
    data = DataSpec(component=component("ring"), kind="vector", shape=(2,), size=1000, fingerprint="ab" * 32)
    rng = np.random.default_rng(0)
    for seed in range(2):
        spec = make_spec("vanilla", seed=seed).model_copy(update={"data": data})
        write_trial(runs, spec, level=3.0, rng=rng, snapshots=30, picture=False)
    return runs


def test_rows_say_what_the_table_says(images: Path) -> None:
    found = section_of(images)
    content = drawing(found, sheets=PLENTY, film=PLENTY)
    assert (content["key"], content["headline"]) == ("s0", "fid")
    assert [metric["name"] for metric in content["metrics"]] == ["fid", "is", "precision"]
    assert content["conclusions"] == found.conclusions
    first, second, *baselines = content["rows"]
    assert [row["name"] for row in (first, second)] == ["hinge", "lsgan"]
    assert [(row["key"], row["colour"]) for row in content["rows"]] == [(f"s0r{place}", place) for place in range(4)]
    assert [row["baseline"] for row in content["rows"]] == ["", "", "real", "untrained"]
    assert (first["ties"]["fid"], second["ties"]["fid"]) == (1, 2)
    group = found.lines[0].group
    summary = group.metric("fid")
    assert summary is not None
    interval = summary.interval(0.95)
    assert interval is not None
    assert [" ".join(first["texts"][name]) for name in ("fid", "is")] == [
        " ".join((cell.text, cell.note)).removesuffix(f" n={summary.n}") for cell in found.lines[0].cells[:2]
    ]
    assert first["means"]["fid"] == pytest.approx(summary.mean, rel=1e-4)
    assert first["intervals"]["fid"] == pytest.approx([interval.low, interval.high], rel=1e-4)
    narrower = summary.interval(0.8)
    assert narrower is not None
    at_another = drawing(section(found.table, "s0", base=images, alpha=0.2), sheets=0, film=0)["rows"][0]["intervals"]
    assert at_another["fid"] == pytest.approx([narrower.low, narrower.high], rel=1e-4)
    assert [seed["seed"] for seed in first["seeds"]] == [row.seed for row in group.rows]
    by_seed = {seed["seed"]: seed for seed in first["seeds"]}
    assert (by_seed[0]["status"], by_seed[0]["values"]) == ("failed", {})
    assert by_seed[1]["values"]["fid"] == pytest.approx(group.rows[1].metrics["fid"], rel=1e-4)
    assert len(by_seed[1]["curve"]["values"]["fid"]) == 20
    assert set(by_seed[1]["losses"]) == {"step", "d", "g"}
    for row in baselines:
        assert (row["ties"], row["intervals"]) == ({}, {})
        assert [set(seed) for seed in row["seeds"]] == [{"seed", "status", "values"}]


def test_samples_of_every_trial_that_has_some_are_shown_while_they_fit(images: Path) -> None:
    shown = drawn(images)["sheets"]
    found = [(sheet["row"], sheet["seed"]) for sheet in shown["pictures"]]
    assert found == [
        *[("s0r0", seed) for seed in range(1, 6)], *[("s0r1", seed) for seed in range(6)], ("s0r3", 0)
    ]  # fmt: skip
    assert shown["left_out"] == 0
    assert picture(shown["pictures"][0]["source"]).size == (137, 137)
    assert picture(shown["real"]["source"]).size == (4 * 17 + 1, 4 * 17 + 1)


def test_of_fewer_seeds_where_they_do_not(images: Path) -> None:
    """In whatever quality still shows two of each before one of each, and never more bytes than there are."""
    counts = []
    for budget in (PLENTY, 120_000, 60_000, 30_000, 10_000, 100):
        shown = drawn(images, sheets=budget)["sheets"]
        if shown is None:
            counts.append(0)
            continue
        each = [sheet["row"] for sheet in shown["pictures"]]
        counts.append(len(each))
        assert len(each) + shown["left_out"] == 12
        assert sum(len(sheet["source"]) for sheet in shown["pictures"]) + len(shown["real"]["source"]) <= budget
        most = next(seeds for seeds in SEEDS if min(seeds, 6) == max(each.count(row) for row in set(each)))
        assert each.count("s0r0") == min(most, 5)
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == 12
    assert counts[-1] == 0
    assert len(set(counts)) > 2


def test_the_film_is_of_the_first_seed_that_is_done(images: Path) -> None:
    film = drawn(images)["film"]
    assert film["kind"] == "pictures"
    assert (film["width"], film["height"]) == (4 * 17 + 1, 4 * 17 + 1)
    rows = {key: (row["seed"], [frame["step"] for frame in row["frames"]]) for key, row in film["rows"].items()}
    steps = [make_spec().recipe.steps * index // 3 for index in range(4)]
    assert rows == {"s0r0": (1, steps), "s0r1": (0, steps)}
    assert picture(film["real"]).size == picture(film["rows"]["s0r0"]["frames"][0]["source"]).size
    whole = sum(len(frame["source"]) for row in film["rows"].values() for frame in row["frames"])
    short = drawn(images, film=whole // 2)["film"]
    there = sum(len(frame["source"]) for row in short["rows"].values() for frame in row["frames"])
    assert there + len(short["real"]) <= whole // 2
    assert drawn(images, film=100)["film"] is None


def test_without_snapshots_there_is_no_film_and_without_samples_no_sheet(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    write_trial(tmp_path, make_spec("hinge"), level=3.0, rng=rng, picture=False)
    content = drawn(tmp_path)
    assert (content["film"], content["sheets"]) == (None, None)
    (folder,) = (TrialFolder(path) for path in tmp_path.iterdir())
    append_line(folder.snapshots, {"step": 0, "png": "no picture", "columns": 1, "images": 1})
    assert drawn(tmp_path)["film"] is None


def test_points_are_drawn_on_the_axes_of_the_real_ones(points: Path) -> None:
    content = drawn(points)
    film = content["film"]
    assert content["sheets"] is None
    assert (film["kind"], film["sigma"]) == ("points", 0.01)
    assert film["span"] == pytest.approx(1.3)
    assert len(film["means"]) == 8
    assert numbers(film["real"], 1.3)[:8] == [pytest.approx(mean, abs=1e-3) for mean in film["means"]]
    ((key, row),) = film["rows"].items()
    assert (key, row["seed"]) == ("s0r0", 0)
    assert len(row["frames"]) == FRAMES[0]
    assert [len(numbers(frame["points"], 1.3)) for frame in row["frames"]] == [POINTS[0]] * FRAMES[0]


def test_beside_points_no_plot_stands_alone(tmp_path: Path) -> None:
    """That of an untrained generator has no training to be plotted with; where no point was recorded, all are shown."""
    data = DataSpec(component=component("ring"), kind="vector", shape=(2,), size=1000, fingerprint="ab" * 32)
    rng = np.random.default_rng(0)
    for name, snapshots in (("recorded", 3), ("older", 0)):
        for spec in (make_spec("vanilla"), make_spec(baseline="untrained")):
            one = spec.model_copy(update={"data": data})
            frames = 0 if spec.baseline else snapshots
            folder = write_trial(tmp_path / name, one, level=3.0, rng=rng, snapshots=frames, picture=False)
            Image.new("RGB", (64, 64)).save(folder.samples)
    recorded = drawn(tmp_path / "recorded")
    assert (recorded["film"]["kind"], recorded["sheets"]) == ("points", None)
    assert [sheet["row"] for sheet in drawn(tmp_path / "older")["sheets"]["pictures"]] == ["s0r0", "s0r1"]


@pytest.mark.parametrize(("frames", "count"), [(25, 500), (25, 300), (25, 200), (13, 300), (9, 200), (2, 200), (0, 0)])
def test_of_points_there_are_as_many_as_fit(points: Path, frames: int, count: int) -> None:
    """First fewer points, then fewer of the moments."""
    budget = frames * (4 * count + 32)
    film = drawn(points, film=budget)["film"]
    if not frames:
        assert film is None
        return
    ((_, row),) = film["rows"].items()
    assert (len(row["frames"]), len(row["frames"][0]["points"]) // 4) == (frames, count)
    assert len(film["real"]) // 4 == min(160, count)
    less = drawn(points, film=budget - 1)["film"]
    assert (
        less is None
        or len(less["rows"]["s0r0"]["frames"]) * len(less["rows"]["s0r0"]["frames"][0]["points"]) < frames * 4 * count
    )


@pytest.mark.parametrize("large", [4.0, 1.7e308], ids=["usual", "beyond what axes can have"])
def test_where_nothing_real_was_recorded_axes_fit_the_points(tmp_path: Path, large: float) -> None:
    """Whatever a line has beside two coordinates is no matter."""
    data = DataSpec(component=component("ring"), kind="vector", shape=(2,), size=1000, fingerprint="ab" * 32)
    spec = make_spec("vanilla").model_copy(update={"data": data})
    folder = write_trial(tmp_path, spec, level=3.0, rng=np.random.default_rng(0), picture=False)
    append_line(folder.snapshots, {"step": 0, "points": [[0.0, 0.0], [-large, large / 2, "x", 99.0]]})
    film = drawn(tmp_path)["film"]
    assert (film["means"], film["sigma"], film["real"]) == ([], None, "")
    span = 5.2 if large == 4.0 else LARGEST_SPAN
    assert film["span"] == pytest.approx(span, rel=1e-4)
    found = numbers(film["rows"]["s0r0"]["frames"][0]["points"], span)
    shown = [[0.0, 0.0], [max(-large, -span), min(large / 2, span)]]
    assert found == [pytest.approx(point, abs=span / 2500) for point in shown]
