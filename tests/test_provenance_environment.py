"""What a result says of its surroundings."""

from collections.abc import Callable

import pytest
import torch

from ganbench.evaluation.isolation import full_precision
from ganbench.provenance import environment
from ganbench.spec import Execution, TrialSpec

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_how_float32_is_computed_can_be_told_after_an_evaluation() -> None:
    before = environment.float32_arithmetic(CPU)
    full = "ieee" if hasattr(torch.backends.cudnn, "conv") else "highest"  # torch 2.9 has other words
    with full_precision():
        assert environment.float32_arithmetic(CPU) == f"products {full}, convolutions ieee"
    assert environment.float32_arithmetic(CPU) == before


@pytest.mark.parametrize(("capability", "slow"), [("AVX2", True), ("AVX512", False), ("DEFAULT", False)])
def test_bfloat16_that_is_slower_than_float32_is_said_in_the_row(
    trial_spec: Callable[..., TrialSpec], monkeypatch: pytest.MonkeyPatch, capability: str, slow: bool
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    execution = Execution(device="cpu", threads=1)
    found = environment.cautions(trial_spec(recipe={"precision": "bfloat16"}), execution, CPU)
    assert [("emulates bfloat16" in line) for line in found] == [True] * slow
    assert environment.cautions(trial_spec(), execution, CPU) == []
    assert environment.cautions(trial_spec(recipe={"precision": "bfloat16"}), execution, CUDA) == []


def test_a_shared_gpu_is_said_in_the_row(trial_spec: Callable[..., TrialSpec]) -> None:
    shared = Execution(device="cuda", threads=1, shared_device=True)
    (line,) = environment.cautions(trial_spec(), shared, CUDA)
    assert "shared its GPU" in line
    assert environment.cautions(trial_spec(), shared, CPU) == []


def test_memory_of_a_gpu_is_what_others_cannot_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded step's memory is kept for it, and counts as free between two steps."""
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 2**30)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: 2**31)
    assert environment.peak_memory(CUDA) == 2**31


@pytest.mark.parametrize(("device", "used", "expected"), [
    (CUDA, True, ["given back", "forgotten on cuda"]),
    (CUDA, False, []),
    (CPU, True, []),
])  # fmt: skip
def test_a_trial_s_peak_is_not_that_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch, device: torch.device, used: bool, expected: list[str]
) -> None:
    """A trial that has a process of its own does not wake the GPU up for it."""
    done: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: used)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append("given back"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: done.append(f"forgotten on {device}"))
    environment.forget_peak(device)
    assert done == expected
