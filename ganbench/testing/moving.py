"""Whether a network moves to another device whole."""

from copy import deepcopy

import torch
from torch import Tensor, nn


def left_behind(network: nn.Module, x: Tensor) -> str:
    """What is said where a part of the network stays on the CPU when the rest moves; empty where none does."""
    # The meta device computes shapes only, and refuses to mix with a tensor that stayed behind.
    for device in ("meta", *(["cuda"] if torch.cuda.is_available() else [])):
        try:
            with torch.no_grad():
                deepcopy(network).to(device)(x.to(device))
        except Exception as error:
            said = " ".join(str(error).split())[:160]
            # An operation that cannot be imagined without data says nothing about devices.
            if device != "meta" or ("device" in said and not isinstance(error, NotImplementedError)):
                return said
    return ""
