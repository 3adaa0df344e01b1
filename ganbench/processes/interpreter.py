"""How another Python is started: with this one's, and with its search path."""

import os
import sys


def safe_path() -> list[str]:
    """``-P`` where this process does not search its working folder for modules, else nothing.

    The command ``ganbench`` does not search it, but ``python -m`` and ``python -c`` do. A file of the user's there that
    is called like a standard module would be taken for it, and one that nobody meant to run would be run.
    """
    return [] if {"", os.getcwd()} & set(sys.path) else ["-P"]


def python(*arguments: str) -> list[str]:
    """The command that starts this interpreter with ``arguments``, searching for modules where this process does."""
    return [sys.executable, *safe_path(), *arguments]
