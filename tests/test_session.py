"""ganbench from Python."""

import re
from pathlib import Path
from typing import Any

import pytest

import ganbench
from ganbench.errors import GanbenchError, UsageError

OPTIONS = {"steps": 3, "batch_size": 16, "quiet": True, "device": "cpu"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))


def test_run_returns_one_row_per_trial_and_load_results_the_same(tmp_path: Path) -> None:
    table = ganbench.run(
        losses=["vanilla", "lsgan"],
        architectures=["mlp[hidden=16,layers=1]"],
        seeds=[0, 7],
        out=tmp_path / "r",
        **OPTIONS,
    )
    assert sorted(zip(table["loss"], table["seed"], strict=True)) == [
        ("lsgan", 0),
        ("lsgan", 7),
        ("vanilla", 0),
        ("vanilla", 7),
    ]
    assert set(table["status"]) == {"done"}
    assert (table["fid"] > 0).all()
    loaded = ganbench.load_results(tmp_path / "r")
    assert sorted(loaded["trial_id"]) == sorted(table["trial_id"])

    (Path(table["path"][0]) / "spec.json").write_text("{")
    with pytest.warns(UserWarning, match=table["trial_id"][0]):
        rest = ganbench.load_results(tmp_path / "r")
    assert sorted(rest["trial_id"]) == sorted(table["trial_id"][1:])


def test_uniform_is_one_recipe_for_every_row(tmp_path: Path) -> None:
    table = ganbench.run(
        losses="vanilla,wgan-gp",
        architectures="mlp[hidden=16,layers=1]",
        protocol="uniform",
        out=tmp_path / "r",
        **OPTIONS,
    )
    assert set(table["real_images"]) == {48}


def test_a_wrong_request_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'vanilla'"):
        ganbench.run(losses=["vanila"], architectures=["mlp"], out=tmp_path / "r")
    with pytest.raises(UsageError, match="stepps"):
        ganbench.run(losses=["vanilla"], architectures=["mlp"], out=tmp_path / "r", stepps=3)
    with pytest.raises(GanbenchError, match="there is no folder"):
        ganbench.load_results(tmp_path / "nowhere")


@pytest.mark.parametrize("wrong", [{"jobs": -1}, {"timeout": "50"}, {"timeout": float("nan")}, {"per_device": 0.5}])
def test_a_wrong_number_is_told_in_words_of_python_before_anything_is_written(
    wrong: dict[str, Any], tmp_path: Path
) -> None:
    [(name, value)] = wrong.items()
    with pytest.raises(UsageError, match=re.escape(f"run(): {name}={value!r}: must be ")):
        ganbench.run(losses="vanilla", architectures="mlp", datasets="ring", out=tmp_path / "r", **OPTIONS, **wrong)
    assert not (tmp_path / "r").exists()
