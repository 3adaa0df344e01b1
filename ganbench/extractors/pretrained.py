"""Networks that torch-fidelity knows and whose weights are fetched: where they lie, whether they are the right ones.

Looked for in this order: the file named by the network's own environment variable, torch's hub cache, a download from
where torch-fidelity downloads. The file is then handed to torch-fidelity, so that nothing is fetched behind our back
and a number's identity is the SHA-256 of a file that was really used.
"""

import io
import os
import socket
import urllib.error
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from ganbench.api import Extractor
from ganbench.errors import DataError, in_one_line
from ganbench.files import file_sha256

TIMEOUT_SECONDS = 30.0


class Pretrained(Extractor):
    """An extractor of torch-fidelity's registry.

    Attributes:
        variable: the environment variable that may name a weights file of the user's own.
        url: where the weights come from.
        file_name: what they are called in torch's hub cache.
        hash_prefix: how their SHA-256 begins; empty where it is not published. Not required of a user's own file.
    """

    variable: ClassVar[str] = ""
    url: ClassVar[str] = ""
    file_name: ClassVar[str] = ""
    hash_prefix: ClassVar[str] = ""

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, int, int], str] = {}

    @property
    def cached(self) -> Path:
        """Where torch's hub keeps the weights, whether they are there or not."""
        return Path(torch.hub.get_dir()) / "checkpoints" / self.file_name

    @property
    def _named(self) -> str:
        return os.environ.get(self.variable, "") if self.variable else ""

    def files(self) -> tuple[str, ...]:
        named = self._named
        path = Path(named).expanduser() if named else self.cached
        return (str(path.absolute()),) if path.exists() else ()

    def sha256(self) -> str:
        return self._hash(self.locate())

    def build(self, layers: list[str]) -> nn.Module:
        path = self.locate()
        self._hash(path)  # refuses a cached file that is not the published one before it is opened
        try:
            weights = self.read(path)
        except Exception as error:
            raise DataError(
                f"{path} cannot be read as weights of {self.registered_name} ({in_one_line(error, 160)})"
            ) from error
        try:
            network = self.network(layers, weights)
        except Exception as error:
            raise DataError(
                f"{path} contains the weights of another network than {self.registered_name} "
                f"({in_one_line(error, 160)})"
            ) from error
        return network.requires_grad_(False).eval()

    def locate(self) -> Path:
        """Return the weights file, downloading it where it is nowhere.

        Raises:
            DataError: there is none, and the download failed; says where it looked and what to do.
        """
        named = self._named
        if named:
            path = Path(named).expanduser().absolute()
            if not path.is_file():
                raise DataError(f"{self.variable} names {path}, which is not a file; correct it or unset it")
            return path
        if not self.cached.is_file():
            self._download()
        return self.cached

    def read(self, path: Path) -> Any:
        """Return what torch-fidelity takes as a weights path: a state dict that holds tensors only, serialised again.

        torch-fidelity would unpickle the file as it is, which may run code; here nothing but tensors gets through.
        """
        buffer = io.BytesIO()
        torch.save(torch.load(path, map_location="cpu", weights_only=True), buffer)
        buffer.seek(0)
        return buffer

    def network(self, layers: list[str], weights: Any) -> nn.Module:
        """Build torch-fidelity's network with ``weights``; raises whatever it raises where they do not fit."""
        from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

        cls = FEATURE_EXTRACTORS_REGISTRY[self.registered_name]
        network: nn.Module = cls(self.registered_name, layers, feature_extractor_weights_path=weights)
        return network

    def _hash(self, path: Path) -> str:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        if key not in self._hashes:
            self._hashes[key] = file_sha256(path)
        found = self._hashes[key]
        if path == self.cached and not found.startswith(self.hash_prefix):
            raise DataError(
                f"{path} is damaged: its SHA-256 begins {found[:8]}, expected {self.hash_prefix[:8]}; remove it "
                "and run again"
            )
        return found

    def _download(self) -> None:
        try:
            self.cached.parent.mkdir(parents=True, exist_ok=True)
            with _timeout(TIMEOUT_SECONDS):
                torch.hub.download_url_to_file(
                    self.url, str(self.cached), hash_prefix=self.hash_prefix or None, progress=False
                )
        except (OSError, RuntimeError, urllib.error.URLError, ValueError) as error:
            unset = f"{self.variable} is not set, " if self.variable else ""
            named = f", or name it with {self.variable}" if self.variable else ""
            raise DataError(
                f"no weights for {self.registered_name}: {unset}{self.cached} does not exist, and the download "
                f"from {self.url} failed ({in_one_line(error, 160)}); download that file elsewhere and put it "
                f"there{named}"
            ) from error


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """A server that never answers must not hold a trial for ever; torch's download sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
