"""Which devices there are, asked without torch."""

import os
import re
import subprocess
from functools import cache

from ganbench.errors import UsageError


@cache
def gpus() -> tuple[str, ...]:
    """The names of the visible NVIDIA GPUs, as the driver's own tool lists them; none where it is missing."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    names = tuple(line.strip() for line in answer.stdout.splitlines() if line.strip()) if not answer.returncode else ()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return names
    chosen = []
    for item in (part.strip() for part in visible.split(",")):
        # CUDA itself stops at the first entry that is no device.
        if item.startswith(("GPU-", "MIG-")) and names:
            chosen.append(item)
        elif re.fullmatch("[0-9]+", item) and int(item) < len(names):
            chosen.append(names[int(item)])
        else:
            break
    return tuple(chosen)


def choose(request: str) -> str:
    """Return ``cpu``, ``cuda`` or ``cuda:i`` for what was asked for.

    Raises:
        UsageError: not a device, or one that is not there.
    """
    if request == "cpu":
        return "cpu"
    if request == "auto":
        return "cuda" if gpus() else "cpu"
    kind, colon, index = request.partition(":")
    if kind != "cuda" or (colon and not re.fullmatch("[0-9]{1,4}", index)):
        raise UsageError(f"device '{request}' must be auto, cpu, cuda or cuda:i")
    if not gpus():
        raise UsageError("there is no CUDA device here (nvidia-smi lists none); use --device cpu")
    if index and int(index) >= len(gpus()):
        raise UsageError(f"device '{request}' is not there; this machine has cuda:0 to cuda:{len(gpus()) - 1}")
    return request


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
