"""How another Python is started: with this one's, and with its search path."""

import os
import sys

_FLAGS = {"-E": "ignore_environment", "-s": "no_user_site"}
"""What keeps this process from searching further places, by the option that did it; ``-I`` is both and ``-P``."""


def safe_path() -> list[str]:
    """``-P`` where this process does not search its working folder for modules, else nothing.

    The command ``ganbench`` does not search it, but ``python -m`` and ``python -c`` do. A file of the user's there that
    is called like a standard module would be taken for it, and one that nobody meant to run would be run.
    """
    return [] if {"", os.getcwd()} & set(sys.path) else ["-P"]


def python(*arguments: str) -> list[str]:
    """The command that starts this interpreter with ``arguments``, searching for modules where this process does.

    An isolated one (``python -I``) does not look into ``PYTHONPATH``, where another ganbench may lie.
    """
    given = [flag for flag, name in _FLAGS.items() if getattr(sys.flags, name)]
    return [sys.executable, *given, *safe_path(), *arguments]
