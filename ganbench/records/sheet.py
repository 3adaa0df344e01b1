"""How ``samples.png`` is laid out, for those who draw it and for those who read it back; loads no torch."""

from typing import NamedTuple

ROWS = 8
"""Rows of a sheet, and images in each where no class has a column of its own."""
GAP = 1
"""Pixels between two images, and around all of them."""
GREY = 127
"""What the gaps are filled with."""


class Layout(NamedTuple):
    """A sheet of images of one size, row by row.

    Attributes:
        columns, rows: of images.
        width, height: of each image, in pixels.
        gap: pixels between two images, and around all of them.
    """

    columns: int
    rows: int
    width: int
    height: int
    gap: int = GAP

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole, in pixels."""
        across, down = self.width + self.gap, self.height + self.gap
        return self.columns * across + self.gap, self.rows * down + self.gap

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Left and top of one image, in pixels."""
        return self.gap + column * (self.width + self.gap), self.gap + row * (self.height + self.gap)


def columns_for(classes: int) -> int:
    """How many images stand in a row: a column for each class where there are a few, else eight."""
    return classes if 2 <= classes <= 16 else ROWS
