"""The C library's heap, told to keep what a trial frees: its next step asks for the same blocks again."""

import ctypes

_M_TRIM_THRESHOLD = -1
_M_MMAP_MAX = -4


def keep_freed_memory() -> bool:
    """Have this process keep memory that it frees, and return whether its C library can (glibc can).

    By default glibc gives large blocks back to the system as soon as they are freed, so that the system
    maps and clears the same pages anew at every step of training: a tenth of a step whose feature maps have megabytes.
    The process then stays as large as it ever was until it ends. Call it in a trial's own process only.
    """
    try:
        tune = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):  # no such function: musl, macOS, Windows
        return False
    # The heap is never given back, and no block lives outside it.
    return bool(tune(_M_TRIM_THRESHOLD, -1)) and bool(tune(_M_MMAP_MAX, 0))
