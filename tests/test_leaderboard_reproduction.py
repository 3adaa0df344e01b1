"""Published tables: read as printed, compared honestly."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ganbench.errors import UsageError
from ganbench.leaderboard.reproduction import compare, read, restrict
from ganbench.statistics import Interval
from tests.published import CELL, PATH, TABLE, row


def test_the_table_has_every_cell_of_the_paper() -> None:
    suite, published = read(PATH)
    assert {(cell.architecture, cell.dataset) for cell in published.cells} == {
        (architecture, dataset) for architecture in suite.architectures for dataset in suite.datasets
    }
    assert all(
        set(cell.values) == {"pacgan_modes", "pacgan_high_quality", "pacgan_reverse_kl"} for cell in published.cells
    )
    assert published.cells[4].values["pacgan_modes"] == (17.3, 0.8)
    assert published.runs == 10
    # 400 epochs of 100,000 groups in batches of 100
    assert suite.steps == 400 * 100_000 // (suite.batch_size or 0)


def test_a_suite_without_published_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('losses = ["vanilla"]\n')
    with pytest.raises(UsageError, match="nothing to reproduce"):
        read(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("[published]\ntitle = 'T'\npaper = 'P'\nruns = 0\ncells = []\n")
    with pytest.raises(UsageError, match="runs=0"):
        read(tmp_path / "b.toml")
    (tmp_path / "b.toml").write_text("[published]\ntitle = 'T'\npaper = 'P'\nruns = 1\ncells = []\n")
    with pytest.raises(UsageError, match=r"it has no rows; add \[\[published.cells\]\] for each row"):
        read(tmp_path / "b.toml")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("runs = true", "runs"),
        ("runs = '10'", "runs"),
        ("modes = [true, 0.5]", "modes"),
        ("modes = [6, true]", "modes"),
    ],
)
def test_a_published_number_is_a_number(tmp_path: Path, line: str, message: str) -> None:
    key = line.split(" = ")[0]
    lines = [
        line if one.startswith(key) else one for one in (TABLE + CELL + "loss = 'wgan'\nmodes = [6, 0]").split("\n")
    ]
    (tmp_path / "a.toml").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=rf"a\.toml, \[published\]: .*{message}"):
        read(tmp_path / "a.toml")
    (tmp_path / "a.toml").write_text(TABLE + CELL + "loss = 'wgan'\nmodes = [6, 0]\n")
    assert read(tmp_path / "a.toml")[1].cells[0].values == {"modes": (6.0, 0.0)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cells = 3", "each row of a dataset must be a table"),
        ("cells = [3]", "each row of a dataset must be a table"),
        (CELL + 'loss = "wgan"\nmodes = [inf, 0.5]', "modes"),
        *(
            (CELL + f"modes = {value}", "of the row 'A' must be a number, or [mean, standard error]: finite numbers,")
            for value in ("true", "'6.3'", "inf", "[6.3, -1]", "[6.3]", "[6.3, 0.1, 3]")
        ),
        (f"runs = 1\n{CELL}loss = 'wgan'\nmodes = [6.3, 0]", "'A': modes=[6.3, 0] has a standard error, but runs = 1"),
        (CELL.replace("name", "nam") + "modes = [6.3]", "cells.0.name is missing"),
        (CELL + 'loss = "wgan"', "[[published.cells]] 'A' has no values; add what was printed, e.g. fid = [30.1, 0.4]"),
        (CELL + "modes = [6.3, 0.5]", "'A' must say which loss it belongs to; the suite has vanilla, wgan"),
        (CELL + 'loss = "wgann"\nmodes = [6.3, 0.5]', "the suite has no loss 'wgann'; did you mean 'wgan'"),
        (CELL.replace("ring", "rung") + 'loss = "wgan"\nmodes = [6.3, 0.5]', "the suite has no dataset 'rung'"),
    ],
)
def test_tables_that_cannot_be_held_against_trials_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text((TABLE.replace("runs = 10\n", "") if "runs" in text else TABLE) + text + "\n")
    with pytest.raises(UsageError, match=re.escape(str(path)) + ".*" + re.escape(message)):
        read(path)


def test_a_cell_is_about_its_own_loss_and_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    cells = [
        CELL.replace('"A"', f'"{loss}"') + f'loss = "{loss}"\nmodes = [6.0, 0.1]\n' for loss in ("vanilla", "wgan")
    ]
    path.write_text(TABLE + "".join(cells))
    _, published = read(path)
    trials = [row("pacgan", "ring", modes=6.0 + seed / 10) for seed in range(3)]
    trials += [row("pacgan", "ring", loss="wgan", modes=50.0 + seed) for seed in range(3)]
    trials += [row("pacgan", "ring", baseline="untrained", modes=0.0)]
    vanilla, wgan = compare(published, trials)
    assert (vanilla.ours, vanilla.verdict) == ((6.0, 6.1, 6.2), "agree")
    assert (wgan.ours, wgan.verdict) == ((50.0, 51.0, 52.0), "differ")


def test_own_data_are_known_by_the_last_name_of_their_path(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    text = TABLE.replace('"ring"', '"folder:data/photos[size=32]"') + CELL.replace(
        "ring", "folder:data/photos[size=32]"
    )
    path.write_text(text + 'loss = "wgan"\nmodes = [6.0, 0.1]\n')
    _, published = read(path)
    for name, ours in (("folder:photos[size=32]", (6.0, 6.5)), ("folder:cats[size=32]", ())):
        trials = [row("pacgan", name, loss="wgan", modes=value) for value in (6.0, 6.5)]
        (found,) = compare(published, trials)
        assert found.ours == ours


def test_agreement_of_the_survivors_is_called_that() -> None:
    _, published = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1.0)
    trials = [row("pacgan", "ring", pacgan_modes=value) for value in (6.0, 7.0)]
    trials += [row("pacgan", "ring") for _ in range(8)]
    assert compare(published, trials)[0].verdict == "agree, without 8 of 10 seeds"


def test_a_number_printed_alone_is_one_training_or_the_mean_of_so_many(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    ours = (5.0, 6.0, 7.0, 10.0)
    trials = [row("pacgan", "ring", loss="wgan", modes=value) for value in ours]
    for runs, number in ((1, "14"), (1, "2.5"), (10, "12.0")):
        path.write_text(TABLE.replace("runs = 10", f"runs = {runs}") + CELL + f"loss = 'wgan'\nmodes = {number}\n")
        _, published = read(path)
        assert published.cells[0].values == {"modes": (float(number), None)}
        (found,) = compare(published, trials)
        half = 3.182446305 * math.sqrt(14 / 3) * math.sqrt(1 / runs + 1 / 4)  # Student's t of 3 degrees
        difference = 7.0 - float(number)
        assert found.difference is not None
        assert found.difference[:2] == pytest.approx((difference - half, difference + half))
        assert found.difference.method == "prediction"
        assert found.verdict == ("agree" if abs(difference) <= half else "differ")
        assert (found.verdict == "differ") is (runs == 10), "one training may lie farther off than a mean of ten"
        assert compare(published, trials[:1])[0].verdict == "one seed"
        assert compare(published, [trials[0]] * 3)[0].verdict == "no spread"
        assert compare(published, [*trials, row("pacgan", "ring", loss="wgan")])[0].verdict.endswith("1 of 5 seeds")
    tiny = [row("pacgan", "ring", loss="wgan", modes=value) for value in (1e-320, 2e-320)]
    path.write_text(path.read_text().replace("12.0", "1e308"))
    assert compare(read(path)[1], tiny)[0].verdict == "no spread"


def test_a_part_of_the_table_and_of_the_steps() -> None:
    suite, published = restrict(*read(PATH), rows=["GAN", "PacGAN3"], datasets=["ring"], scale=0.1)
    assert suite.architectures == ("pacgan", "pacgan[pack=3]")
    assert suite.datasets == ("ring",)
    assert suite.steps == 40_000
    assert [cell.name for cell in published.cells] == ["GAN", "PacGAN3"]
    assert restrict(suite, published, rows=[], datasets=[], scale=1e-9) == (
        suite.model_copy(update={"steps": 1}), published
    )  # fmt: skip
    often = suite.model_copy(update={"eval_every": 8000})
    for scale, every in ((1, 8000), (0.1, 800), (1e-9, 1)):
        assert restrict(often, published, rows=[], datasets=[], scale=scale)[0].eval_every == every
    for chosen in (None, 0):  # a fifth of the steps, however many; at the end only
        kept = suite.model_copy(update={"eval_every": chosen})
        assert restrict(kept, published, rows=[], datasets=[], scale=0.1)[0].eval_every == chosen
    with pytest.raises(UsageError, match=r"no 'other'; choose one of: GAN, PacGAN2, PacGAN3, PacGAN4$"):
        restrict(*read(PATH), rows=["other"], datasets=[], scale=1.0)
    with pytest.raises(UsageError, match="no 'PacGAN5'"):
        restrict(*read(PATH), rows=["PacGAN5"], datasets=[], scale=1.0)
    with pytest.raises(UsageError, match="the suite sets no steps; add the published number to it"):
        restrict(suite.model_copy(update={"steps": None}), published, rows=[], datasets=[], scale=0.5)


SEVERAL = """
losses = ["vanilla,wgan"]
architectures = ["pacgan", "pacgan[pack=2]"]
datasets = ["ring,grid"]
steps = 10
[published]
title = "T"
paper = "P"
runs = 10
[[published.cells]]
name = "A"
loss = "vanilla"
architecture = "pacgan"
dataset = "ring"
modes = [6, 0.5]
[[published.cells]]
name = "B"
loss = "wgan"
architecture = "pacgan"
dataset = "grid"
modes = [6, 0.5]
[[published.cells]]
name = "C"
loss = "wgan"
architecture = "pacgan[pack=2]"
dataset = "ring"
modes = [6, 0.5]
"""


def test_of_a_part_no_other_trials_are_trained(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(SEVERAL)
    whole, printed = read(tmp_path / "a.toml")

    def axes(rows: Sequence[str] = (), datasets: Sequence[str] = ()) -> tuple[tuple[str, ...], ...]:
        suite, _ = restrict(whole, printed, rows=rows, datasets=datasets, scale=1.0)
        return suite.losses, suite.architectures, suite.datasets

    assert axes() == (("vanilla", "wgan"), ("pacgan", "pacgan[pack=2]"), ("ring", "grid"))
    assert axes(rows=["A"]) == (("vanilla",), ("pacgan",), ("ring",))
    assert axes(rows=["A", "B"]) == (("vanilla", "wgan"), ("pacgan",), ("ring", "grid"))
    assert axes(datasets=["grid"]) == (("wgan",), ("pacgan",), ("grid",))
    with pytest.raises(UsageError, match="the table has no A or C on grid; ask for another one"):
        axes(rows=["A", "C"], datasets=["grid"])
    with pytest.raises(UsageError, match="the table has no 'A,C'; name each alone: --row A --row C"):
        axes(rows=["A,C"])
    with pytest.raises(UsageError, match="no 'ring,grid'; name each alone: --dataset ring --dataset grid"):
        axes(datasets=["ring,grid"])
    with pytest.raises(UsageError, match="the table has no 'A,X'; choose one of: A, B, C"):
        axes(rows=["A,X"])
    whole = whole.model_copy(update={"datasets": ("ring,grid,digits",)})
    assert axes()[2] == ("ring", "grid")
    with pytest.raises(UsageError, match="the table has no row on digits; ask for another one"):
        axes(datasets=["digits"])
    (tmp_path / "a.toml").write_text(SEVERAL.replace('loss = "vanilla"\n', ""))
    with pytest.raises(UsageError, match="'A' must say which loss it belongs to; the suite has vanilla,wgan"):
        read(tmp_path / "a.toml")


def test_a_value_is_printed_once(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SEVERAL.replace('"grid"\nmodes', '"ring"\nmodes').replace('loss = "vanilla"', 'loss = "wgan"'))
    with pytest.raises(UsageError, match=r"\[\[published.cells\]\] 'B': modes of pacgan on ring is also in 'A'"):
        read(path)
    path.write_text(TABLE + 2 * (CELL + "loss = 'wgan'\nmodes = [6, 0]\n"))
    with pytest.raises(UsageError, match=r"\[\[published.cells\]\] 'A': modes of pacgan on ring is also in 'A'"):
        read(path)


def test_verdicts() -> None:
    _, published = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1.0)
    near = [row("pacgan", "ring", pacgan_modes=value) for value in (6.0, 7.0, 6.0, 6.0)]
    far = [row("pacgan", "ring", pacgan_modes=value) for value in (1.0, 1.0, 2.0, 1.0)]
    other = [row("pacgan[pack=2]", "ring", pacgan_modes=6.3) for _ in range(4)]
    modes, quality, _ = compare(published, [*near, *other])
    assert (modes.verdict, quality.verdict) == ("agree", "no result")
    assert modes.mean == pytest.approx(6.25)
    assert compare(published, far)[0].verdict == "differ"
    assert compare(published, far[:1])[0].verdict == "one seed"
    assert compare(published, far[:2])[0].verdict == "no spread"
    assert compare(published, other)[0].verdict == "no result"
    for low, high, verdict in ((0.0, 1.0, "agree"), (-1.0, 0.0, "agree"), (0.1, 1.0, "differ"), (-1.0, -0.1, "differ")):
        assert replace(modes, difference=Interval(low, high, 0.95, "welch")).verdict == verdict


def test_numbers_are_equal_where_neither_side_has_a_spread() -> None:
    _, published = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1.0)
    (cell,) = published.cells
    same = [row("pacgan", "ring", modes=8.0) for _ in range(3)]
    for printed, trials, verdict in (
        ((8.0, 0.0), same, "equal"),
        ((8.0, 0.0), [*same, row("pacgan", "ring")], "equal, without 1 of 4 seeds"),
        ((8.0, 0.0), same[:1], "one seed"),
        *(((mean, error), same, "no spread") for mean, error in ((7.0, 0.0), (8.0, 0.5), (8.0, None))),
    ):
        alone = cell.model_copy(update={"values": {"modes": printed}})
        assert compare(published.model_copy(update={"cells": (alone,)}), trials)[0].verdict == verdict


def test_our_interval_does_not_depend_on_theirs() -> None:
    _, published = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1.0)
    (cell,) = published.cells
    far = cell.model_copy(update={"values": {"pacgan_modes": (100.0, 50.0)}})
    trials = [row("pacgan", "ring", pacgan_modes=value) for value in (6.0, 7.0, 6.0)]
    first, other = (
        compare(printed, trials)[0] for printed in (published, published.model_copy(update={"cells": (far,)}))
    )
    assert first.interval is not None
    assert first.interval.low < 6.33 < first.interval.high
    assert other.interval == first.interval
    assert other.difference != first.difference
    # As the printed tables' own: by Student's t, however many seeds there are.
    many = [row("pacgan", "ring", pacgan_modes=5.0 + seed % 3) for seed in range(8)]
    found = compare(published, iter(many))
    assert (len(found[0].ours), found[1].trials) == (8, 8)
    assert found[0].interval is not None
    assert found[0].interval.method == "t"


def test_a_suite_without_steps_is_refused_with_what_to_add(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TABLE.replace("steps = 10\n", "") + CELL + "loss = 'wgan'\nmodes = [6, 0]\n")
    with pytest.raises(UsageError, match="the suite sets no steps; add the published number to it"):
        restrict(*read(path), rows=[], datasets=[], scale=1.0)
    path.write_text(path.read_text().replace("[published]", "images = 1000\n[published]"))
    with pytest.raises(UsageError, match="the suite sets images, but --scale is a share of steps; set the published"):
        restrict(*read(path), rows=[], datasets=[], scale=1.0)
