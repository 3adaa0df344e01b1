"""Evaluation never changes training: whatever it switches or draws from is put back as it was."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn


@contextmanager
def evaluation_mode(module: nn.Module) -> Iterator[None]:
    """Put a module in eval mode and restore every submodule's own flag afterwards.

    ``module.train()`` would not do: it would also switch a submodule that its author keeps in eval mode.
    """
    flags = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for part, training in flags:
            part.training = training


@contextmanager
def same_buffers(module: nn.Module) -> Iterator[None]:
    """Put a module's buffers back as they were: some count their calls, or keep a mean, in eval mode, too.

    They are the same tensors afterwards, in the same memory, which batched seeds share and recorded steps read.
    """
    before = [(part, dict(part._buffers)) for part in module.modules()]
    tensors = list({id(tensor): tensor for _, own in before for tensor in own.values() if tensor is not None}.values())
    values = [tensor.detach().clone() for tensor in tensors]
    try:
        yield
    finally:
        for part, own in before:
            for name in dict(part._buffers).keys() - own.keys():
                del part._buffers[name]
            for name, tensor in own.items():
                part._buffers[name] = tensor
        with torch.no_grad():
            for tensor, value in zip(tensors, values, strict=True):
                # Only what has changed: a buffer that is one value seen as many (expand) cannot be written to.
                if not torch.equal(tensor, value):
                    tensor.copy_(value)


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute in real float32: no TF32 (on by default for cuDNN convolutions) and no bfloat16 products."""
    backends: Any = torch.backends
    if not hasattr(backends.cudnn, "conv"):  # before torch 2.9
        with _legacy_full_precision():
            yield
        return
    slots = (
        backends.cuda.matmul,
        backends.cudnn.conv,
        backends.cudnn.rnn,
        backends.mkldnn.matmul,
        backends.mkldnn.conv,
    )
    saved = [slot.fp32_precision for slot in slots]
    try:
        for slot in slots:
            slot.fp32_precision = "ieee"
        yield
    finally:
        for slot, precision in zip(slots, saved, strict=True):
            slot.fp32_precision = precision


@contextmanager
def _legacy_full_precision() -> Iterator[None]:
    convolutions, products = torch.backends.cudnn.allow_tf32, torch.get_float32_matmul_precision()
    try:
        torch.backends.cudnn.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = convolutions
        torch.set_float32_matmul_precision(products)


@contextmanager
def own_global_stream(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the global generators of torch, numpy and Python inside, and put them back where they were afterwards.

    For code that draws from them by itself: a generator that injects noise, a network that is initialised before its
    weights are loaded, a metric that takes random subsets.
    """
    devices = [device] if device.type == "cuda" else []
    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=devices):
            torch.default_generator.manual_seed(seed)
            if devices:
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed % 2**32)
            yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def isolated(module: nn.Module, *, device: torch.device, seed: int = 0) -> Iterator[None]:
    """All of the above, without gradients and outside any autocast region."""
    with (
        evaluation_mode(module),
        full_precision(),
        own_global_stream(seed, device),
        torch.no_grad(),
        torch.autocast(device.type, enabled=False),
    ):
        yield
