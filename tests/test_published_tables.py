"""The published tables that are committed: what was printed, what their trials are, and where neither side varies."""

from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.leaderboard.locating import find
from ganbench.leaderboard.reproduction import compare, read, restrict
from ganbench.planning.suite import parse, to_request
from tests.commands import ganbench
from tests.published import row

ROOT = Path(__file__).resolve().parents[1]
PACGAN2 = ROOT / "leaderboards" / "pacgan-table2.toml"
PACKED = "dcgan5x5[pack=2]"


def test_the_second_table_of_pacgan_is_as_printed() -> None:
    assert find("pacgan-table2").resolve() == PACGAN2
    suite, published = read(PACGAN2)
    assert published.runs == 10
    assert {cell.name: (cell.architecture, *cell.values.values()) for cell in published.cells} == {
        "DCGAN": ("dcgan5x5", (78.9, 6.46), (4.5, 0.127)),
        "PacDCGAN2": ("dcgan5x5[pack=2]", (1000.0, 0.0), (0.06, 0.003)),
        "PacDCGAN3": ("dcgan5x5[pack=3]", (1000.0, 0.0), (0.06, 0.003)),
        "PacDCGAN4": ("dcgan5x5[pack=4]", (1000.0, 0.0), (0.07, 0.005)),
    }
    assert [cell.architecture for cell in published.cells] == [*suite.architectures]
    assert all(tuple(cell.values) == ("stacked_modes", "stacked_kl") for cell in published.cells)
    # 50 epochs of 128,000 groups in batches of 64
    assert suite.steps == 50 * 128_000 // (suite.batch_size or 0)


def test_its_trials_are_the_codes() -> None:
    suite, _ = read(PACGAN2)
    request, seeds = to_request(suite, parse({}, "reproduce"), plugins.load().registry)
    assert (len(seeds), request.num_samples) == (10, 26_000)
    settings = suite.settings()
    wanted: dict[str, Any] = {"n_generator": 2, "latent": "uniform", "latent_dim": 100, "beta1": 0.5, "batch_size": 64}
    assert {name: settings[name] for name in wanted} == wanted
    assert settings["g_lr"] == settings["d_lr"] == 2e-4


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([1000.0] * 10, "equal"),
        ([1000.0], "one seed"),
        ([999.0] * 3, "no spread"),  # it does not say that it is near
        ([1000.0, 1000.0, 999.0], "agree"),
        ([900.0, 902.0, 901.0], "differ"),
        ([], "no result"),
    ],
)
def test_a_printed_value_without_spread_is_compared_as_far_as_ours_has_one(ours: list[float], verdict: str) -> None:
    _, published = restrict(*read(PACGAN2), rows=["PacDCGAN2"], datasets=[], scale=1.0)
    modes, _ = compare(published, [row(PACKED, "stacked-mnist", stacked_modes=value) for value in ours])
    assert modes.verdict == verdict


def test_equal_is_said_of_the_seeds_that_are_there_and_of_no_printed_value_with_a_spread() -> None:
    _, published = restrict(*read(PACGAN2), rows=["PacDCGAN2"], datasets=[], scale=1.0)
    trials = [row(PACKED, "stacked-mnist", stacked_modes=1000.0, stacked_kl=0.06) for _ in range(3)]
    modes, kl = compare(published, [*trials, row(PACKED, "stacked-mnist")])
    assert modes.verdict == "equal, without 1 of 4 seeds"
    assert kl.verdict == "no spread"


@pytest.mark.slow
def test_it_trains_on_mnist_at_a_small_scale_and_learns_what_it_costs(tmp_path: Path, shared_data: Path) -> None:
    arguments = ["--scale", "0.00002", "--row", "PacDCGAN3", "--seeds", "1", "--device", "cpu"]
    arguments += ["--data-root", str(shared_data)]
    answer = ganbench("reproduce", "pacgan-table2", *arguments, "--format", "markdown", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert "2 of the published 100,000 steps per trial, 1 of 10 seeds" in answer.stdout
    lines = [line for line in answer.stdout.splitlines() if line.startswith("| stacked-mnist")]
    assert [line.split(" | ")[1:4] for line in lines] == [
        ["PacDCGAN3", "modes (of all classes)", "1000.0 ± 0.0"],
        ["PacDCGAN3", "mode KL", "0.060 ± 0.003"],
    ]
    told = ganbench("reproduce", "pacgan-table2", *arguments[2:], "--dry-run", cwd=tmp_path)
    assert "1 trial of 100,000 steps, 100,000 in all; about " in told.stdout
