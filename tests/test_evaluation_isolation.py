"""Evaluation leaves no trace."""

import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.evaluation.isolation import (
    _legacy_full_precision,
    evaluation_mode,
    full_precision,
    isolated,
    same_buffers,
)

CPU = torch.device("cpu")


def precisions() -> list[str]:
    backends: Any = torch.backends  # whose slots appear as they are asked for
    return [slot.fp32_precision for slot in (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul)]


def test_each_submodule_gets_its_own_flag_back() -> None:
    network = nn.Sequential(nn.BatchNorm1d(3), nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3)))
    network.train()
    network.get_submodule("1.1").eval()  # frozen by its author
    before = [part.training for part in network.modules()]
    with evaluation_mode(network):
        assert not any(part.training for part in network.modules())
    assert [part.training for part in network.modules()] == before


def test_flags_come_back_after_an_error() -> None:
    network = nn.Dropout()
    with pytest.raises(RuntimeError, match="broken"), isolated(network, device=CPU):
        raise RuntimeError("broken")
    assert network.training
    assert torch.is_grad_enabled()


class Counting(nn.Module):
    """Counts its calls in place, keeps a mean in a tensor that is a new one each time, and makes one at first use."""

    calls: torch.Tensor
    mean: torch.Tensor
    late: torch.Tensor | None

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(()))
        self.register_buffer("late", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        self.mean = 0.5 * self.mean + 0.5 * x.mean()
        self.late = self.mean
        return x


def test_buffers_are_the_same_tensors_with_the_same_values_afterwards() -> None:
    network = Counting()
    before = dict(network._buffers)
    assert before["late"] is None

    def fail() -> None:
        network(torch.full((2, 1), 3.0))
        network.register_buffer("more", torch.ones(()))
        assert network.calls == 1
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"), same_buffers(network):
        fail()
    assert network._buffers.keys() == before.keys()
    assert all(network._buffers[name] is buffer for name, buffer in before.items())
    assert not network.calls
    assert not network.mean


def test_buffers_that_cannot_be_written_to_are_no_obstacle() -> None:
    network = nn.Linear(2, 2)
    network.register_buffer("seen_as_many", torch.ones(1).expand(3))
    with same_buffers(network):
        network(torch.zeros(1, 2))
    assert network.get_buffer("seen_as_many").tolist() == [1.0] * 3


@pytest.mark.skipif(not hasattr(torch.backends.cudnn, "conv"), reason="torch before 2.9")
@pytest.mark.parametrize("setting", ["highest", "high", "medium"])
def test_tf32_is_off_inside_and_restored(setting: str) -> None:
    original = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(setting)
        before, legacy = precisions(), (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision())
        with full_precision():
            assert precisions() == ["ieee"] * 3
        assert precisions() == before
        assert (torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()) == legacy
    finally:
        torch.set_float32_matmul_precision(original)


@pytest.mark.parametrize("setting", ["highest", "high", "medium"])
def test_before_torch_2_9_tf32_is_off_inside_and_restored_too(setting: str) -> None:
    def state() -> tuple[bool, str]:
        return torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()

    original = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(setting)
        before = state()
        with _legacy_full_precision():
            assert state() == (False, "highest")
        assert state() == before == (True, setting)
    finally:
        torch.set_float32_matmul_precision(original)


def test_global_generators_are_untouched_and_the_inner_one_is_seeded() -> None:
    torch.manual_seed(3)
    before, numpy_before, python_before = (
        torch.get_rng_state(),
        np.random.get_state(legacy=False)["state"]["key"].copy(),
        random.getstate(),
    )

    def drawn(seed: int) -> tuple[float, float, float]:
        with isolated(nn.Identity(), device=CPU, seed=seed):
            return float(torch.rand(1)), float(np.random.rand()), random.random()

    first = drawn(2**61 + 7)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], numpy_before)
    assert random.getstate() == python_before
    torch.rand(1), np.random.rand(), random.random()  # whatever the outer ones have drawn meanwhile
    assert drawn(2**61 + 7) == first
    assert all(other != own for other, own in zip(drawn(8), first, strict=True))


def test_no_gradients_and_no_autocast_inside() -> None:
    layer = nn.Linear(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16), isolated(layer, device=CPU):
        out = layer(torch.ones(1, 2))
    assert out.dtype == torch.float32
    assert not out.requires_grad
