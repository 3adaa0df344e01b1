"""Leases as processes of other machines and of other times leave them."""

import json
import os
import time
from pathlib import Path
from typing import Any


def aged(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def foreign(folder: Path, **changes: Any) -> Path:
    """A lease as a process of another machine would have taken it."""
    content = {"token": "a" * 16, "user": "ada", "host": "elsewhere", "pid": 1, "place": "another boot", "started": 5,
               "since": time.time()}  # fmt: skip
    path = folder / ".lease"
    path.write_text(json.dumps(content | changes))
    return path
