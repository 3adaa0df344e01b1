"""Whether a component computes where its samples are, on other devices too."""

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from ganbench.errors import in_one_line
from ganbench.training.device_errors import is_out_of_memory


def fails_elsewhere(call: Callable[[str], object]) -> str:
    """The error of ``call``, which takes a device, where it mixes tensors of two devices; empty where it does not."""
    # The meta device computes shapes only, and refuses to mix with a tensor that stayed behind.
    for device in ("meta", *(["cuda"] if torch.cuda.is_available() else [])):
        try:
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
