"""Standard output is for results: what others print meanwhile goes to standard error."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO


@contextlib.contextmanager
def results_apart() -> Iterator[None]:
    """Lead standard output to standard error: Python's, and the descriptor that programs and libraries in C write to.

    What a library in C still holds in a buffer of its own at the end is not among it. Where a caller has closed one of
    the two descriptors, they stay as they are.
    """
    held = sys.stdout
    _flush(held)  # what was printed before is a result
    kept: int | None = None
    with contextlib.suppress(OSError):
        os.fstat(2)
        kept = os.dup(1)
        os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _flush(held)  # what somebody wrote into it who had kept it is none
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _flush(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream.flush()
