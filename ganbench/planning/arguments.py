"""Arguments from Python, which may be anything, as plain values and sizes; and messages to Python.

Messages are written for the command line and name its options, where :func:`ganbench.run` has arguments.
"""

import re
from collections.abc import Mapping
from typing import Any

_SAME_NAMES = (
    "batch_seeds", "batch_size", "data_root", "device", "devices", "executor", "executor_options", "extractor",
    "images", "jobs", "labels", "losses", "memory_limit", "metrics", "num_samples", "out", "per_device", "reference",
    "seeds", "steps", "timeout",
)  # fmt: skip
_ARGUMENTS = {name: name for name in _SAME_NAMES} | {
    "arch": "architectures",
    "dataset": "datasets",
    "ray": "executor_options",
    "set": "recipe",
    "slurm": "executor_options",
    "tracker": "trackers",
}
"""By an option's name in messages, without its dashes: the argument of :func:`ganbench.run` that means the same."""
_OPTION = re.compile(
    r"""(?<!\w)'[^']*'                              # in quotes, the user's own text or a command line
    | (?<![^\s(])--([a-z][a-z-]*)
    (?:[ ](                                       # an example of its value may follow:
        (?:cpu|cuda(?::\d+)?|auto|train|test|balanced)\b
        | [a-z_]+=[^\s,;)]+                       # a setting
        | [a-z0-9-]+(?:,[a-z0-9-]+)+              # a list
        | \d+
    ))?""",
    re.VERBOSE,
)


def in_python(message: str) -> str:
    """Return a message with the arguments of :func:`ganbench.run` in place of the command line's options.

    ``use --device cpu`` becomes ``use device='cpu'``, and ``choose another folder with --out`` becomes ``choose another
    folder with out=``. Options that are no argument stay as they are, and so does what is in quotes or within a word,
    as in the name of a folder.
    """
    return _OPTION.sub(_as_argument, message)


def _as_argument(found: re.Match[str]) -> str:
    option, value = found.groups()
    name = _ARGUMENTS.get((option or "").replace("-", "_"))
    if name is None:
        return found[0]
    if value is None:
        return name if found.string.startswith(":", found.end()) else f"{name}="
    if "=" in value:
        return f"{name}={dict([value.split('=', 1)])}"
    if "," in value:
        return f"{name}={value.split(',')!r}"
    return f"{name}={value if value.isdecimal() else repr(value)}"


def plain(value: Any) -> Any:
    """Return Python's own values for those of NumPy, torch and pandas, which JSON does not know.

    Scalars become numbers and arrays lists, also those in mappings, lists and tuples; all else stays as it is.
    """
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value.tolist() if hasattr(value, "tolist") else value


def size(value: Any) -> int:
    """Return the bytes of a number of them or of a text such as ``4G``, ``500M`` or ``1.5GiB``, in powers of 1024.

    Raises:
        ValueError: neither, or less than 1M, with which no trial could begin.
    """
    found = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([KMGT]?)(?:iB|B)?", str(value), re.IGNORECASE)
    count = int(float(found[1]) * 1024 ** " KMGT".index(found[2].upper() or " ")) if found else 0
    if count < 1 << 20:
        raise ValueError("must be a size of at least 1M, such as 500M or 4G")
    return count
