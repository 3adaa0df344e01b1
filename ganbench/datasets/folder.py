"""A user's own images: a folder or a .zip."""

import hashlib
import statistics
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch

from ganbench.api import Dataset, Samples
from ganbench.datasets.checks import known_split, shown
from ganbench.datasets.dataset_json import read_labels
from ganbench.datasets.decoding import Header, decode_all, read_header
from ganbench.datasets.listing import Source, open_source
from ganbench.datasets.reading import Remembering, on_each
from ganbench.errors import DataError

LARGEST_SIDE = 2048
CHANNELS = ("auto", "grey", "gray", "rgb")
SPLITS = ("train", "test")
FOR_TRAINING = ("train", "training")
FOR_TESTING = ("test", "testing", "val", "valid", "validation")
"""What splits are called elsewhere, in any case of letters: folders of such names are no classes."""


def held_out(name: str, share: float) -> bool:
    """Return whether a file is in the test split: the first 64 bits of its name's SHA-256, over 2⁶⁴, are below
    ``share``. So a file stays where it is when others come or go."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") < share * 2.0**64


def class_of(name: str) -> str | None:
    """Return the first folder of a relative name, ``None`` for a file that is in no folder."""
    parts = PurePosixPath(name).parts
    return parts[0] if len(parts) > 1 else None


def without_wrapping(names: tuple[str, ...]) -> dict[str, str]:
    """Return each name without the folders that are around all of them, as a packed folder is inside its .zip.

    So a folder and its .zip have the same classes and the same splits. A name in a .zip may begin with a slash, which
    is no folder: whatever unpacks it leaves it out.
    """
    inner = {name: name.lstrip("/") for name in names}
    while names and class_of(inner[names[0]]) is not None and len({class_of(name) for name in inner.values()}) == 1:
        inner = {name: short.partition("/")[2] for name, short in inner.items()}
    return inner


@dataclass(frozen=True)
class Plan:
    """Which files make a split, and the class of each where all files have one."""

    names: tuple[str, ...]
    labels: tuple[int, ...] | None
    classes: tuple[str, ...]


def plan_split(
    names: tuple[str, ...], split: str, holdout: float, labels: dict[str, int] | None = None, *, described: bool = False
) -> Plan:
    """Choose the files of a split.

    Folders around everything are passed over. Where the outermost ones then are ``train`` and ``test``, they are the
    splits, and the folders inside them the classes. Else ``holdout`` decides, and the outermost folders are the
    classes. Classes are numbered in the order of their names, or of their numbers where all names are whole numbers,
    alike in both splits; where one file is in no folder, there are none.

    Args:
        names: all image files.
        split: ``"train"`` or ``"test"``.
        holdout: the share of files that is the test split.
        labels: the class number of each file, where a file of labels says it.
        described: whether there is such a file; then folders are no classes, also where it has no labels.

    Raises:
        ValueError: ``holdout`` contradicts the folders, there are others beside ``train`` and ``test``, or folders are
            splits by their names that are not read as splits; the message is the end of a sentence.
    """
    inner = without_wrapping(names)
    _refuse_other_splits(names, inner)
    if has_split_folders(inner):
        if stray := next((name for name in names if class_of(inner[name]) not in SPLITS), None):
            raise ValueError(f"has train/ and test/ folders, but {shown(stray)} is in neither")
        if holdout:
            raise ValueError(f"already has train/ and test/ folders; leave holdout={holdout:g} out")
        chosen = tuple(name for name in names if class_of(inner[name]) == split)
        within = {name: class_of(inner[name].partition("/")[2]) for name in names}
    else:
        chosen = tuple(name for name in names if held_out(inner[name], holdout) == (split == "test"))
        within = {name: class_of(inner[name]) for name in names}
    if described:
        if labels is None:
            return Plan(chosen, None, ())
        numbered = tuple(map(str, range(max(labels.values(), default=-1) + 1)))
        return Plan(chosen, tuple(labels[name] for name in chosen), numbered)
    folders = [folder for folder in within.values() if folder is not None]
    if len(folders) < len(names):
        return Plan(chosen, None, ())
    classes = in_order(set(folders))
    numbers = {folder: number for number, folder in enumerate(classes)}
    return Plan(chosen, tuple(numbers[str(within[name])] for name in chosen), classes)


def in_order(folders: set[str]) -> tuple[str, ...]:
    """Return class folders in order: by number where all are whole numbers (``2`` before ``10``), else by name."""
    if all(folder.isascii() and folder.isdigit() for folder in folders):
        # Of two numbers the longer is the larger; int() refuses thousands of digits, which a .zip can hold.
        return tuple(sorted(folders, key=lambda folder: (len(digits := folder.lstrip("0")), digits, folder)))
    return tuple(sorted(folders))


def _refuse_other_splits(names: tuple[str, ...], inner: dict[str, str]) -> None:
    """Raise :class:`ValueError` where the outermost folders are splits, but not just ``train`` and ``test``."""
    counts = Counter(folder for name in names if (folder := class_of(inner[name])) is not None)
    splits = {folder: count for folder, count in counts.items() if folder.lower() in (*FOR_TRAINING, *FOR_TESTING)}
    kinds = {folder.lower() in FOR_TRAINING for folder in splits}
    if len(kinds) < 2 or set(splits) == set(SPLITS):
        return
    told = [f"{shown(folder)}/ ({count} image{'' if count == 1 else 's'})" for folder, count in sorted(splits.items())]
    first = next(name for name in names if class_of(inner[name]) in splits)
    above = first.removesuffix(inner[first])
    example = next(folder for folder in splits if folder.lower() in FOR_TRAINING)
    raise ValueError(
        f"has {', '.join(told[:-1])} and {told[-1]}, which are splits, not classes; give the path of one of "
        f"them, such as {shown(above + example)} in it, or keep only train/ and test/ (unpack a .zip first)"
    )


def has_split_folders(inner: dict[str, str]) -> bool:
    """Return whether there are files both below ``train/`` and below ``test/``; see :func:`without_wrapping`."""
    return set(SPLITS) <= {class_of(name) for name in inner.values()}


class Folder(Dataset):
    """The images (png, jpg, jpeg, webp, bmp) below a folder or in a .zip, in the order of their names.

    Hidden files and a desktop's companions (``.DS_Store``, ``Thumbs.db``, ``__MACOSX``) are passed over; any other
    file that is not an intact image is an error that names it. Sub-folders are classes where every image is in one and
    there are at least two; folders around everything, as in many a .zip, are passed over. Where StyleGAN's
    ``dataset.json`` lies beside them, it holds the labels, and sub-folders are no classes.
    ``root`` is ignored.

    All images are for training, and fakes are compared with those same images, as is usual where there is no test
    set, unless there is one: folders ``train`` and ``test`` at the top are the splits, and ``holdout`` makes one.
    Then fakes are compared with the test split.

    Args:
        path: the folder or .zip; ``folder:PATH`` sets it. ``~`` is the home folder.
        size: 0: all images must have one size, and are not touched. Else each is cut to its largest centred square
            and brought to size×size by PIL's bicubic filter, antialiased.
        channels: ``"grey"``/``"gray"``, ``"rgb"``, or ``"auto"``: grey if all images are stored so, else colour.
        holdout: the share of images, chosen by a hash of their names, that is the test split.

    Raises:
        ValueError: a parameter out of range.
    """

    extractor = "inception"
    metrics = ("fid", "is")
    locations = ("path",)

    def __init__(self, *, path: str = "", size: int = 0, channels: str = "auto", holdout: float = 0.0) -> None:
        if not str(path).strip():
            raise ValueError("its path is missing; write folder:PATH")
        if isinstance(size, bool) or not isinstance(size, int) or not (size == 0 or 4 <= size <= LARGEST_SIDE):
            raise ValueError(f"size must be 0 (no resizing) or a whole number from 4 to {LARGEST_SIDE}, not {size!r}")
        if channels not in CHANNELS:
            raise ValueError(f"channels must be one of {', '.join(CHANNELS)}, not {channels!r}")
        if isinstance(holdout, bool) or not isinstance(holdout, int | float) or not 0 <= holdout <= 0.9:
            raise ValueError(f"holdout must be from 0 to 0.9, not {holdout!r}")
        self.path = Path(str(path)).expanduser().absolute()
        self.size = size
        self.channels = channels
        self.holdout = float(holdout)

    @property
    def reference_split(self) -> str:  # type: ignore[override]
        """``"test"`` where there is a test split, else ``"train"``."""
        return "test" if self.holdout or _has_test_folder(self.path) else "train"

    def load(self, split: str, *, root: Path) -> Samples:
        """Return the images of a split as uint8 (N, 1 or 3, H, W), with labels where every image is in a class folder.

        Raises:
            DataError: the path, a file in it or the split is not as it must be; says which and what to do.
        """
        known_split("folder", split)
        place = shown(self.path)
        with open_source(self.path) as source:
            if len(source.names) < 2:
                count = "only one image" if source.names else "no images"
                raise DataError(f"{place} contains {count}, but a GAN needs many")
            try:
                described = bool(source.described)
                labels_by_name = read_labels(source) if described else None
                plan = plan_split(source.names, split, self.holdout, labels_by_name, described=described)
            except ValueError as error:
                raise DataError(f"{place} {error}") from error
            if not plan.names and split == "test" and not self.holdout:
                raise DataError(f"{place} has no test split; add [holdout=0.1], or make folders train/ and test/ in it")
            if len(plan.names) < 2:
                raise DataError(f"the {split} split of {place} contains {len(plan.names)} images, which is too few")
            data = read_images(source, plan.names, size=self.size, channels=self.channels)
            files = source.files
        labels = None if plan.labels is None else torch.tensor(plan.labels, dtype=torch.int64)
        return Samples(data=data, labels=labels, classes=plan.classes, files=files)


def read_images(source: Source, names: tuple[str, ...], *, size: int = 0, channels: str = "auto") -> torch.Tensor:
    """Decode ``names`` to uint8 (N, 1 or 3, H, W); ``size`` and ``channels`` are as for :class:`Folder`.

    Raises:
        DataError: an image is damaged, or two have different sizes and ``size`` is 0.
    """
    source = Remembering(source)
    # All headers first, also those of the other split, which must agree: cheap, and before much is decoded.
    found = on_each(source.names, lambda name: read_header(source.read(name), source.where(name)))
    headers = dict(zip(source.names, found, strict=True))
    grey = channels in ("grey", "gray") or (channels == "auto" and all(header.grey for header in headers.values()))
    height, width = (size, size) if size else common_size(headers, source)
    pixels = int(statistics.median(header.width * header.height for header in found))
    return decode_all(source, names, grey=grey, height=height, width=width, size=size, pixels=pixels)


def common_size(headers: dict[str, Header], source: Source) -> tuple[int, int]:
    """Return (height, width) of all images; two that differ are a :class:`DataError` that names both."""
    (first, expected), *others = headers.items()
    for name, header in others:
        if (header.width, header.height) != (expected.width, expected.height):
            raise DataError(
                f"the images differ in size: {source.where(first)} is {expected.width}x{expected.height} and "
                f"{source.where(name)} {header.width}x{header.height}; resize them with --size (of a dataset: "
                "[size=32])"
            )
    return expected.height, expected.width


def _has_test_folder(path: Path) -> bool:
    """Return whether ``train`` and ``test`` are the splits; ``False`` where it cannot be told, as loading will say."""
    try:
        with open_source(path) as source:
            return has_split_folders(without_wrapping(source.names))
    except DataError:
        return False
