"""What torch can do with the GPUs of this machine, as torch and the driver say it."""

import sys

import torch

from ganbench.errors import in_one_line


def obstacle() -> str:
    """Why torch cannot use a GPU here, in one line; empty where it can.

    This initialises CUDA, as :func:`torch.cuda.is_available` may, and more surely: a count that comes from the driver's
    management library says nothing of a driver that is too old. So it is for a process that never forks.
    """
    if torch.version.cuda is None:
        return (
            f"torch {torch.__version__} is built without CUDA; see https://pytorch.org/get-started for builds with CUDA"
        )
    try:
        torch.cuda.init()
    except (AssertionError, RuntimeError) as error:
        return f"torch {torch.__version__} with CUDA {torch.version.cuda}: {in_one_line(error)}"
    return ""


def free_memory() -> int | None:
    """Bytes of its GPU that this process, or another, could still take; of a part of a GPU where it has but that.

    ``None`` where this process uses none, or where it does not answer, as after a fault.
    """
    if not torch.cuda.is_initialized():
        return None
    try:
        return int(torch.cuda.mem_get_info()[0])
    except RuntimeError:
        return None


def main() -> int:
    """What the fork server runs: exit code 0 where torch can use a GPU, else 1, and the reason is printed."""
    reason = obstacle()
    if reason:
        print(reason, file=sys.stderr)
    return 1 if reason else 0
