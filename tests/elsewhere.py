"""A device that is not there: tensors know where they are and of what shape, and hold nothing.

Under a fake mode of PyTorch an operation on tensors of two devices is refused as it is on a GPU, and so is whatever
asks for a value, which on a GPU would make the host wait. ``lazy`` stands for the GPU: on it, unlike on ``cuda``,
gradients can be asked for without a driver.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.optim import SGD
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ganbench.training import optimisers, state

ELSEWHERE = torch.device("lazy:0")


class Stream(torch.Generator):
    """A trial's random stream on that device."""

    device = ELSEWHERE


@contextmanager
def elsewhere() -> Iterator[None]:
    """Let everything that is made within be of shapes only, and let trials train on ``ELSEWHERE``."""
    with pytest.MonkeyPatch.context() as patch, FakeTensorMode(allow_non_fake_inputs=True):
        patch.setattr(nn.Module, "to", _moved)
        patch.setattr(torch, "Generator", _generator)
        # Optimisers are PyTorch's, and the fused ones know what devices there are.
        patch.setitem(optimisers.OPTIMISERS, "adam", lambda weights, rate, recipe: SGD(weights, lr=rate))
        # Chosen by values, before training.
        patch.setattr(state, "choose_layout", _channels_last)
        yield


class AtHome(TorchDispatchMode):
    """Refuses tensors of the CPU: on a GPU the host waits for what is copied there or back, and nothing that waits can
    be recorded."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's own has no types

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for value in tree_leaves((args, kwargs, found)):
            if isinstance(value, Tensor) and value.device.type == "cpu":
                raise RuntimeError(f"{func} of a tensor on the CPU")
        return found


def _generator(device: Any = "cpu") -> torch.Generator:
    return _PLAIN() if torch.device(device).type == "cpu" else Stream()


_PLAIN = torch.Generator


def _moved(network: nn.Module, *target: Any, memory_format: torch.memory_format | None = None) -> nn.Module:
    """As ``nn.Module.to``, which cannot move what holds nothing."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.detach().to(*target, memory_format=memory_format if tensor.dim() == 4 else None)

    for module in network.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                module._parameters[name] = nn.Parameter(move(weight), weight.requires_grad)
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = move(buffer)
    return network


def _channels_last(networks: Any, *given: Any, **named: Any) -> torch.memory_format:
    for network in networks:
        network.to(memory_format=torch.channels_last)
    return torch.channels_last
