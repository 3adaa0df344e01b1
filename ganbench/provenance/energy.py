"""The energy that a GPU has used, read from its driver's library (NVML)."""

import ctypes
from functools import cache
from typing import Any

LIBRARY = "libnvidia-ml.so.1"


def joules(uuid: str) -> float | None:
    """Energy that a GPU has used since its driver was loaded, in joules, by whatever ran on it.

    Args:
        uuid: the device's, as NVML and torch have it, with or without ``GPU-`` before it.

    Returns:
        ``None`` where there is no NVML, no such device, or a device that does not count (before Volta, parts of one).
    """
    library = _library()
    if library is None:
        return None
    handle = ctypes.c_void_p()
    name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    if library.nvmlDeviceGetHandleByUUID(ctypes.c_char_p(name.encode("ascii")), ctypes.byref(handle)):
        return None
    millijoules = ctypes.c_ulonglong()
    if library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules)):
        return None
    return millijoules.value / 1000


@cache
def _library() -> Any:
    """NVML, initialised once; ``None`` where it cannot be had or is too old to count energy."""
    try:
        library = ctypes.CDLL(LIBRARY)
        failed = bool(library.nvmlInit_v2())
        _ = library.nvmlDeviceGetHandleByUUID, library.nvmlDeviceGetTotalEnergyConsumption
    except (OSError, AttributeError):
        return None
    return None if failed else library
