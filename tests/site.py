"""A server on this machine that stands in for the sites from which data are downloaded."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from ganbench.datasets import downloads


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder over HTTP from this machine; yields the address, ending in a slash."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def bring_from(address: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Answer every download with the file of its name at ``address``; returns the list of what will be asked for."""
    asked: list[str] = []

    def opened(request: Request) -> Any:
        asked.append(request.full_url)
        return urlopen(address + request.full_url.rpartition("/")[2])

    monkeypatch.setattr(downloads, "_open", opened)
    return asked


def unreachable(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every download; returns the list of what will be asked for."""
    asked: list[str] = []

    def refuse(request: Request) -> Any:
        asked.append(request.full_url)
        raise OSError("the network is unreachable")

    monkeypatch.setattr(downloads, "_open", refuse)
    return asked
