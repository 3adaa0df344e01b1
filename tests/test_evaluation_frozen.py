"""Programs of training: told by what is written into them, not by what they are called."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from ganbench.evaluation.frozen import trained_export, trained_script

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning", "ignore::torch.jit.TracerWarning"
)


class Dropping(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, z: Tensor) -> Tensor:
        return functional.dropout(z, self.rate, training=self.training)


class Branching(nn.Module):
    """Another function in either mode, by a branch that a trace does not keep."""

    def forward(self, z: Tensor) -> Tensor:
        return z + 1 if self.training else z


class Attending(nn.Module):
    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, z: Tensor) -> Tensor:
        q = z[:, None, :, None]
        attended = functional.scaled_dot_product_attention(q, q, q, dropout_p=self.rate if self.training else 0.0)
        return attended.reshape(z.shape)


class Instances(nn.Module):
    def __init__(self, tracked: bool) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm1d(2, track_running_stats=tracked)

    def forward(self, z: Tensor) -> Tensor:
        normed: Tensor = self.norm(z.view(-1, 2, 3))
        return normed.flatten(1)


MODULES: dict[str, tuple[nn.Module, str]] = {
    "batch norm": (nn.BatchNorm1d(6), "batch_norm"),
    "batch norm without statistics of its own": (nn.BatchNorm1d(6, track_running_stats=False), ""),
    "dropout": (Dropping(0.5), "dropout"),
    "dropout of nothing": (Dropping(0.0), ""),
    "attention that drops": (Attending(0.5), "scaled_dot_product_attention"),
    "attention that drops nothing": (Attending(0.0), ""),
    "instance norm with statistics of its own": (Instances(True), "instance_norm"),
    "instance norm": (Instances(False), ""),
    "another module inside": (nn.Sequential(nn.Linear(6, 6), nn.Sequential(nn.BatchNorm1d(6))), "batch_norm"),
    "no mode": (nn.Linear(6, 6), ""),
}


DECOMPOSED = {"scaled_dot_product_attention": "dropout", "instance_norm": "batch_norm"}
"""What an operation is made of, where it is not taken as a whole."""


def reloaded(program: Any, path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program.save(str(path))
        return torch.jit.load(str(path))


def traced(module: nn.Module) -> Any:
    return torch.jit.trace(module, torch.randn(4, 6), check_trace=False)


@pytest.mark.parametrize("case", MODULES)
def test_a_traced_program_has_the_mode_in_which_it_was_traced(case: str, tmp_path: Path) -> None:
    module, operation = MODULES[case]
    assert trained_script(reloaded(traced(module.eval()), tmp_path / "g.pt")) == ""
    in_training = traced(module.train())
    found = trained_script(reloaded(in_training, tmp_path / "g.pt"))
    # Where no operation shows it, the module says that it was traced in training mode, and nobody knows what that did.
    assert found == (f"aten::{operation}" if operation else "its module")
    # Switched over before it was saved, which is too late.
    in_training.eval()
    assert (operation or "") in trained_script(reloaded(in_training, tmp_path / "g.pt"))


def test_a_branch_that_was_traced_in_training_is_found_by_the_mode_of_the_module(tmp_path: Path) -> None:
    assert trained_script(reloaded(traced(Branching().train()), tmp_path / "g.pt")) == "its module"
    assert trained_script(reloaded(traced(Branching().eval()), tmp_path / "g.pt")) == ""


@pytest.mark.parametrize("module", [nn.Sequential(nn.BatchNorm1d(6), Dropping(0.5)), Branching()])
def test_a_scripted_program_is_not_since_it_reads_its_mode(module: nn.Module, tmp_path: Path) -> None:
    assert trained_script(reloaded(torch.jit.script(module.train()), tmp_path / "g.pt")) == ""
    frozen = torch.jit.freeze(torch.jit.script(module.eval()))
    assert trained_script(reloaded(frozen, tmp_path / "g.pt")) == ""


@pytest.mark.parametrize("case", MODULES)
def test_an_exported_program_has_the_mode_in_which_it_was_exported(case: str) -> None:
    module, operation = MODULES[case]
    for training in (True, False):
        program = torch.export.export(module.train(training), (torch.randn(4, 6),))
        parts = DECOMPOSED.get(operation, operation)
        for each, wanted in ((program, operation), (program.run_decompositions(), parts)):
            found = trained_export(each)
            assert (wanted if training else "") in found
            assert bool(found) == (training and bool(operation))
