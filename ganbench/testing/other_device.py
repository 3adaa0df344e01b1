"""Whether a component computes where its samples are, on other devices too."""

from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganbench.errors import in_one_line
from ganbench.testing.trial_streams import MetaStream
from ganbench.training.device_errors import is_out_of_memory

DRAWING = (torch.rand, torch.randn, torch.randint, torch.randperm)
"""What draws on the CPU where no device is given, and then takes no stream of another."""


def fails_elsewhere(call: Callable[[str], object]) -> str:
    """The error of ``call``, which takes a device, where it mixes tensors of two devices; empty where it does not."""
    # The meta device computes shapes only, and refuses to mix with a tensor that stayed behind.
    for device in ("meta", *(["cuda"] if torch.cuda.is_available() else [])):
        try:
            with _OfStreams() if device == "meta" else nullcontext():
                call(device)
        except Exception as error:
            if is_out_of_memory(error):  # of a GPU that others use
                continue
            said = in_one_line(error, 160)
            # An operation that cannot be imagined without data says nothing about devices.
            if device != "meta" or ("device" in said and not isinstance(error, NotImplementedError)):
                return said
    return ""


def left_behind(network: nn.Module, x: Tensor) -> str:
    """The error that shows that a part of the network stays on the CPU when the rest moves; empty if all moves."""

    def call(device: str) -> None:
        with torch.no_grad():
            deepcopy(network).to(device)(x.to(device))

    return fails_elsewhere(call)


class _OfStreams(TorchFunctionMode):
    """Refuses what a GPU would: to draw from the stream that stands for one of its own, where no device is given."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in DRAWING and isinstance(given.get("generator"), MetaStream) and given.get("device") is None:
            raise RuntimeError(f"torch.{func.__name__} gets the stream of a device, but draws on the CPU")
        return func(*args, **given)
