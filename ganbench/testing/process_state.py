"""The state of the process that a component may change: torch's settings, and the global random streams.

The kit imports this module for every kind, so it imports torch only in its functions.
"""

import random
import sys
from typing import Any


def settings() -> dict[str, Any]:
    """Torch's settings as they are now, by the call that sets each; empty if torch is not imported."""
    if "torch" not in sys.modules:
        return {}
    import torch

    return {
        "torch.set_grad_enabled": torch.is_grad_enabled(),
        "torch.set_default_dtype": torch.get_default_dtype(),
        "torch.set_default_device": _default_device(),
        "torch.set_num_threads": torch.get_num_threads(),
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "torch.set_float32_matmul_precision": torch.get_float32_matmul_precision(),
        "torch.autograd.set_detect_anomaly": torch.is_anomaly_enabled(),
        "torch.backends.cudnn.benchmark": torch.backends.cudnn.benchmark,
        "torch.backends.cudnn.deterministic": torch.backends.cudnn.deterministic,
    }


def _default_device() -> Any:
    import torch

    try:
        return torch.get_default_device()
    except AttributeError:  # torch 2.6 and 2.7, once a default has been taken back
        return torch.device("cpu")


def put_back(before: dict[str, Any]) -> list[str]:
    """Restore the settings that have changed, and return the calls that set them."""
    if not before:
        return []
    import torch

    now = settings()
    changed = [name for name, value in before.items() if now[name] != value]
    for name in changed:
        if name.startswith("torch.backends.cudnn."):
            setattr(torch.backends.cudnn, name.rpartition(".")[2], before[name])
        elif name == "torch.autograd.set_detect_anomaly":
            torch.autograd.set_detect_anomaly(before[name])
        elif name == "torch.set_default_device":
            # None is no default at all, which means the CPU.
            torch.set_default_device(None if before[name].type == "cpu" else before[name])
        else:
            getattr(torch, name.removeprefix("torch."))(before[name])
    return changed


def streams() -> dict[str, bytes]:
    """The states of the global random streams, by whose each is: torch's, numpy's or Python's."""
    import numpy as np
    import torch

    _, keys, position, *_ = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": np.asarray(keys).tobytes() + bytes(str(position), "ascii"),
        "Python": repr(random.getstate()).encode(),
    }
