"""Numbers, durations and the names of rows as a table writes them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from ganbench.store.values import ValueInfo

NAMED = 12
"""Rows that a sentence names; more are counted."""
_FINEST = 1e-7
_FINEST_SHARE = 1e-6
"""The smallest spread, and the smallest share of a mean, that a mean is written out for: what is smaller is the
rounding of float32, which has seven digits."""
_NOTHING = 1e-12
"""What is smaller, in a metric that declares fewer decimals, is the rounding of float64: the FID of samples against
themselves may be -7e-15, which no distance is."""


def number(value: float, info: ValueInfo) -> str:
    """A value without its unit: the decimals of its metric, more where those would show a small value as zero.

    What is no more than rounding is zero.
    """
    if not math.isfinite(value):
        return "-"
    shown = in_unit(value, percent=info.percent)
    size = abs(float(shown))
    if _NOTHING <= size < 0.5 * 10**-info.decimals or size >= 1e9:
        return f"{shown:.2g}"
    return f"{shown:z.{info.decimals}f}"


def in_unit(value: float, *, percent: bool) -> float | Decimal:
    """A finite value as it is shown: percentages are stored as shares. What no float can hold is a decimal number."""
    shown = value * 100 if percent else value
    return shown if math.isfinite(shown) else Decimal(value) * 100


def spread(mean: float, sd: float | None, info: ValueInfo) -> str:
    """``1.52 ± 0.10`` or, of a single value, ``1.52``; with the percent sign where the metric has one.

    A spread too small for the decimals of the metric is written with two digits, and the mean with as many decimals:
    rounded further, it could be off by more than its spread.
    """
    scale = 100 if info.percent else 1
    if sd is None:
        text = number(mean, info)
    elif (
        max(_FINEST, _FINEST_SHARE * abs(mean * scale)) <= sd * scale < 0.5 * 10**-info.decimals
        and abs(mean * scale) < 1e9
    ):
        decimals = 1 - math.floor(math.log10(sd * scale))
        text = f"{mean * scale:z.{decimals}f} ± {sd * scale:.{decimals}f}"
    else:
        text = f"{number(mean, info)} ± {number(sd, info)}"
    return f"{text} %" if info.percent else text


def duration(seconds: float | None) -> str:
    """``0.4 s``, ``12 s``, ``3 m 21 s``, ``2 h 05 m``, ``3 d 04 h``; ``-`` where it is not known."""
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "-"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} m"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def rate(images_per_second: float | None) -> str:
    """Images per second, with thousands: ``12,345``; a decimal below one hundred."""
    if images_per_second is None or not math.isfinite(images_per_second):
        return "-"
    return f"{images_per_second:,.0f}" if abs(images_per_second) >= 99.95 else f"{images_per_second:.1f}"


def size(count: float | None) -> str:
    """Bytes as ``512 MiB`` or ``3.2 GiB``; ``-`` where not known."""
    if count is None or not math.isfinite(count) or count < 0:
        return "-"
    mebibytes = count / 2**20
    return f"{mebibytes:.0f} MiB" if mebibytes < 999.5 else f"{mebibytes / 1024:.1f} GiB"


def energy(joules: float | None) -> str:
    """Joules as ``830 J``, ``12.3 kJ`` or ``4.5 MJ``; ``-`` where not known."""
    if joules is None or not math.isfinite(joules) or joules < 0:
        return "-"
    for factor, unit in ((1e6, "MJ"), (1e3, "kJ")):
        if joules >= 0.9995 * factor:
            return f"{joules / factor:.1f} {unit}"
    return f"{joules:.0f} J"


def headline(values: Mapping[str, ValueInfo]) -> str | None:
    """The value a table ranks by and shows the best of: the first, as asked for and declared, that is a score."""
    return next((name for name, info in values.items() if info.direction is not None), None)


def listed(names: Iterable[str]) -> str:
    """``a``, ``a and b`` or ``a, b and c``; of one name at least."""
    *init, last = names
    return f"{', '.join(init)} and {last}" if init else last


def named_rows(names: Sequence[str], before: str = "") -> str:
    """``a, b and c``, or ``14 rows`` where there are more than :data:`NAMED`; ``before`` stands before that number."""
    return listed(names) if len(names) <= NAMED else f"{before}{len(names)} rows"


def may_be_the_best(names: Sequence[str], *, everyone: bool) -> str:
    """``any of a, b and c may be the best``, of two names at least; counted where they are all rows there are."""
    each = "either" if len(names) == 2 else "any"
    return f"{each} of {f'the {len(names)} rows' if everyone else named_rows(names)} may be the best"


def counted(count: int, noun: str) -> str:
    """``1 seed`` or ``5 seeds``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
