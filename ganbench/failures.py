"""How a trial ends that does not get to its end: its status, and the reason in one line."""

import sys
import traceback

import torch

from ganbench import plugins
from ganbench.environment import others
from ganbench.errors import Diverged, GanbenchError, StoreError
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.recording import Recorder

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "STATUS_ALLOC_FAILED", "_ALLOCATION_FAILED")
"""What torch's other errors say where an allocation failed below it: in the CPU's allocator, in cuBLAS, or in cuDNN,
whose version 9 has ``CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED`` for what was ``..._ALLOC_FAILED``."""


def ended_by(error: BaseException, recorder: Recorder) -> str:
    """Write down what ended a trial early; return its status. On a full disk the log, or the caller, must do."""
    folder, trial = recorder.folder, recorder.trial
    try:
        if isinstance(error, Diverged):
            recorder.finish("diverged", str(error), step=error.step)
            return "diverged"
        if isinstance(error, NonFiniteSamples):
            recorder.finish("diverged", f"{error} at step {recorder.step}", step=recorder.step)
            return "diverged"
    except StoreError as problem:
        error = problem
    status = "failed"
    if is_out_of_memory(error):
        status = "out-of-memory"
        reason = f"batch_size={trial.spec.recipe.batch_size}, {recorder.memory_note()}: {plugins.one_line(error)}"
        if recorder.beside:
            reason = f"batched with {others(recorder.beside)} (less is needed without --batch-seeds), {reason}"
    elif isinstance(error, GanbenchError):
        reason = str(error)
    else:
        reason = plugins.one_line(error)
        traceback.print_exception(error)
    try:
        folder.write_status(status, reason)
    except StoreError as problem:
        print(f"{reason} ({problem})", file=sys.stderr)
    return status


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device, or the machine, has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in _OUT_OF_MEMORY)
