"""How much worse is still fine, as a user says it."""

import math
from dataclasses import dataclass

from ganbench.cleaning import clean
from ganbench.errors import UsageError
from ganbench.store.values import ValueInfo


@dataclass(frozen=True)
class Margin:
    """How much worse is still fine: in the metric's own unit as tables show it, or as a share of the base's mean."""

    size: float
    relative: bool

    def stored(self, info: ValueInfo) -> float:
        """The share, or the margin as the metric's values are stored: 5 points of a percentage are 0.05.

        Raises:
            UsageError: it is a share of 100 % or more of a score of which more is better: nothing would be worse.
        """
        if self.relative and self.size >= 1 and info.direction == "higher":
            raise UsageError(
                f"--margin {self} of {clean(info.label)}, of which more is better, would accept any score; use "
                "a share below 100%, or a margin in its unit"
            )
        return self.size / 100 if info.percent and not self.relative else self.size

    def __str__(self) -> str:
        return f"{self.size * 100:g} %" if self.relative else f"{self.size:g}"


def parse_margin(text: str) -> Margin:
    """``5%`` of the base's mean, or ``0.3`` in the metric's unit as tables show it.

    Raises:
        UsageError: not a number, negative or not finite.
    """
    number, percent = text.strip().removesuffix("%").strip(), text.strip().endswith("%")
    try:
        size = float(number)
    except ValueError as error:
        raise UsageError(f"--margin '{text}' must be a number such as 0.3 or a share such as 5%") from error
    if not 0 <= size < math.inf:
        raise UsageError(f"--margin '{text}' must {'not be negative' if size < 0 else 'be a finite number'}")
    return Margin(size / 100 if percent else size, percent)
