"""Downloading through torchvision: into a temporary folder, moved into place only when complete, one at a time."""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ganbench.datasets.checks import one_line
from ganbench.errors import DataError

STALLED = 30.0
"""Seconds without an answer after which a connection is given up."""


@contextmanager
def _give_up_when_stalled() -> Iterator[None]:
    """Set the default timeout of new sockets, as torchvision sets none and a dead proxy would hang a run forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def fetch(
    name: str,
    *,
    folder: Path,
    root: Path,
    missing: Callable[[], list[str]],
    get: Callable[[Path], None],
    allowed: bool,
    by_hand: str,
) -> None:
    """Make sure that the files a dataset reads are there, downloading them if need be.

    Args:
        name: the dataset, for the message.
        folder: where its files belong, below ``root``.
        root: the folder for data files.
        missing: names the files that are not there yet.
        get: downloads into the root it is given, with the same layout.
        allowed: whether a download may be tried.
        by_hand: what the user can do instead, as the end of a sentence.

    Raises:
        DataError: files are missing and no download was allowed, or it failed.
    """
    absent = missing()
    if not absent:
        return
    lacking = f"{name}: {', '.join(absent)} not found in {folder}"
    if not allowed:
        raise DataError(f"{lacking}; no download was tried (download=false); {by_hand}")
    try:
        root.mkdir(parents=True, exist_ok=True)
        # Several trials may want the same data at the same time: one downloads, the others wait and find it there.
        with FileLock(root / f".{name}.lock"):
            if missing():
                with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=root) as temporary, _give_up_when_stalled():
                    get(Path(temporary))
                    folder.mkdir(parents=True, exist_ok=True)
                    for path in sorted((Path(temporary) / folder.relative_to(root)).iterdir()):
                        os.replace(path, folder / path.name)
    except DataError:
        raise
    except Exception as error:  # torchvision, urllib, tarfile and gzip share no base class
        raise DataError(f"{lacking}; a download was tried and failed ({one_line(error)}); {by_hand}") from error
    if absent := missing():
        raise DataError(f"{name}: the download did not bring {', '.join(absent)} to {folder}; {by_hand}")
