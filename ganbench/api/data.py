"""What is learned from: samples, datasets, and the mixtures whose modes are known."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

Kind = Literal["image", "vector"]


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Real or generated samples held as one tensor.

    Attributes:
        data: uint8 images (N, C, H, W) in 0..255, or float32 vectors (N, D).
        labels: int64 class indices (N,), or ``None``.
        classes: the names of the classes; empty without labels.
        files: the absolute paths of all files that they were read from; a change to any other file goes unnoticed.
    """

    data: Tensor
    labels: Tensor | None = None
    classes: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        return "image" if self.data.dtype == torch.uint8 else "vector"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one sample, (C, H, W) or (D,)."""
        return tuple(self.data.shape[1:])

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def class_count(self) -> int:
        """The number of classes: of their names or, where they have none, one more than the largest label."""
        if self.labels is None or len(self.labels) == 0:
            return 0
        return len(self.classes) or int(self.labels.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over type, shape, values and labels: equal where the samples are equal and in the same order."""
        state = hashlib.sha256(f"{self.data.dtype} {tuple(self.data.shape)}".encode())
        state.update(self.data.contiguous().cpu().numpy().data)
        if self.labels is not None:
            state.update(self.labels.contiguous().cpu().numpy().data)
        return state.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """An isotropic mixture of Gaussians with equal weights, for metrics that need the true modes.

    Attributes:
        means: (modes, D) float32.
        sigma: the standard deviation of every component.
    """

    means: Tensor
    sigma: float


class Dataset:
    """Real samples, in named splits.

    Attributes:
        extractor: the extractor scored with by default; empty for vectors.
        metrics: the metrics computed by default.
        reference_split: the split that fakes are compared with by default. Training always uses ``train``.
        recommends: recipe settings that these data need, whatever the loss; applied under either protocol.
        locations: the names of the parameters, of type ``str``, that are paths of the samples. These are made absolute,
            and trials, protocols and rows are not named by them but by the samples' fingerprint.
        licence, source: who made the data and under which terms.
    """

    extractor: ClassVar[str] = ""
    metrics: ClassVar[tuple[str, ...]] = ("fid", "is")
    reference_split: ClassVar[str] = "test"
    recommends: ClassVar[Mapping[str, Any]] = {}
    locations: ClassVar[tuple[str, ...]] = ()
    licence: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def load(self, split: str, *, root: Path) -> Samples:
        """Return the samples of ``split`` (``"train"`` or ``"test"``).

        Args:
            split: which part.
            root: the folder for data files (``--data-root``); embedded datasets ignore it.

        Raises:
            ganbench.errors.DataError: a file is missing (where it looked, whether a download was tried, what to do)
                or damaged (which one).
        """
        raise NotImplementedError

    def mixture(self) -> Mixture | None:
        """Return the true distribution where it is a mixture with known modes."""
        return None
