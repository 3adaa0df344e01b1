"""Which classes samples from elsewhere were asked for, as their files say, for metrics of the labels of fakes."""

import math
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from ganbench.api import Samples
from ganbench.datasets.array_files import read_labelled
from ganbench.datasets.checks import shown
from ganbench.datasets.dataset_json import read_labels
from ganbench.datasets.folder import class_of, without_wrapping
from ganbench.datasets.listing import Source, open_source
from ganbench.errors import DataError
from ganbench.files import digest
from ganbench.spec import Labels

MOST_NAMES = 5
"""Names of classes in a message."""
CHANCE = 0.001
"""Of sets of labels drawn at random in some shares, so many are taken for others."""
AS_DRAWN = {
    "reference": "as if drawn at random from the reference's shares",
    "balanced": "as if drawn at random from equal shares",
}


def class_names(reference: Samples) -> tuple[str, ...]:
    """Return what the classes of the reference are called: their numbers where they have no names."""
    return reference.classes or tuple(map(str, range(reference.class_count)))


def find_class(text: str, names: tuple[str, ...], count: int) -> int | None:
    """Return which of ``count`` classes a text means, by its name or its number; ``None`` where it is none of them.

    A name that is a number, as a year may be, is a name.
    """
    if text in names:
        return names.index(text)
    # Of many digits it is no class, and int() refuses thousands of them.
    if text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < count:
        return int(text)
    return None


def read_classes(path: Path, kind: Literal["images", "array"], names: tuple[str, ...]) -> Tensor | None:
    """Return the class (N,) of each sample of image files or of an array, in the order in which they are read.

    Of an array these are the class numbers beside it (:func:`~ganbench.datasets.array_files.read_labelled`). Of images
    they are those of a ``dataset.json``; else the outermost folder that is not around all of them names the class, by
    its name or, where no class is called so, by its number.

    Args:
        path: of the samples.
        kind: ``"images"`` or ``"array"``.
        names: of the reference's classes, in their order.

    Returns:
        int64, or ``None`` where the files say nothing: no labels in the array, or an image that is in no folder.

    Raises:
        DataError: a class is none of the reference's, or the labels are damaged.
    """
    if kind == "array":
        labels = read_labelled(path)[1]
        return None if labels is None else _known(labels, names, shown(path))
    with open_source(path) as source:
        if source.described:
            found = read_labels(source)
            if found is None:
                return None
            numbers = torch.tensor([found[name] for name in source.names])
            return _known(numbers, names, source.where(source.described[0]))
        return _by_folder(source, names, shown(path))


def shares_of(labels: Tensor, reference: Samples, wanted: Labels | None, *, drawn: bool = False) -> tuple[Labels, str]:
    """Return which choice of a conditional generator's labels has the shares of classes that ``labels`` have.

    Where it is several, it is ``wanted`` if that is among them. ``"own"`` is for shares that no choice gives, and comes
    with words that say them. Whoever draws labels at random, in equal shares or in the reference's, gets a few more or
    less of a class each time: these sets have one protocol, as far as a chi-square test lets them pass. All other
    shares are named exactly, by a hash.

    Args:
        labels: the class of each sample, int64 (N,).
        reference: has labels.
        wanted: the choice that was made for generators, if one was.
        drawn: only some of the N are scored, drawn at random.
    """
    assert reference.labels is not None
    classes = reference.class_count
    counts, due = (torch.bincount(each, minlength=classes) for each in (labels, reference.labels.cpu()))
    fits: list[Labels] = []
    if torch.equal(counts * len(reference), due * len(labels)):
        fits.append("reference")
    if int(counts.max() - counts.min()) <= 1:
        fits.append("balanced")
    if fits and not drawn:
        return (wanted if wanted in fits else fits[0]), ""
    if not fits:
        shares: dict[Labels, Tensor] = {"reference": due, "balanced": torch.ones_like(due)}
        fits = [choice for choice, share in shares.items() if _may_be_drawn_from(share, counts)]
    if fits:
        return "own", AS_DRAWN[wanted if wanted in fits else fits[0]]
    low, high = (100 * int(count) / len(labels) for count in (counts.min(), counts.max()))
    ratio = (counts // math.gcd(*counts.tolist())).tolist()
    spread = f"shares of {low:.1f} % to {high:.1f} % of a class, {digest(ratio)[:8]}"
    return "own", f"drawn at random from {spread}" if drawn else f"in {spread}"


def _may_be_drawn_from(shares: Tensor, counts: Tensor) -> bool:
    """Whether a random draw from ``shares`` (K,) may have so many of each class (K,): Pearson's chi-square test."""
    there = shares > 0
    if int(counts[~there].sum()):
        return False
    due = shares[there].double() * int(counts.sum()) / int(shares.sum())
    statistic = ((counts[there] - due) ** 2 / due).sum()
    freedom = torch.tensor(len(due) - 1, dtype=torch.float64)
    return bool(torch.special.gammaincc(freedom / 2, statistic / 2) >= CHANCE)


def _known(labels: Tensor, names: tuple[str, ...], where: str) -> Tensor:
    if int(labels.max()) >= len(names):
        raise DataError(
            f"{where} has the class number {int(labels.max())}, but the reference has the classes 0 to "
            f"{len(names) - 1}; number its classes as the reference's"
        )
    return labels


def _by_folder(source: Source, names: tuple[str, ...], where: str) -> Tensor | None:
    inner = without_wrapping(source.names)
    folders = [class_of(inner[name]) for name in source.names]
    found: dict[str, int] = {}
    for folder in dict.fromkeys(folders):
        if folder is None:
            return None
        found[folder] = _number(folder, names, where)
    if len(set(found.values())) < len(found):
        raise DataError(f"{where} has two folders of one class, by its name and by its number; keep one of them")
    return torch.tensor([found[str(folder)] for folder in folders], dtype=torch.int64)


def _number(folder: str, names: tuple[str, ...], where: str) -> int:
    """The class that a folder names."""
    if (number := find_class(folder, names, len(names))) is not None:
        return number
    some = ", ".join(map(shown, names[:MOST_NAMES])) + (", ..." if len(names) > MOST_NAMES else "")
    raise DataError(
        f"{where}: the folder {shown(folder)} is no class of the reference; name its folders as the classes are "
        f"({some}) or by their numbers from 0 to {len(names) - 1}"
    )
