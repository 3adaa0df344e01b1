"""The worker: a trial that is interrupted and gone on with ends where it ends at one go."""

from pathlib import Path
from typing import Any

import pytest

from ganbench.trial import run_trial
from tests.workers import MLP, StopAfter, lines, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.mark.parametrize(
    ("loss", "recipe"),
    [("vanilla+lecam", {}), ("vanilla", {"ema_decay": 0.9, "replay": 30, "lr_schedule": "linear"})],
    ids=["what a penalty remembers", "average, replay and rates"],
)
def test_a_trial_that_is_gone_on_with_ends_where_it_ends_at_one_go(
    tmp_path: Path, loss: str, recipe: dict[str, Any]
) -> None:
    (whole,), (parted,) = (planned(tmp_path / name, MLP, loss=loss, seeds=1, **recipe) for name in ("one", "two"))
    assert run_trial(whole) == "done"
    assert run_trial(parted, StopAfter(24)) == "interrupted"
    assert run_trial(parted) == "done"
    assert parted.generator.read_bytes() == whole.generator.read_bytes()
    assert parted.read_result()["metrics"] == whole.read_result()["metrics"]
    assert [(one["d_loss"], one["g_loss"]) for one in lines(parted.progress)] == [
        (one["d_loss"], one["g_loss"]) for one in lines(whole.progress)
    ]
