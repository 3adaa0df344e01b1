"""The labels of a conditional generator's samples."""

import torch
from torch import Tensor

from ganbench.api import Samples
from ganbench.spec import Labels


def balanced(n: int, classes: int, rng: torch.Generator) -> Tensor:
    """Return ``n`` labels (n,) in random order, equally many of each class; the rest are of distinct random classes.

    Args:
        n: how many.
        classes: labels are 0 to ``classes`` - 1.
        rng: the evaluation's own stream for labels, on the CPU.
    """
    whole = torch.arange(classes).repeat(n // classes)
    odd = torch.randperm(classes, generator=rng)[: n % classes]
    labels = torch.cat([whole, odd])
    return labels[torch.randperm(n, generator=rng)]


def like(n: int, labels: Tensor, rng: torch.Generator) -> Tensor:
    """Return ``n`` of the given labels (M,) in random order, drawn without replacement.

    Each of the M is drawn once before any is drawn again: for ``n`` = M the classes have exactly the given shares.
    """
    rounds = [torch.randperm(len(labels), generator=rng) for _ in range(-(-n // len(labels)))]
    return labels.cpu()[torch.cat(rounds)[:n]]


def cycled(n: int, classes: int) -> Tensor:
    """Return the labels 0, 1, ..., ``classes`` - 1, 0, 1, ... (n,): in a picture each class has its own column."""
    return torch.arange(n) % classes


def evaluation_labels(
    kind: Labels, n: int, *, reference: Samples | None, classes: int, rng: torch.Generator
) -> Tensor | None:
    """Return the labels (n,) that a protocol asks for, or ``None`` where the generator takes none."""
    if kind == "none":
        return None
    if kind == "balanced":
        return balanced(n, classes, rng)
    if reference is None or reference.labels is None:
        raise ValueError("the reference has no labels")
    return like(n, reference.labels, rng)
