"""ganbench from Python."""

import re
from pathlib import Path
from typing import Any

import pytest

import ganbench
from ganbench.errors import StoreError, UsageError

OPTIONS: dict[str, Any] = {"steps": 3, "batch_size": 16, "quiet": True, "device": "cpu"}


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
    with pytest.warns(UserWarning, match=table["trial_id"][0]) as warned:
        rest = ganbench.load_results(tmp_path / "r")
    assert sorted(rest["trial_id"]) == sorted(table["trial_id"][1:])
    assert [warning.filename for warning in warned] == [__file__]  # where it was called, not a file of ours

    with pytest.raises(StoreError, match=table["trial_id"][0]):
        ganbench.load_results(table["path"][0])  # nothing of it can be read


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
        ganbench.run(losses=["vanilla"], architectures=["mlp"], out=tmp_path / "r", recipe={"stepps": 3})
    with pytest.raises(
        StoreError, match=r"there is no folder .*; run something first, or name the folder given to out="
    ):
        ganbench.load_results(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"^no losses; name some with losses=, e\.g\. losses=\['vanilla', 'lsgan'\]$"):
        ganbench.run(architectures=["mlp"], out=tmp_path / "r")


@pytest.mark.parametrize(
    "wrong",
    [
        {"jobs": -1},
        {"timeout": "50"},
        {"memory_limit": "many"},
        {"memory_limit": 1000},
        {"checkpoint_seconds": 0},
        {"retry": 1},
        {"quiet": "no"},
        {"steps": "three"},
        {"metrics": 5},
        {"baselines": 1},
        {"timeout": float("nan")},
        {"per_device": 0.5},
        {"losses": None},
        {"losses": 5},
        {"trackers": 5},
        {"recipe": 5},
        {"recipe": ""},
        {"device": None},
        {"executor": 5},
        {"executor_options": 5},
        {"executor_options": ""},
        {"devices": 5},
        {"out": None},
        {"out": ""},
        {"out": "a\0b"},
        {"suite": ""},
        {"suite": 5},
        {"data_root": ""},
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_written(
    wrong: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    [(name, value)] = wrong.items()
    given = {"losses": "vanilla", "architectures": "mlp", "datasets": "ring", "out": "r", **OPTIONS, **wrong}
    with pytest.raises(UsageError, match=re.escape(f"run(): {name}={value!r}: must ")):
        ganbench.run(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_name_of_several_lines_is_told_in_one() -> None:
    with pytest.raises(UsageError, match=r"^there is no loss 'van illa'; did you mean 'vanilla'\?$"):
        ganbench.run(losses="van\nil\x07la", architectures="mlp")


def test_a_folder_without_trials_is_a_table_without_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    assert ganbench.load_results(tmp_path / "runs").empty
    monkeypatch.chdir(tmp_path)
    assert ganbench.load_results().empty


def test_nothing_is_no_folder_of_trials() -> None:
    for nothing in ("", None):
        with pytest.raises(UsageError, match=re.escape(f"load_results(): runs={nothing!r}: must ")):
            ganbench.load_results(nothing)  # type: ignore[arg-type]  # None is wrong on purpose
