"""Checkpoints tell damage by themselves: a first line that says what they are, the SHA-256 of the rest, the rest."""

import hashlib

_HEADING = b"ganbench checkpoint 1\n"
_HASHED = len(_HEADING) + hashlib.sha256().digest_size


class Damaged(Exception):
    """The content is not what was sealed; the message is the end of a sentence that begins with the file's name."""


def seal(payload: bytes) -> bytes:
    """Return what is written: heading, hash, payload."""
    return _HEADING + hashlib.sha256(payload).digest() + payload


def unseal(data: bytes) -> bytes:
    """Return the payload.

    Raises:
        Damaged: no checkpoint, torn or changed.
    """
    if not data.startswith(_HEADING):
        raise Damaged("is not a checkpoint of ganbench")
    expected, payload = data[len(_HEADING) : _HASHED], data[_HASHED:]
    if hashlib.sha256(payload).digest() != expected:
        raise Damaged("is damaged: its hash does not match its content")
    return payload
