"""Where a number comes from: versions, device, threads, memory, energy."""

import gc
import os
import platform
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from ganbench.provenance import energy
from ganbench.provenance.versions import versions
from ganbench.spec import Execution, TrialSpec

_KEPT: dict[torch.device, int] = {}
"""Peaks of GPUs' memory that count although :func:`give_back` has counted anew since."""


def describe(execution: Execution, device: torch.device) -> dict[str, Any]:
    """The environment of a result."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "versions": versions(),
        "device": device.type,
        "device_name": device_name(device),
        "instructions": instructions(device),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "requested_device": execution.device,
        "shared_device": execution.shared_device if device.type == "cuda" else None,
    }


def place() -> dict[str, Any]:
    """Where this process is: machine, process id, the devices it was given (``None``: all), and what started it."""
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "task": os.environ.get("GANBENCH_TASK", ""),
        "submission": os.environ.get("GANBENCH_SUBMISSION", ""),
    }


def float32_arithmetic(device: torch.device) -> str:
    """How torch computes products and convolutions of float32 in training; ``none`` is its default."""
    backends: Any = torch.backends
    if not hasattr(backends.cudnn, "conv"):  # before torch 2.9
        tf32 = backends.cudnn.allow_tf32 if device.type == "cuda" else False
        return f"products {torch.get_float32_matmul_precision()}, convolutions {'tf32' if tf32 else 'ieee'}"
    # The older settings must not be asked for once one of these was set, as an evaluation does.
    products, convolutions = (
        (backends.cuda.matmul, backends.cudnn.conv)
        if device.type == "cuda"
        else (backends.mkldnn.matmul, backends.mkldnn.conv)
    )
    return f"products {products.fp32_precision}, convolutions {convolutions.fp32_precision}"


def device_name(device: torch.device) -> str:
    """The name of the GPU, or of the processor."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else processor()


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def instructions(device: torch.device) -> str | None:
    """The instruction set that torch's kernels on the CPU use, such as ``AVX2``; ``None`` for a GPU.

    Virtual machines give one name to processors with other instructions, which sum in other orders.
    """
    return str(torch.backends.cpu.get_cpu_capability()) if device.type == "cpu" else None


def emulates_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is slower than float32 there, for want of instructions."""
    return instructions(device) in ("AVX2", "NO AVX")


def cautions(spec: TrialSpec, execution: Execution, device: torch.device) -> list[str]:
    """What a reader of the result must know of where it was computed."""
    found = []
    if device.type == "cuda" and execution.shared_device:
        found.append("may have shared its GPU with other trials, so its times and speeds are not those of a whole GPU")
    if spec.recipe.precision == "bfloat16" and emulates_bfloat16(device):
        found.append(
            f"this processor ({instructions(device)}) emulates bfloat16, which took several times as long as float32"
        )
    return found


def peak_memory(device: torch.device) -> int:
    """The most memory that this process has held so far, in bytes: on the device, or of the machine.

    On a device it is counted from :func:`forget_peak` or :func:`give_back` on, and is what torch has taken from it,
    free or not: others cannot have it, and what a CUDA graph computes in counts as free while the graph keeps it.
    """
    if device.type == "cuda":
        return max(int(torch.cuda.max_memory_reserved(device)), _KEPT.get(device, 0))
    import resource  # which Windows lacks

    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def keep_peak(device: torch.device) -> None:
    """Let the peak of a GPU's memory so far count on when :func:`give_back` counts anew."""
    if device.type == "cuda":
        _KEPT[device] = peak_memory(device)


def forget_peak(device: torch.device) -> None:
    """Count the peak of a GPU's memory anew, whatever was kept, and give back what an earlier trial of this process has
    left there."""
    _KEPT.pop(device, None)
    give_back(device)


def give_back(device: torch.device) -> None:
    """Give back what nothing on a GPU uses, such as what only recording a step needed, and count the peak of its memory
    anew."""
    if device.type == "cuda" and torch.cuda.is_initialized():
        gc.collect()
        with suppress(RuntimeError):  # where the device is out of order, the next step says so
            torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def energy_joules(device: torch.device) -> float | None:
    """The energy that the device has used so far, by all that runs on it; ``None`` where NVML does not count it."""
    if device.type != "cuda":
        return None
    uuid = getattr(torch.cuda.get_device_properties(device), "uuid", None)
    return None if uuid is None else energy.joules(str(uuid))


def steal_seconds() -> float | None:
    """Seconds that a virtual machine's processors were taken away since boot; ``None`` where unknown."""
    try:
        fields = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()
        return int(fields[8]) / os.sysconf("SC_CLK_TCK")
    except (OSError, IndexError, ValueError):
        return None
