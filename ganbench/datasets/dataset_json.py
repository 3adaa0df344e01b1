"""The labels that StyleGAN's ``dataset_tool`` writes beside its images, in ``dataset.json``."""

import json
from pathlib import PurePosixPath

from ganbench.datasets.array_files import MOST_CLASSES
from ganbench.datasets.checks import one_line, shown
from ganbench.datasets.listing import LABELS, Source
from ganbench.errors import DataError

FORM = '{"labels": [["00000/img00000000.png", 3], ...]} or {"labels": null}'


def read_labels(source: Source) -> dict[str, int] | None:
    """Return the class number of each image of a source that has a ``dataset.json``, by the image's name.

    Names in the file are relative to the folder it lies in, which holds all images. Labels of images that are not
    there are passed over, as StyleGAN does.

    Returns:
        ``None`` where the file says that there are no labels (``null``).

    Raises:
        DataError: the file is damaged or of another form, there are several, it does not lie above all images, an image
            has no label, or one that is no class number.
    """
    name, *others = source.described
    where = source.where(name)
    if others:
        raise DataError(f"{where} and {source.where(others[0])} both contain labels; keep only one of them")
    folder = PurePosixPath(name).parent.as_posix()
    prefix = "" if folder == "." else f"{folder}/"
    if stray := next((image for image in source.names if not image.startswith(prefix)), None):
        raise DataError(
            f"{where} is in the same folder as {source.where(stray)}, but must be in the folder that contains all "
            "images"
        )
    found = _parse(source.read(name), where)
    if found is None:
        return None
    return {image: _label(found, image.removeprefix(prefix), where) for image in source.names}


def _parse(text: bytes, where: str) -> dict[str, object] | None:
    """The labels by name as the file has them."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where} is not JSON ({one_line(error)}); remove it to read the images without labels"
        ) from error
    if not isinstance(content, dict) or "labels" not in content:
        raise DataError(f"{where} must contain {FORM}; remove it to read the images without labels")
    pairs = content["labels"]
    if pairs is None:
        return None
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in pairs
    ):
        raise DataError(f"{where} must contain {FORM}; remove it to read the images without labels")
    return {name.replace("\\", "/"): label for name, label in pairs}


def _label(found: dict[str, object], name: str, where: str) -> int:
    if name not in found:
        raise DataError(
            f"{where} has no label for {shown(name)}; add it, or remove {LABELS} to read the images without labels"
        )
    label = found[name]
    if isinstance(label, bool) or not isinstance(label, int) or not 0 <= label < MOST_CLASSES:
        raise DataError(
            f"{where} has a label for {shown(name)} that is not a class number from 0 to {MOST_CLASSES - 1}; "
            f"remove {LABELS} to read the images without labels"
        )
    return label
