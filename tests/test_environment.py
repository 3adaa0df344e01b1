"""What a result says of its surroundings, and what may be expected of a repetition."""

from collections.abc import Callable

import pytest
import torch

from ganbench import environment
from ganbench.evaluation.isolation import full_precision
from ganbench.spec import Execution, TrialSpec

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_what_makes_a_result_repeatable_is_all_there(trial_spec: Callable[..., TrialSpec]) -> None:
    stated = environment.determinism(trial_spec(seed=7, recipe={"precision": "bfloat16"}), CPU)
    assert (stated["seed"], stated["precision"]) == (7, "bfloat16")
    assert stated["threads"] == torch.get_num_threads()
    assert stated["deterministic_algorithms"] == torch.are_deterministic_algorithms_enabled()
    assert stated["device"].startswith("cpu, ")
    for part in ("python 3", f"torch {environment.versions()['torch']}", "numpy ", "torch-fidelity ", "ganbench "):
        assert part in stated["versions"]
    assert stated["cudnn_benchmark"] is None  # says nothing of a CPU


def test_how_float32_is_computed_can_be_told_after_an_evaluation() -> None:
    before = environment.float32_arithmetic(CPU)
    with full_precision():
        assert environment.float32_arithmetic(CPU) == "products ieee, convolutions ieee"
    assert environment.float32_arithmetic(CPU) == before


@pytest.mark.parametrize(
    ("device", "exact", "words"),
    [(CPU, False, "bit-equal on this kind of processor"), (CUDA, True, "bit-equal on this model of GPU"),
     (CUDA, False, "up to the order of floating-point sums")],
)  # fmt: skip
def test_no_more_equality_is_promised_than_there_is(device: torch.device, exact: bool, words: str) -> None:
    text = environment.promised(device, exact_kernels=exact)
    assert words in text
    assert "resumed" in text


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_says_how_it_computes(trial_spec: Callable[..., TrialSpec]) -> None:
    stated = environment.determinism(trial_spec(), CUDA)
    assert torch.cuda.get_device_name(0) in stated["device"]
    assert "CUDA " in stated["versions"]
    assert isinstance(stated["cudnn_deterministic"], bool)
