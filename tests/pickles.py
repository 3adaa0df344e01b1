"""Pickles as Python 2 wrote those of CIFAR, byte by byte."""

import struct

import numpy as np


def text(value: str) -> bytes:
    """A text as Python 2 pickled it: bytes with their length."""
    data = value.encode("latin-1")
    return b"U" + bytes([len(data)]) + data if len(data) < 256 else b"T" + struct.pack("<i", len(data)) + data


def number(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"J" + struct.pack("<i", value)


def array(pixels: np.ndarray) -> bytes:
    """An array of bytes as numpy 1 and Python 2 pickled it."""
    rows, columns = pixels.shape
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\0\x85" + text("b") + b"\x87R"
    kind = b"cnumpy\ndtype\n" + text("u1") + b"K\0K\1\x87R(K\3" + text("|") + b"NNN" + number(-1 & 255) * 2 + b"K\0tb"
    content = text(pixels.astype(np.uint8).tobytes().decode("latin-1"))
    return empty + b"(K\1" + number(rows) + number(columns) + b"\x86" + kind + b"\x89" + content + b"tb"


def python2(content: dict[str, bytes]) -> bytes:
    """A pickled dictionary, from its values as they are pickled."""
    return b"\x80\2}(" + b"".join(text(key) + value for key, value in content.items()) + b"u."


def listed(*values: bytes) -> bytes:
    return b"](" + b"".join(values) + b"e"
