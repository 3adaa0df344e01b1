"""The benchmark of training steps: what it counts and times, on a GPU as well."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from benchmarks import harness, training_step
from benchmarks.training import ours
from benchmarks.training.floor import counted
from benchmarks.training.ours import Ours
from benchmarks.training.workloads import WORKLOADS
from ganbench.spec import Recipe
from ganbench.training import loop
from ganbench.training.objective import Objective
from ganbench.training.state import State


class Contender:
    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, method: str, *arguments: Any) -> Any:
        self.calls.append(method)
        return {"steps": 1.0, "flops": 1000, "operators": {"aten::mm": 1.0}}[method]


@pytest.mark.parametrize(("device", "operators"), [("cpu", {"ganbench": {"aten::mm": 1.0}}), ("cuda", {})])
def test_operators_are_timed_on_the_cpu_only(
    device: str, operators: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a GPU the host's clock would say how long they take to launch."""
    monkeypatch.setattr(training_step, "convolution_rate", lambda *arguments, **options: 1e9)
    trainers: dict[str, Any] = {"ganbench": Contender(), "plain": Contender()}
    found = training_step._measured(trainers, 1, 5, 60.0, device)
    assert found["operators"] == operators
    assert ("operators" in trainers["ganbench"].calls) == bool(operators)


def test_the_device_that_works_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the first one, nor any where the CPU works."""
    done: list[str] = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device=None: done.append(f"waited for {device}"))
    assert harness.timed(lambda: done.append("worked"), "cuda:1") >= 0.0
    assert done == ["waited for cuda:1", "worked", "waited for cuda:1"]
    done.clear()
    harness.timed(lambda: done.append("worked"))
    assert done == ["worked"]


def refused(work: Callable[[], Any], generators: Any) -> Callable[[], object]:
    raise RuntimeError("operation not permitted when stream is capturing")


def again(work: Callable[[], Any], generators: Any) -> Callable[[], object]:
    return work


@pytest.mark.parametrize("capture", [None, again, refused])
def test_a_step_s_operations_can_be_counted_after_any_training(
    capture: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Steps that are recorded, or were to be, take their samples from a place that has to be filled."""
    workload = WORKLOADS["mlp-wgan-gp"]
    original = loop.whole_step
    as_they_are = Ours(workload)
    # A recording leaves out what nothing reads of a second derivative; the first step is done as it is.
    step = original(as_they_are._state, as_they_are._objective, as_they_are._recipe)
    expected = as_they_are.flops() if capture is None else counted(step)

    def captured(state: State, objective: Objective, recipe: Recipe) -> Callable[[], Tensor]:
        return original(state, objective, recipe, capture)

    for module in (loop, ours):
        monkeypatch.setattr(module, "whole_step", captured, raising=False)
    trainer = Ours(workload)
    assert ("not permitted" in capsys.readouterr().out) == (capture is refused)
    assert trainer.flops() == expected > 0
    assert trainer.steps(2) > 0.0
