"""Whether what a dataset returns and declares has the form of its contract; planning asks, and so does the kit."""

from typing import Any

import torch
from torch import Tensor

from ganbench.api import Dataset, Samples
from ganbench.errors import UsageError


def wrong_samples(found: Any, split: str) -> str:
    """What is wrong with the form of a split's samples, as part of a sentence; empty if nothing is.

    Args:
        found: what ``load`` returned.
        split: which was asked for.
    """
    if not isinstance(found, Samples):
        return f"load('{split}') returns {type(found).__name__}, not ganbench.api.Samples"
    data: Any = found.data
    if not isinstance(data, Tensor):
        return f"the data of the split '{split}' is {_no_tensor(data)}"
    if data.dtype not in (torch.uint8, torch.float32):
        return f"the split '{split}' is {_dtype(data)}, but images must be uint8 in 0..255 and vectors float32"
    if data.dtype == torch.float32 and data.dim() == 4:
        return (
            f"the split '{split}' is float32 of shape {tuple(data.shape)}, but images must be uint8 levels in 0..255; "
            "float32 is for vectors (N, D)"
        )
    if data.dim() != (4 if found.kind == "image" else 2):
        return f"the split '{split}' has shape {tuple(data.shape)}, but images must be (N, C, H, W) and vectors (N, D)"
    return "" if len(data) else f"the split '{split}' is empty"


def wrong_labels(found: Samples, split: str) -> str:
    """The same of its labels, where it has some."""
    labels: Any = found.labels
    if labels is None:
        return ""
    if not isinstance(labels, Tensor):
        return f"the labels of the split '{split}' are {_no_tensor(labels)}"
    if labels.dtype != torch.int64 or tuple(labels.shape) != (len(found),):
        return f"the labels of '{split}' are {_dtype(labels)} {tuple(labels.shape)}, not int64 ({len(found)},)"
    return ""


def default_metrics(dataset: Dataset) -> tuple[str, ...]:
    """The metrics that a dataset declares.

    Raises:
        UsageError: they are one text, whose letters would be taken for names.
    """
    declared: Any = dataset.metrics
    if isinstance(declared, str):
        raise UsageError(
            f"dataset class {type(dataset).__name__} declares metrics = {declared!r}; it must be a tuple of names, "
            f"such as ({declared!r},)"
        )
    return tuple(declared)


def _no_tensor(value: Any) -> str:
    hint = "; use torch.from_numpy()" if type(value).__name__ == "ndarray" else ""
    return f"{type(value).__name__}, not a torch tensor{hint}"


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
