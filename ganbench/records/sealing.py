"""Files that tell damage by themselves: a first line that says what they are, the SHA-256 of the rest, the rest."""

import hashlib

CHECKPOINT = b"ganbench checkpoint 1\n"
_DIGEST = 32


class Damaged(Exception):
    """The content is not what was sealed; the message is the end of a sentence that begins with the file's name."""


def seal(kind: bytes, payload: bytes) -> bytes:
    """Return what is written: ``kind``, hash, payload."""
    return kind + hashlib.sha256(payload).digest() + payload


def unseal(kind: bytes, data: bytes) -> bytes:
    """Return the payload.

    Raises:
        Damaged: of another kind, torn or changed.
    """
    head, payload = data[: len(kind) + _DIGEST], data[len(kind) + _DIGEST :]
    if not head.startswith(kind):
        raise Damaged(f"is not a {kind.split()[1].decode()} of ganbench")
    if hashlib.sha256(payload).digest() != head[len(kind) :]:
        raise Damaged("is damaged: its hash does not match its content")
    return payload
