"""Output to terminals and files whose encoding lacks some of the characters in tables."""

import codecs
import io
import sys

LOOKALIKES = str.maketrans({"↓": "v", "↑": "^", "─": "-", "±": "~", "·": "-", "…": ".", "α": "a", "×": "x", "│": "|"})
"""One character each, so that columns stay aligned."""
HANDLER = "ganbench-lookalike"


def write_what_can_be() -> None:
    """Let stdout and stderr write a lookalike for a character that their encoding lacks, or its number, ``\\u4e2d``.

    Encodings such as Latin-1 have ``±`` and no arrow, and a table is not lost for an arrow.
    """
    codecs.register_error(HANDLER, _lookalike)
    for stream in (sys.stdout, sys.stderr):
        # Whoever chose another way to handle errors, in PYTHONIOENCODING, keeps it; "backslashreplace" is stderr's own.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "backslashreplace"):
            stream.reconfigure(errors=HANDLER)


def _lookalike(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end].translate(LOOKALIKES)
    return text.encode("ascii", "backslashreplace").decode("ascii"), error.end
