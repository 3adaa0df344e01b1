"""A published table beside ours as text, the scale it was trained at, and what it costs."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.cli import main
from ganbench.cli.published import HEADINGS, WITHOUT_ERROR, as_json, as_text, at_scale, cost, scale_line, scale_of
from ganbench.errors import TooFewSteps, UsageError
from ganbench.leaderboard.reproduction import compare, read, restrict
from ganbench.spec import Execution, Recipe
from ganbench.store.values import ValueInfo
from tests.published import CELL, PATH, TABLE, row


def planned(recipe: Recipe, passes: float = 1.0, g_passes: float = 1.0) -> Any:
    """A trial of ``vanilla`` with ``pacgan`` on ``ring``, before it runs."""
    component = SimpleNamespace(label="ring")
    spec = SimpleNamespace(
        recipe=recipe, baseline="", loss_label="vanilla", architecture_label="pacgan",
        data=SimpleNamespace(component=component),
    )  # fmt: skip
    return SimpleNamespace(spec=spec, execution=Execution(passes=passes, g_passes=g_passes))


STEPPED = """
n_critic_boost = 100
boost_first = 25
boost_every = 500
lr_schedule = "linear"
lr_decay_start = 5000
ema_decay = 0.99
ema_start = 1000
"""


def test_with_fewer_steps_what_counts_them_is_fitted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    text = TABLE.replace("steps = 10\n", "").replace("[published]", f"[recipe]\nsteps = 10000{STEPPED}\n[published]")
    path.write_text(text + CELL + "loss = 'wgan'\nmodes = [6, 0]\n")
    whole, printed = read(path)
    full, _ = restrict(whole, printed, rows=[], datasets=[], scale=1.0)
    assert full.settings() == whole.settings()
    assert scale_line(whole, full, 1.0, 1, printed).startswith("full scale: 10,000 of the published 10,000")
    suite, _ = restrict(whole, printed, rows=[], datasets=[], scale=0.02)
    fitted = {"steps": 200, "boost_every": 0, "lr_decay_start": 100, "ema_start": 20}
    assert suite.settings() == whole.settings() | fitted
    line = scale_line(whole, suite, 0.02, 1, printed)
    assert "200 of the published 10,000 steps per trial" in line
    assert (
        "for so few steps boost_every=0 (published: 500), lr_decay_start=100 (published: 5000), ema_start=20 "
        "(published: 1000); shorter training"
    ) in line


@pytest.mark.parametrize(
    ("scale", "needed", "words"),
    [
        (0.003, 12, "--scale 0.003 leaves too few steps: replay=9; use --scale 0.0012 or more"),
        (0.003, 10_001, "replay=9"),
        (1.0, 12, "replay=9"),
    ],
)
def test_a_refusal_for_want_of_steps_says_which_scale_is_enough(scale: float, needed: int, words: str) -> None:
    with pytest.raises(UsageError) as refused, at_scale(scale, 10_000):
        raise TooFewSteps("replay=9", needed)
    assert str(refused.value) == words


@given(st.integers(1, 10**6), st.integers(0, 10**6))
def test_the_scale_that_is_named_gives_enough_steps(steps: int, more: int) -> None:
    whole = steps + more
    share = float(f"{scale_of(steps, whole):g}")
    assert 0 < share <= 1
    assert round(whole * share) >= steps


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


def test_numbers_printed_alone_stand_alone(tmp_path: Path) -> None:
    """In a table that has none with an error, the heading does not speak of one."""
    path = tmp_path / "a.toml"
    text = TABLE + CELL + "loss = 'wgan'\nmodes = 6.3\n"
    trials = [row("pacgan", "ring", loss="wgan", modes=value) for value in (6.0, 7.0)]
    for runs, more, heading in ((10, "high = [0.9, 0.1]\n", "published ± SE"), (1, "", "published")):
        path.write_text(text.replace("runs = 10", f"runs = {runs}") + more)
        whole, part = read(path)
        for form in ("table", "markdown"):
            found = as_text(part, compare(part, trials), "", form)
            assert re.search(rf"value *\|? *{heading} *\|? *ours", found), found
            assert re.search(r"modes *\|? *6\.3 *\|? *6\.5 *\|? *0\.1 to 12\.9 *\|? *2/2 *\|? *agree", found), found
            assert found.endswith(f"\n\n{WITHOUT_ERROR}")
            untrained = as_text(part, compare(part, []), "", form)
            assert WITHOUT_ERROR not in untrained, "nothing was compared yet"
    record = json.loads(as_json(part, compare(part, trials), "", scale=1.0, seeds=[0, 1], rows=[]))["values"][0]
    assert record["published"] == {"mean": 6.3, "standard_error": None}
    assert record["difference"]["method"] == "prediction"
    for seeds, words in ((1, "1 seed (published: 1)"), (5, "5 seeds (published: 1)")):
        assert (
            scale_line(whole, whole, 1.0, seeds, part) == f"full scale: 10 of the published 10 steps per trial, {words}"
        )


def test_how_a_published_value_is_read_is_known_before_there_is_a_trial_and_from_that_of_another_row() -> None:
    _, part = restrict(*read(PATH), rows=["GAN", "PacGAN2"], datasets=["ring"], scale=1.0)
    info = ValueInfo(label="high quality", decimals=1, percent=True)
    comparisons = compare(part, [], {"pacgan_high_quality": info})
    told = as_text(part, comparisons, "", "table")
    assert "98.2 ± 0.2 %" in told
    assert "6.300 ± 0.500" in told  # nobody said how this one is read
    # The other says its heading, the names are those of the suite in JSON.
    assert "| ring | GAN | high quality | 98.2 ± 0.2 % |" in as_text(part, comparisons, "", "markdown")
    assert "| ring | GAN | pacgan\\_modes | 6.300 ± 0.500 |" in as_text(part, comparisons, "", "markdown")
    assert "pacgan_high_quality" not in told
    record = json.loads(as_json(part, comparisons, "", scale=1.0, seeds=[0], rows=[]))
    assert {"pacgan_high_quality", "pacgan_modes"} <= {each["value"] for each in record["values"]}
    trial = row("pacgan[pack=2]", "ring", pacgan_high_quality=0.9)
    trial.values["pacgan_high_quality"] = info
    assert "98.2 ± 0.2 %" in as_text(part, compare(part, [trial]), "", "table")


def test_the_cost_is_told_where_trials_were_timed_and_else_not_guessed() -> None:
    long = Recipe(steps=4000)
    floor = planned(Recipe())
    floor.spec.baseline = "real"
    trials = [*[planned(long)] * 3, floor]
    assert cost(trials, [], 400_000).endswith("not known yet: run it with --scale 2.5e-05 to learn it")
    assert cost([planned(Recipe(steps=4))], [], 400_000).startswith("cost: 1 trial of 4 steps")
    assert cost([planned(Recipe(steps=4))], [], 400_000).endswith("not known yet: run it to learn it")
    text = cost(trials, [row("pacgan", "ring")], 400_000)
    assert "3 trials of 4,000 steps, 12,000 in all" in text
    assert "6 h 40 m" in text  # two seconds each
    assert text.endswith("by the trials under --out")
    timed = [row("pacgan", "ring"), row("pacgan", "ring"), row("pacgan", "ring")]
    timed[0].device, timed[2].device = "A\x1b", "B"
    assert cost(trials, timed, 400_000).endswith("by the trials under --out on A and B")


@pytest.mark.parametrize(
    "other", [row("pacgan[pack=2]", "ring"), row("pacgan", "grid"), row("pacgan", "ring", loss="wgan")]
)
def test_the_cost_is_not_guessed_from_trials_of_another_row(other: Any) -> None:
    assert "not known yet" in cost([planned(Recipe(steps=4000))], [other], 400_000)


@pytest.mark.parametrize("setting", [{"batch_size": 128}, {"n_critic": 2}, {"n_generator": 2}, {"g_batches": 2}])
def test_the_cost_is_not_guessed_from_trials_with_other_updates(setting: dict[str, int]) -> None:
    timed = row("pacgan", "ring")
    assert "not known yet" in cost([planned(Recipe(steps=4000, **setting))], [timed], 400_000)
    timed.spec.recipe = Recipe(steps=4, **setting)
    assert "about 2 h 13 m" in cost([planned(Recipe(steps=4000, **setting))], [timed], 400_000)


def test_the_cost_counts_the_boosts_of_the_trials_and_of_those_that_were_timed() -> None:
    short = row("pacgan", "ring")
    short.spec.recipe = Recipe(steps=4, n_critic_boost=100, boost_first=3)
    long = Recipe(steps=4000, n_critic_boost=100, boost_first=23)
    # 8 s for 4 + 301 updates, and so 4 m 30 s for 8,000 and 99 more for each of 23 steps.
    assert "about 4 m 30 s of training" in cost([planned(long)], [short], 4000)
    # A penalty for which the discriminator runs once more in each of its updates: 8 s for 4 + 602 passes, and so
    # 3 m 39 s for 4,000 + 2 · 6,277 of them.
    assert "about 3 m 39 s of training" in cost([planned(long, passes=2)], [short], 4000)
    # One on the generator, which runs ten times in each of its own: 8 s for 40 + 301 passes, and so 18 m 6 s for
    # 40,000 + 6,277 of them.
    assert "about 18 m 06 s of training" in cost([planned(long, g_passes=10)], [short], 4000)


def test_what_would_be_refused_is_not_suggested_to_learn_the_cost() -> None:
    # A history of 3,200 fakes, of which 32 are drawn and added in an update, is full after 100.
    trials = [planned(Recipe(steps=4000)), planned(Recipe(steps=4000, replay=3200))]
    assert cost(trials, [], 4000).endswith("run it with --scale 0.026 to learn it")
    assert cost([planned(Recipe(steps=101, replay=3200))], [], 4000).endswith("run it to learn it")


def test_the_reason_of_a_trial_that_failed_rings_no_bell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = row("pacgan", "ring")
    failed.done, failed.name, failed.status, failed.reason = False, "vanilla", "failed", "a\x07b"
    failed.metrics, failed.protocol = {}, None
    outcome = SimpleNamespace(rows=lambda: [failed], interrupted=False, exit_code=lambda rows: 1)
    monkeypatch.setattr("ganbench.running.shown.run_shown", lambda *wanted, quiet: outcome)
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", str(PATH), "--out", str(tmp_path / "runs"), "--device", "cpu"])
    assert ended.value.code == 1
    assert capsys.readouterr().err == "ganbench: vanilla: failed: ab\n"
