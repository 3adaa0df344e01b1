"""Options of executors, as they are typed: ``partition=gpu,gres=gpu:1,time=4:00:00``."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ganbench.errors import UsageError, did_you_mean

_NAME = r"[A-Za-z][A-Za-z0-9_.-]*"
# A comma parts two options only where a name and '=' follow: `gres=gpu:1,shard:2` is one value.
_COMMA = re.compile(rf",(?=\s*{_NAME}\s*=)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_options(texts: Iterable[str], flag: str) -> dict[str, str]:
    """Read ``name=value`` pairs, several in one text where commas separate them.

    Raises:
        UsageError: not of that form, or a name given twice; names the flag.
    """
    found: dict[str, str] = {}
    for item in (part.strip() for text in texts for part in _COMMA.split(text)):
        name, _, value = (part.strip() for part in item.partition("="))
        if not value or not re.fullmatch(_NAME, name):
            raise UsageError(f"{flag} '{item}' must be name=value")
        if name in found:
            raise UsageError(f"{flag}: '{name}' is given twice; give it once")
        found[name] = value
    return found


def declared(executor: Any) -> dict[str, str]:
    """Return the options of its own that an executor's class names, each with what it means.

    Raises:
        TypeError: it names them otherwise, e.g. as a list.
    """
    options: object = executor.options
    if not isinstance(options, Mapping) or not all(isinstance(text, str) for pair in options.items() for text in pair):
        raise TypeError(f"options is {options!r}, but must map each option's name to a line of text on what it means")
    return dict(options)


def check_names(executor: str, given: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse an option that an executor does not have.

    Raises:
        UsageError: names the closest one.
    """
    known = list(known)
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known, listed_by=f"ganbench show {executor}") if known else "; it has none"
            raise UsageError(f"executor '{executor}' has no option '{name}'{hint}")


def count(options: Mapping[str, str], name: str, default: int) -> int:
    """Return a whole number from 1.

    Raises:
        UsageError: it is none.
    """
    text = options.get(name)
    if text is None:
        return default
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) < 1:
        raise UsageError(f"option {name}={text} must be a whole number of at least 1 and below 10^9")
    return int(text)


def number(options: Mapping[str, str], name: str, default: float) -> float:
    """Return a number from 0.

    Raises:
        UsageError: it is none.
    """
    text = options.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?|\.[0-9]+", text):
        raise UsageError(f"option {name}={text} must be a number of at least 0 and below 10^9")
    return float(text)


def seconds(options: Mapping[str, str], name: str, default: float) -> float:
    """Return a duration: ``90``, ``90s``, ``15m``, ``4h``, ``2d``, or as Slurm writes it, ``4:00:00``, ``1-12:00:00``.

    Raises:
        UsageError: it is none of these.
    """
    text = options.get(name)
    if text is None:
        return default
    if match := re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]+)?)([smhd]?)", text):
        return float(match[1]) * _UNITS[match[2] or "s"]
    if match := re.fullmatch(r"(?:([0-9]{1,5})-)?([0-9]{1,5}):([0-9]{2}):([0-9]{2})", text):
        days, hours, minutes, rest = (int(part or 0) for part in match.groups())
        return float(days * 86400 + hours * 3600 + minutes * 60 + rest)
    raise UsageError(f"option {name}={text} must be a duration such as 90s, 15m, 4h or 1-12:00:00")
