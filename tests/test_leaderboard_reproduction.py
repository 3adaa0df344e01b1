"""Published tables: read as printed, compared honestly."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ganbench
from ganbench.cli.published import HEADINGS, as_text, cost, scale_line
from ganbench.errors import UsageError
from ganbench.leaderboard.reproduction import compare, find, read, restrict
from ganbench.spec import Recipe
from ganbench.statistics import Interval
from ganbench.store.values import ValueInfo

PATH = Path(__file__).resolve().parents[1] / "leaderboards" / "pacgan-table1.toml"


def row(architecture: str, dataset: str, loss: str = "vanilla", baseline: str = "", **metrics: float) -> Any:
    info = ValueInfo(label="modes", direction="higher", decimals=1)
    return SimpleNamespace(
        architecture=architecture, dataset=dataset, loss=loss, baseline=baseline, metrics=metrics, done=True,
        values=dict.fromkeys(metrics, info), cost={"train_seconds": 8.0},
        spec=SimpleNamespace(recipe=Recipe(steps=4)),
    )  # fmt: skip


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


def test_it_is_found_by_its_name_and_another_name_is_refused() -> None:
    assert find("pacgan-table1").resolve() == PATH
    assert find(str(PATH)) == PATH
    with pytest.raises(UsageError, match="did you mean 'pacgan-table1'"):
        find("pacgan-table2")
    with pytest.raises(UsageError) as refused:
        find("digit")
    assert "digits" not in str(refused.value), "a suite, but nothing was published of it"


def test_a_suite_without_published_values_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('losses = ["vanilla"]\n')
    with pytest.raises(UsageError, match="nothing to reproduce"):
        read(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_text("[published]\ntitle = 'T'\npaper = 'P'\nruns = 0\ncells = []\n")
    with pytest.raises(UsageError, match="runs=0"):
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


TABLE = """
losses = ["vanilla", "wgan"]
architectures = ["pacgan"]
datasets = ["ring"]
steps = 10
[published]
title = "T"
paper = "P"
runs = 10
"""
CELL = '[[published.cells]]\nname = "A"\narchitecture = "pacgan"\ndataset = "ring"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cells = 3", "each row of a dataset must be a table"),
        ("cells = [3]", "each row of a dataset must be a table"),
        (CELL + 'loss = "wgan"\nmodes = [inf, 0.5]', "modes"),
        (CELL + "modes = [6.3, 0.5]", "'A' must say which loss it belongs to; the suite has vanilla, wgan"),
        (CELL + 'loss = "wgann"\nmodes = [6.3, 0.5]', "the suite has no loss 'wgann'; did you mean 'wgan'"),
        (CELL.replace("ring", "rung") + 'loss = "wgan"\nmodes = [6.3, 0.5]', "the suite has no dataset 'rung'"),
    ],
)
def test_tables_that_cannot_be_held_against_trials_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TABLE + text + "\n")
    with pytest.raises(UsageError, match=re.escape(str(path)) + ".*" + re.escape(message)):
        read(path)


def test_a_cell_is_about_its_own_loss_and_no_baseline(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    cells = [
        CELL.replace('"A"', f'"{loss}"') + f'loss = "{loss}"\nmodes = [6.0, 0.1]\n' for loss in ("vanilla", "wgan")
    ]
    path.write_text(TABLE + "".join(cells))
    suite, published = read(path)
    trials = [row("pacgan", "ring", modes=6.0 + seed / 10) for seed in range(3)]
    trials += [row("pacgan", "ring", loss="wgan", modes=50.0 + seed) for seed in range(3)]
    trials += [row("pacgan", "ring", baseline="untrained", modes=0.0)]
    vanilla, wgan = compare(published, trials)
    assert (vanilla.ours, vanilla.verdict) == ((6.0, 6.1, 6.2), "agree")
    assert (wgan.ours, wgan.verdict) == ((50.0, 51.0, 52.0), "differ")
    assert "6 trials of 10 steps" in cost(suite, 3, [])


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
    single = published.model_copy(update={"runs": 1})
    assert compare(single, trials)[0].verdict == "one published run"


def test_a_part_of_the_table_and_of_the_steps() -> None:
    suite, published = restrict(*read(PATH), rows=["GAN", "PacGAN3"], datasets=["ring"], scale=0.1)
    assert suite.architectures == ("pacgan", "pacgan[pack=3]")
    assert suite.datasets == ("ring",)
    assert suite.steps == 40_000
    assert [cell.name for cell in published.cells] == ["GAN", "PacGAN3"]
    assert restrict(suite, published, rows=[], datasets=[], scale=1e-9) == (
        suite.model_copy(update={"steps": 1}), published
    )  # fmt: skip
    with pytest.raises(UsageError, match="no 'PacGAN5'"):
        restrict(*read(PATH), rows=["PacGAN5"], datasets=[], scale=1.0)
    with pytest.raises(UsageError, match="the suite sets no steps; add the published number to it"):
        restrict(suite.model_copy(update={"steps": None}), published, rows=[], datasets=[], scale=0.5)


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


def test_the_text_says_the_scale_plainly() -> None:
    whole, printed = read(PATH)
    suite, part = restrict(whole, printed, rows=["GAN"], datasets=["ring"], scale=0.01)
    line = scale_line(whole, suite, 0.01, 2, part)
    assert "4,000 of the published 400,000 steps" in line
    assert "2 of 10 seeds" in line
    assert "says nothing about the paper" in line
    trials = [row("pacgan", "ring", pacgan_modes=value) for value in (6.0, 7.0)]
    text = as_text(part, compare(part, trials), line, "table")
    assert line in text
    assert "6.3 ± 0.5" in text
    assert "6.5" in text
    assert "2/2" in text
    assert "| agree |" in as_text(part, compare(part, trials), line, "markdown")


@pytest.mark.parametrize("width", [60, 80, 100])
def test_a_narrow_terminal_gets_the_table_in_blocks(width: int) -> None:
    _, part = restrict(*read(PATH), rows=["GAN", "PacGAN2"], datasets=["ring"], scale=1.0)
    comparisons = compare(part, [row("pacgan", "ring", pacgan_modes=value) for value in (6.0, 7.0)])
    whole = as_text(part, comparisons, "full scale", "table").split("\n\n")[1:]
    parts = as_text(part, comparisons, "full scale", "table", width).split("\n\n")[1:]
    headings = [heading for block in parts for heading in re.split(r"  +", block.splitlines()[0])]
    assert list(dict.fromkeys(headings)) == list(HEADINGS)
    assert headings.count("row") == headings.count("value") == len(parts)
    assert max(len(line) for block in parts for line in block.splitlines()) <= width
    assert (parts == whole) is (width == 100)


def test_a_published_share_and_its_error_are_written_at_one_precision() -> None:
    _, part = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1.0)
    trial = row("pacgan", "ring", pacgan_high_quality=0.9)
    for decimals, text in ((1, "98.2 ± 0.2 %"), (0, "98.20 ± 0.20 %")):
        trial.values["pacgan_high_quality"] = ValueInfo(label="high quality", decimals=decimals, percent=True)
        assert text in as_text(part, compare(part, [trial]), "", "table")


def test_how_a_published_value_is_read_is_known_before_there_is_a_trial_and_from_that_of_another_row() -> None:
    _, part = restrict(*read(PATH), rows=["GAN", "PacGAN2"], datasets=["ring"], scale=1.0)
    info = ValueInfo(label="high quality", decimals=1, percent=True)
    told = as_text(part, compare(part, [], {"pacgan_high_quality": info}), "", "table")
    assert "98.2 ± 0.2 %" in told
    assert "6.300 ± 0.500" in told  # nobody said how this one is read
    trial = row("pacgan[pack=2]", "ring", pacgan_high_quality=0.9)
    trial.values["pacgan_high_quality"] = info
    assert "98.2 ± 0.2 %" in as_text(part, compare(part, [trial]), "", "table")


def test_the_cost_is_told_where_trials_were_timed_and_else_not_guessed() -> None:
    suite, _ = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=0.01)
    assert cost(suite, 3, [], scale=0.01).endswith("not known yet: run it with --scale 3e-05 to learn it")
    short, _ = restrict(*read(PATH), rows=["GAN"], datasets=["ring"], scale=1e-5)
    assert cost(short, 1, [], scale=1e-5).startswith("cost: 1 trial of 4 steps")
    assert cost(short, 1, [], scale=1e-5).endswith("not known yet: run it to learn it")
    text = cost(suite, 3, [row("pacgan", "ring")])
    assert "3 trials of 4,000 steps, 12,000 in all" in text
    assert "6 h 40 m" in text  # two seconds each
    boosted = row("pacgan", "ring")
    boosted.spec.recipe = Recipe(steps=4, n_critic_boost=100, boost_first=3)
    # 8 s for 4 + 301 updates, and so 218 s for 8,000 and 297 more.
    assert "about 10 m 53 s of training" in cost(suite, 3, [boosted])
    twice = row("pacgan", "ring")
    twice.spec.recipe = Recipe(steps=4, n_generator=2, n_critic_boost=100, boost_first=3)
    # 8 s for 8 + 301 updates, and so 318 s for 12,000 and 297 more.
    assert "about 15 m 55 s of training" in cost(suite, 3, [twice])


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


@pytest.mark.parametrize("package", ["lib/python3.11/site-packages", "local/lib/python3.11/dist-packages", "Lib", "."])
def test_a_suite_is_found_wherever_the_package_is_installed(package: str, tmp_path: Path) -> None:
    """An installation may have its own prefix (``--user``, ``--prefix``), or none at all (``--target``)."""
    site = tmp_path / "prefix" / package
    shutil.copytree(Path(ganbench.__file__).parent, site / "ganbench", ignore=shutil.ignore_patterns("__pycache__"))
    share = tmp_path / "prefix" / "share" / "ganbench" / "leaderboards"
    share.mkdir(parents=True)
    shutil.copy(PATH, share)
    program = "from ganbench.leaderboard.reproduction import find; print(find('pacgan-table1'))"
    environment = os.environ | {"PYTHONPATH": str(site)}
    answer = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True)
    assert answer.stdout.decode().strip() == str(share / PATH.name), answer.stderr.decode()
