"""The benchmark of batched seeds: what a run on a GPU records is not taken for one on the CPU."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import harness, mixtures, tables

GPU = "NVIDIA H100 80GB HBM3"


class Contender:
    """Stands for another process, where a step takes a second."""

    calls: list[tuple[Any, ...]] = []

    def __init__(self, build: Any, *arguments: Any) -> None:
        self.calls.append(arguments)

    def __enter__(self) -> "Contender":
        return self

    def __exit__(self, *raised: object) -> None:
        return None

    def call(self, method: str, *arguments: Any, threads: int = 0) -> Any:
        self.calls.append((method, *arguments))
        return {"steps": 1.0, "flops": 1000, "operators": {"aten::mm": 1.0}}[method]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for module in (harness, tables):
        monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: GPU)
    monkeypatch.setattr(mixtures, "Apart", Contender)
    monkeypatch.setattr(Contender, "calls", [])
    return tmp_path


def measured(results: Path, monkeypatch: pytest.MonkeyPatch, name: str, *options: str) -> dict[str, Any]:
    monkeypatch.setattr(sys, "argv", ["mixtures", "--rounds", "1", "--threads", "1", *options])
    assert mixtures.main() == 0
    found: dict[str, Any] = json.loads((results / f"{name}.json").read_text())
    return found


def test_a_run_on_a_gpu_has_a_file_of_its_own_that_names_it(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_cpu = measured(results, monkeypatch, "mixtures")
    written = (results / "mixtures.json").read_bytes()
    on_gpu = measured(results, monkeypatch, "mixtures-gpu", "--device", "cuda:1")
    assert (results / "mixtures.json").read_bytes() == written
    assert (on_cpu["device"], on_gpu["device"]) == ("cpu", GPU)
    assert on_gpu["command"] == on_cpu["command"].replace("--steps 40", "--steps 2000") + " --device cuda:1"
    assert [label for label, *_ in tables.mixtures()[1:]] == [
        f"{name}, 1 threads{mark}" for mark in ("", f", {GPU}") for name in ("plain", "one seed", "batched")
    ]


@pytest.mark.parametrize(
    ("options", "steps"),
    [([], 40), (["--device", "cuda"], 2000), (["--device", "cuda", "--steps", "7"], 7)],
    ids=["cpu", "gpu", "as asked for"],
)
def test_a_round_on_a_gpu_is_long_beside_its_first_steps(
    results: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], steps: int
) -> None:
    found = measured(results, monkeypatch, "mixtures-gpu" if options else "mixtures", *options)
    assert found["steps_per_round"] == steps
    assert {call[1] for call in Contender.calls if call[0] in ("steps", "plain", "one seed", "batched")} == {steps}


def test_operators_are_timed_on_the_cpu_only(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(measured(results, monkeypatch, "mixtures")["operators"]) == {"plain", "one seed", "batched"}
    Contender.calls.clear()
    assert measured(results, monkeypatch, "mixtures-gpu", "--device", "cuda")["operators"] == {}
    assert not [call for call in Contender.calls if call[0] == "operators"]
    assert len(tables.operators()) == 1 + 3


def test_without_any_result_a_table_says_so(results: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tables.mixtures()
