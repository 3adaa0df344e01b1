"""Features and statistics of the reference, computed once and kept.

torch-fidelity's own cache names an entry by what the user calls the data, so other data, weights or counts return the
old value, and it loads pickles. Here an entry's name is a hash of everything that decides its content, the content is
safetensors, and its own hash is checked on reading.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import filelock
import torch
from safetensors.torch import load, save
from torch import Tensor

from ganbench import files
from ganbench.errors import StoreError

LOCK_SECONDS = 600.0
_DIGEST = "digest"


@dataclass(frozen=True, kw_only=True)
class ReferenceKey:
    """All that decides a reference's features.

    Attributes:
        fingerprint: of the samples (:attr:`ganbench.api.Samples.fingerprint`), which also tells splits apart.
        preprocessing: what happens to them before the network, e.g. ``"uint8, 1 channel repeated to 3"``.
        extractor: the name registered with torch-fidelity.
        extractor_code: what else it consists of: a digest of its package, version, source and parameters.
        extractor_sha256: of its weights.
        layers: the layers asked for, in order.
        device: the type of device: another one rounds otherwise.
        versions: of the libraries that compute.
    """

    fingerprint: str
    preprocessing: str
    extractor: str
    extractor_code: str
    extractor_sha256: str
    layers: tuple[str, ...]
    device: str
    versions: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name."""
        return f"{self.extractor}-{files.digest(asdict(self))[:32]}.safetensors"


def recall(
    key: ReferenceKey, compute: Callable[[], Mapping[str, Tensor]], *, cache: Path | None
) -> Mapping[str, Tensor]:
    """Return the tensors kept under ``key``, else compute and keep them.

    A damaged entry is reported as a warning and rebuilt. Of several processes that want the same entry, one computes
    and the others wait. A cache that cannot be written is reported as a warning and done without.

    Args:
        key: what is wanted.
        compute: makes it.
        cache: the folder; ``None`` computes without keeping.
    """
    if cache is None:
        return compute()
    path = cache / key.name
    kept = _read(path)
    if kept is not None:
        return kept
    with _lock(path):
        kept = _read(path, warn=False)  # another process may have made it meanwhile
        if kept is not None:
            return kept
        tensors = compute()
        try:
            files.write_bytes(path, encode(tensors))
        except StoreError as error:
            reason = str(error).partition(";")[0]
            warnings.warn(f"features of the reference are not cached: {reason}", RuntimeWarning, stacklevel=2)
        return tensors


def encode(tensors: Mapping[str, Tensor]) -> bytes:
    """Serialise tensors with their digest."""
    return save(dict(tensors), metadata={_DIGEST: content_digest(tensors)})


def decode(data: bytes) -> dict[str, Tensor]:
    """Read what :func:`encode` wrote.

    Raises:
        ValueError: it is not that, or its content is not what it was.
    """
    try:
        tensors = load(data)
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        expected = header["__metadata__"][_DIGEST]
    except Exception as error:
        raise ValueError("not a cache entry") from error
    if content_digest(tensors) != expected:
        raise ValueError("its content has changed")
    return tensors


def content_digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and values."""
    state = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
        state.update(tensor.contiguous().view(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()


def _read(path: Path, *, warn: bool = True) -> dict[str, Tensor] | None:
    try:
        return decode(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        if warn:
            warnings.warn(f"{path} is damaged ({error}); it is computed again", RuntimeWarning, stacklevel=3)
        return None


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock beside ``path``. Where none can be had, go on: the work is done twice, the result is the same."""
    lock = filelock.FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, filelock.Timeout, NotImplementedError):
        yield
        return
    try:
        yield
    finally:
        lock.release()
