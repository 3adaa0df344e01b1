"""Downloading: by HTTPS, against a checksum, into a temporary folder, moved into place when complete, one at a time."""

import hashlib
import os
import tempfile
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from filelock import FileLock

from ganbench.datasets.checks import one_line
from ganbench.errors import DataError

STALLED = 30.0
"""Seconds without an answer after which a connection is given up."""
BLOCK = 1 << 20


class _OnlyHTTPS(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to an address that is not HTTPS."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        _require_https(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(addresses: Sequence[str], path: Path, *, sha256: str, limit: int) -> None:
    """Download one file by HTTPS from the first address that has it.

    Args:
        addresses: of the same file, in the order in which they are tried.
        path: where it belongs; it is there only if it is whole and its checksum is right.
        sha256: the checksum that it must have.
        limit: the most bytes that are taken.

    Raises:
        OSError: no address gave that file; says what was wrong with each.
    """
    problems = []
    for address in addresses:
        try:
            _take(address, path, sha256, limit)
        except (OSError, ValueError, HTTPException) as error:
            path.unlink(missing_ok=True)
            problems.append(f"{address}: {one_line(error)}")
        else:
            return
    raise OSError("; ".join(problems))


def _take(address: str, path: Path, sha256: str, limit: int) -> None:
    _require_https(address)
    request = urllib.request.Request(address, headers={"User-Agent": "ganbench"})
    digest, size = hashlib.sha256(), 0
    with _open(request) as answer, path.open("wb") as file:
        while block := answer.read(BLOCK):
            size += len(block)
            if size > limit:
                raise ValueError(f"it has more than {limit} bytes")
            digest.update(block)
            file.write(block)
    if digest.hexdigest() != sha256:
        raise ValueError(f"its SHA-256 is {digest.hexdigest()}, expected {sha256}")


def _open(request: urllib.request.Request) -> Any:
    return urllib.request.build_opener(_OnlyHTTPS).open(request, timeout=STALLED)


def _require_https(address: str) -> None:
    if urlsplit(address).scheme != "https":
        raise ValueError(f"{address} is not an https:// address")


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
        get: downloads into the folder it is given; what is there afterwards is moved to ``folder``.
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
                with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=root) as temporary:
                    get(Path(temporary))
                    folder.mkdir(parents=True, exist_ok=True)
                    for path in sorted(Path(temporary).iterdir()):
                        os.replace(path, folder / path.name)
    except OSError as error:
        reason = one_line(error, limit=1000)
        raise DataError(f"{lacking}; a download was tried and failed ({reason}); {by_hand}") from error
    if absent := missing():
        raise DataError(f"{name}: the download did not bring {', '.join(absent)} to {folder}; {by_hand}")
