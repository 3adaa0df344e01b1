"""What options and arguments take: numbers, choices, and texts and paths, which are never empty.

``--metrics "$METRICS"`` must not mean the default metrics where ``METRICS`` is not set, nor ``--out "$OUT"`` the
current folder. An option for which empty means something (none of them) says so in its help and takes any text.
"""

import math
import os
from pathlib import Path
from typing import Any

import click

from ganbench.complaints import shown
from ganbench.errors import did_you_mean
from ganbench.executors import AUTO
from ganbench.places import is_too_long
from ganbench.planning.arguments import size


class Text(click.ParamType):  # type: ignore[type-arg]  # generic in click's types only
    """A text, or a list of them, that is more than spaces and commas."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is."""
        if not str(value).strip(" \t\r\n,"):
            self.fail(_complaint(param), param, ctx)
        return str(value)


class Place(click.Path):
    """A file or folder, which need not be there, as a :class:`pathlib.Path`."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        if not str(value).strip():  # Path("") is the current folder
            self.fail(_complaint(param), param, ctx)
        path = Path(os.path.expanduser(value))
        if is_too_long(path):
            self.fail(f"{shown(str(value))} must be shorter: no file can have such a name", param, ctx)
        return path


class Whole(click.IntRange):
    """A whole number that can be stored: below 2^63."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        try:
            found = int(super().convert(value, param, ctx))
        except click.BadParameter:
            bounds = f"from {self.min} to {self.max}" if self.max is not None else f"of at least {self.min}"
            self.fail(f"{str(value)!r} must be a whole number {bounds}", param, ctx)
        if found >= 2**63:
            self.fail(f"{value!r} must be below 2^63", param, ctx)
        return found


class Number(click.FloatRange):
    """A number; ``words`` say in the message what it must be."""

    def __init__(self, words: str, **bounds: Any) -> None:
        super().__init__(**bounds)
        self._words = words

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number."""
        try:
            found = float(super().convert(value, param, ctx))
        except click.BadParameter:
            found = math.nan
        if not math.isfinite(found):
            self.fail(f"{str(value)!r} must be {self._words}", param, ctx)
        return found


class Bytes(click.ParamType):  # type: ignore[type-arg]  # generic in click's types only
    """A size, such as ``4G``."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of bytes."""
        try:
            return size(value)
        except ValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class PerDevice(click.ParamType):  # type: ignore[type-arg]  # generic in click's types only
    """A whole number from 0, or ``auto``, which is :data:`~ganbench.executors.AUTO`."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        if value == "auto":
            return AUTO
        try:
            return value if isinstance(value, int) else Whole(0).convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} must be auto, or a whole number of at least 0 and below 2^63", param, ctx)


class Choice(click.Choice):  # type: ignore[type-arg]  # as above
    """One of a few words; the message on another, such as ``md`` for ``markdown``, suggests which was meant."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word."""
        try:
            return str(super().convert(value, param, ctx))
        except click.BadParameter:
            choices = [str(choice) for choice in self.choices]
            longer = [choice for choice in choices if _abbreviates(str(value).lower(), choice)]
            meant = f"; did you mean '{longer[0]}'?" if len(longer) == 1 else did_you_mean(str(value), choices)
            self.fail(f"{str(value)!r} is not a valid choice{meant}", param, ctx)


def _abbreviates(short: str, word: str) -> bool:
    """Whether the letters of ``short``, two or more, are in a word in their order, the first one first."""
    letters = iter(word)
    return len(short) > 1 and word.startswith(short[0]) and all(letter in letters for letter in short)


TEXT = Text()
PATH = Place()
BYTES = Bytes()
PER_DEVICE = PerDevice()
SEED = Whole(min=0)
ALPHA = Number("a number between 0 and 1, e.g. 0.05", min=0, max=1, min_open=True, max_open=True)
SHARE = Number("a number above 0 and at most 1", min=0, max=1, min_open=True)
TRUNCATION = Number("a finite number above 0", min=0, min_open=True)
SECONDS = Number("a finite number of seconds above 0", min=0, min_open=True)


def _complaint(param: click.Parameter | None) -> str:
    return "must not be empty; give a value" + ("" if param is not None and param.required else ", or leave it out")
