"""Telling errors of a device, and a lack of memory above all, from errors of what was computed."""

import torch

from ganbench.provenance.cuda import free_memory

_OUT_OF_MEMORY = (
    "out of memory", "not enough memory", "can't allocate memory", "STATUS_ALLOC_FAILED", "_ALLOCATION_FAILED"
)  # fmt: skip
"""What torch's other errors say where an allocation failed below it: in the CPU's allocator, in cuBLAS, or in cuDNN,
whose version 9 has ``CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED`` for what was ``..._ALLOC_FAILED``."""
_PERHAPS_OUT_OF_MEMORY = (
    "CUBLAS_STATUS_NOT_INITIALIZED", "CUDNN_STATUS_NOT_INITIALIZED", "unable to find an engine",
    "Unable to find a valid cuDNN algorithm",
)  # fmt: skip
"""What cuBLAS and cuDNN say where there is no room for their handles or for what a convolution works in, and where
something else is wrong with them."""
SCARCE = 2**30
"""Bytes: with fewer free on a GPU, it is room that those lacked. They take some hundreds of MiB at a time."""
_OF_A_DEVICE = ("CUDA error", "cuDNN error", "CUDA driver error")
_OF_WHAT_WAS_ASKED = ("_STATUS_NOT_SUPPORTED", "_STATUS_BAD_PARAM", "_STATUS_INVALID_VALUE")
"""What cuBLAS and cuDNN say where they refuse what is asked of them, such as a memory layout; the device is well."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device, or the machine, has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    text = str(error)
    if any(sign in text for sign in _PERHAPS_OUT_OF_MEMORY):
        free = free_memory()
        return free is not None and free < SCARCE
    return any(sign in text for sign in _OUT_OF_MEMORY)


def is_of_the_device(error: BaseException) -> bool:
    """Whether an error is about the device's state, whatever was computed on it."""
    if is_out_of_memory(error):
        return True
    if not isinstance(error, RuntimeError):
        return False
    text = str(error)
    return any(sign in text for sign in _OF_A_DEVICE) and not any(sign in text for sign in _OF_WHAT_WAS_ASKED)
