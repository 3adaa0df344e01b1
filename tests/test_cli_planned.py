"""A dry run's lines: seeds and settings that are the same are said once, and nothing is lost in a narrow terminal."""

import pytest

from ganbench.cli.planned import folded, lines, numbered
from ganbench.spec import Execution, TrialFile
from tests.trials import make_spec


def planned(loss: str = "vanilla", seed: int = 0, warnings: tuple[str, ...] = (), **changes: object) -> TrialFile:
    """A trial of a plan."""
    spec = make_spec(loss, seed=seed, **changes)  # type: ignore[arg-type]
    return TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(), warnings=warnings)


def row(loss: str = "vanilla", seeds: int = 3, **changes: object) -> list[TrialFile]:
    """A row with its seeds."""
    return [planned(loss, seed, **changes) for seed in range(seeds)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([4], "seed 4"),
        ([0, 1], "seeds 0, 1"),
        ([0, 1, 2], "seeds 0-2"),
        ([9, 0, 1, 2, 4, 17, 18], "seeds 0-2, 4, 9, 17, 18"),
        (list(range(10)), "seeds 0-9"),
    ],
)
def test_seeds_are_written_as_ranges(seeds: list[int], text: str) -> None:
    assert numbered(seeds) == text


def test_a_row_is_one_line_per_status() -> None:
    trials = [*row(), *row("hinge")]
    statuses = ["done", None, "done", None, None, None]
    assert lines(trials, statuses) == [
        "done      vanilla · dcgan · digits · seeds 0, 2",
        "to run    vanilla · dcgan · digits · seed 1",
        "to run    hinge · dcgan · digits · seeds 0-2",
    ]


def test_rows_of_one_name_and_different_recipes_stay_apart() -> None:
    trials = [*row(n_critic=2, steps=20), *row(n_critic=5, steps=20)]
    assert lines(trials, [None] * 6) == [
        "to run    vanilla · dcgan · digits · seeds 0-2  n_critic=2",
        "to run    vanilla · dcgan · digits · seeds 0-2  n_critic=5",
        "recipe    in every row: steps=20",
    ]


def test_settings_of_a_single_row_are_said_beneath_it_and_a_baseline_has_no_say() -> None:
    trials = [planned(baseline="real"), *row(steps=20)]
    assert lines(trials, [None] * 4) == [
        "to run    (real data) · digits · seed 0",
        "to run    vanilla · dcgan · digits · seeds 0-2",
        "recipe    steps=20",
    ]


def test_what_is_said_against_a_row_is_said_once() -> None:
    trials = [*row(warnings=("few samples", "odd pair")), *row("hinge", warnings=("few samples",))]
    assert lines(trials, [None] * 6) == [
        "to run    vanilla · dcgan · digits · seeds 0-2",
        "          note: odd pair",
        "to run    hinge · dcgan · digits · seeds 0-2",
        "note      every row: few samples",
    ]
    assert lines(row(warnings=("few samples",)), [None] * 3)[1:] == ["          note: few samples"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 200])
def test_a_narrow_terminal_folds_lines_between_words(width: int) -> None:
    trials = [
        *row(n_critic=5, g_lr=1e-4, d_lr=1e-4, beta1=0.0, beta2=0.9),
        *row("hinge", warnings=("far too few " * 9,)),
    ]
    whole, parts = lines(trials, [None] * 6), lines(trials, [None] * 6, width)
    assert max(map(len, parts)) <= width
    assert " ".join(" ".join(parts).split()) == " ".join(" ".join(whole).split())
    assert all(part.startswith(("to run    ", " " * 10)) for part in parts)


def test_settings_begin_a_line_of_their_own() -> None:
    line = "to run    wgan-gp · mlp · digits · seeds 0-4  n_critic=5 g_lr=0.0001 d_lr=0.0001"
    assert folded(line, None) == folded(line, 80) == [line]
    assert folded(line, 60) == [
        "to run    wgan-gp · mlp · digits · seeds 0-4",
        "            n_critic=5 g_lr=0.0001 d_lr=0.0001",
    ]
