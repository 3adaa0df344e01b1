"""Errors that are about memory or the device, by what torch and its libraries say."""

import pytest
import torch

from ganbench.training import device_errors
from ganbench.training.device_errors import SCARCE, is_of_the_device, is_out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        MemoryError(),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: not enough memory"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
            "allocate 12800000000000 bytes. Error code 12 (Cannot allocate memory)"
        ),
    ],
    ids=str,
)
def test_memory_that_is_not_there_is_called_so(error: BaseException) -> None:
    assert is_out_of_memory(error)
    assert is_of_the_device(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
        RuntimeError("CUDA error: an illegal memory access was encountered"),
        ValueError("out of memory"),
    ],
    ids=str,
)
def test_other_errors_are_no_lack_of_memory(error: BaseException) -> None:
    assert not is_out_of_memory(error)


def test_a_fault_of_the_device_is_no_fault_of_what_was_computed() -> None:
    assert is_of_the_device(RuntimeError("CUDA error: an illegal memory access was encountered"))
    assert not is_of_the_device(RuntimeError("Error(s) in loading state_dict for Generator: size mismatch"))


@pytest.mark.parametrize(
    "text",
    [
        "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a non-contiguous input.",
        "cuDNN error: CUDNN_STATUS_NOT_SUPPORTED_SHAPE",
        "cuDNN error: CUDNN_STATUS_BAD_PARAM",
        "CUDA error: CUBLAS_STATUS_INVALID_VALUE when calling `cublasSgemm( handle, opa, opb, m, n, k, &alpha)`",
    ],
)
def test_what_a_library_refuses_is_no_fault_of_the_device(text: str) -> None:
    """A network that it refuses in one memory layout is trained in the other."""
    assert not is_of_the_device(RuntimeError(text))


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_NOT_INITIALIZED",
        "GET was unable to find an engine to execute this computation",
        "FIND was unable to find an engine to execute this computation",
        "Unable to find a valid cuDNN algorithm to run convolution",
    ],
)
def test_what_may_be_a_lack_of_memory_is_one_where_little_is_free(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, lacks in ((0, True), (SCARCE - 1, True), (SCARCE, False), (None, False)):
        monkeypatch.setattr(device_errors, "free_memory", lambda free=free: free)
        assert is_out_of_memory(RuntimeError(text)) is lacks
        assert not is_out_of_memory(ValueError(text))
    monkeypatch.setattr(device_errors, "free_memory", lambda: 0)
    assert is_of_the_device(RuntimeError(text))
    assert not is_out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))
