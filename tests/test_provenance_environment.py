"""What a result says of its surroundings."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

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


def test_a_peak_that_was_kept_counts_until_the_next_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [5]
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda device: now[0])
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: now.__setitem__(0, 1))
    environment.keep_peak(CUDA)
    now[0] = 9
    environment.give_back(CUDA)
    assert environment.peak_memory(CUDA) == 5, "what was reached between the two is forgotten"
    assert environment.peak_memory(torch.device("cuda:1")) == 1
    environment.keep_peak(CUDA)
    now[0] = 7
    assert environment.peak_memory(CUDA) == 7
    environment.forget_peak(CUDA)
    assert environment.peak_memory(CUDA) == 1
    environment.keep_peak(CPU)
    assert environment.peak_memory(CPU) > 1 << 20


def test_what_a_result_says_of_its_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"the GPU {device}")
    monkeypatch.setattr(environment, "processor", lambda: "the processor")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    execution = Execution(device="cuda", threads=1, shared_device=True)
    names = ("device", "device_name", "instructions", "cuda", "shared_device", "threads", "cores", "requested_device")

    def told(device: torch.device) -> list[object]:
        found = environment.describe(execution, device)
        return [found[name] for name in names]

    assert told(CUDA) == ["cuda", "the GPU cuda", None, "13.0", True, 3, 64, "cuda"]
    assert told(CPU) == ["cpu", "the processor", "AVX512", None, None, 3, 64, "cuda"]


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for ``/proc``; empty."""
    monkeypatch.setattr(environment, "Path", lambda name: tmp_path / Path(name).name)
    return tmp_path


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("vendor_id\t: GenuineIntel\nmodel name\t: A Processor: 2 GHz \nmodel name\t: other", "A Processor: 2 GHz"),
        ("processor\t: 0\n", "of the platform"),  # of an ARM
        (None, "of the platform"),
    ],
)
def test_the_processors_name_is_the_kernels_or_that_of_the_platform(
    proc: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, name: str
) -> None:
    if told is not None:
        (proc / "cpuinfo").write_text(told)
    monkeypatch.setattr(platform, "processor", lambda: "of the platform")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    assert environment.processor() == name
    monkeypatch.setattr(platform, "processor", str)
    assert environment.processor() == ("arm64" if name == "of the platform" else name)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("cpu  1 2 3 4 5 6 7 850 9 10\ncpu0 1 2 3 4 5 6 7 99 9 10\n", 8.5),
        ("cpu  1 2 3 4\n", None),  # of a kernel that does not count it
        ("", None),
        (None, None),
    ],
)
def test_seconds_that_were_taken_away_are_counted_by_the_kernel(
    proc: Path, monkeypatch: pytest.MonkeyPatch, told: str | None, seconds: float | None
) -> None:
    if told is not None:
        (proc / "stat").write_text(told)
    monkeypatch.setattr(os, "sysconf", {"SC_CLK_TCK": 100}.__getitem__)
    assert environment.steal_seconds() == seconds


@pytest.mark.parametrize(("system", "expected"), [("Linux", 3 << 20), ("Darwin", 3 << 10)])
def test_memory_of_the_machine_is_in_bytes(monkeypatch: pytest.MonkeyPatch, system: str, expected: int) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(resource, "getrusage", lambda whose: SimpleNamespace(ru_maxrss=3 << 10))
    assert environment.peak_memory(CPU) == expected


@pytest.mark.parametrize(("visible", "task"), [(None, ""), ("", "slurm 1_0")])
def test_where_a_process_is(monkeypatch: pytest.MonkeyPatch, visible: str | None, task: str) -> None:
    """No devices at all are not all that there are."""
    for name, value in {"CUDA_VISIBLE_DEVICES": visible, "GANBENCH_TASK": task, "GANBENCH_SUBMISSION": task}.items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    found = environment.place()
    assert (found["devices"], found["task"], found["submission"]) == (visible, task, task)
    assert found["pid"] == os.getpid()
