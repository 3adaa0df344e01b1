"""What the built-in datasets say about requests they cannot serve, and how names are shown in a one-line message."""

from ganbench.errors import DataError


def known_split(dataset: str, split: str) -> bool:
    """Return whether ``split`` is ``"train"``; anything but ``"train"`` and ``"test"`` is a :class:`DataError`."""
    if split not in ("train", "test"):
        raise DataError(f"{dataset} has the splits train and test, not {split!r}")
    return split == "train"


def shown(name: object) -> str:
    """Return a file's name as it is, or escaped where it has line breaks or bytes that a terminal cannot show."""
    text = str(name)
    return text if text.isprintable() else ascii(text)


def one_line(error: BaseException, limit: int = 300) -> str:
    """Return an error's type and message as one line of at most about ``limit`` characters."""
    message = " ".join(str(error).split())
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= limit else f"{text[:limit]}..."
