"""What is passed from Python, which may be anything: brought to plain values."""

from collections.abc import Mapping
from typing import Any


def plain(value: Any) -> Any:
    """Return Python's own values for those of NumPy, torch and pandas, which JSON does not know.

    Scalars become numbers and arrays lists, also those in mappings, lists and tuples; all else stays as it is.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value
