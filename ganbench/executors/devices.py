"""Which devices there are, asked without torch."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

from ganbench.errors import UsageError
from ganbench.executors import cgroups

DEVICES = Path("/dev")
DRIVER = DEVICES / "nvidiactl"
"""There where the driver is loaded; in a container, where it was given GPUs."""
LISTED = Path("/proc/driver/nvidia/gpus")
"""Where the driver tells of each GPU, in a folder named by its place on the bus."""
ANSWER_SECONDS = 60.0
"""A driver that is not kept loaded starts every GPU of the machine before it answers."""


@cache
def gpus() -> tuple[str, ...]:
    """The names of the visible NVIDIA GPUs, as the driver's own tool lists them, or where it is missing the driver."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
        )
    except subprocess.TimeoutExpired:
        return ()
    except OSError:
        names = _listed_by_the_driver()
    else:
        lines = answer.stdout.splitlines() if not answer.returncode else []
        names = tuple(line.strip() for line in lines if line.strip())
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


def _listed_by_the_driver() -> tuple[str, ...]:
    """The names of the GPUs that this process may open, in the order of the bus, which is also that of the tool.

    In a container the driver may list all of the machine, but only those that it was given have a file there.
    """
    names = []
    for path in sorted(LISTED.glob("*/information")):
        try:
            lines = path.read_text("utf-8", errors="replace").splitlines()
        except OSError:
            continue
        told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        number = told.get("Device Minor", "")
        if re.fullmatch("[0-9]+", number) and os.access(DEVICES / f"nvidia{number}", os.R_OK | os.W_OK):
            names.append(told.get("Model") or "NVIDIA GPU")
    return tuple(names)


def unlisted() -> bool:
    """Whether a driver is there and no GPU is listed, though none is hidden: its tool fails, for example."""
    return not gpus() and "CUDA_VISIBLE_DEVICES" not in os.environ and DRIVER.exists()


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
        raise UsageError(
            "there is no CUDA device here (the NVIDIA driver lists none); use --device cpu, or see 'ganbench doctor'"
        )
    if index and int(index) >= len(gpus()):
        raise UsageError(f"device '{request}' does not exist; this machine has cuda:0 to cuda:{len(gpus()) - 1}")
    return request


def leasable(device: str, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """What ``CUDA_VISIBLE_DEVICES`` is to be for a process that may see one device only, for each device to use.

    Args:
        device: ``cuda`` or ``cuda:i``, as :func:`choose` returned it.
        chosen: indices among the visible devices, or UUIDs as ``nvidia-smi -L`` lists them; empty for all.

    Raises:
        UsageError: a device that is not there, a contradiction to ``cuda:i``, or one that is named twice, here or by
            ``CUDA_VISIBLE_DEVICES``.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    # Indices count the devices that this process may see, as torch does; its children count all of the machine's.
    names = [part.strip() for part in visible.split(",")] if visible is not None else []
    tokens = names[: len(gpus())] or [str(index) for index in range(len(gpus()))]
    if ":" in device:
        if chosen:
            raise UsageError(
                f"--device {device} and --devices {','.join(chosen)} both choose devices; use only one of them"
            )
        return (tokens[int(device.partition(":")[2])],)
    found = []
    for item in chosen or [str(index) for index in range(len(tokens))]:
        if item.startswith(("GPU-", "MIG-")):
            found.append(item)
        elif re.fullmatch("[0-9]{1,4}", item) and int(item) < len(tokens):
            found.append(tokens[int(item)])
        else:
            raise UsageError(f"--devices: '{item}' does not exist; this machine has 0 to {len(tokens) - 1}")
    if len(set(found)) < len(found):
        what = f"--devices {','.join(chosen)}" if chosen else f"CUDA_VISIBLE_DEVICES={visible}"
        raise UsageError(
            f"{what} contains a device twice; name it once, and use --per-device 2 to run two trials on each"
        )
    return tuple(found)


def main_memory() -> int | None:
    """Bytes of this machine's memory, or what control groups leave of it; ``None`` where neither says."""
    limit = cgroups.memory()
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return limit
    return there if limit is None else min(there, limit)


def cores() -> int:
    """How many processors this process may use: not all of the machine's where a container or a pod got fewer."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, cgroups.processors() or there)
