"""Pictures of trials, read back from their folders and made small enough that sixty of them fit into one page."""

import base64
import io
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from PIL import Image, UnidentifiedImageError

from ganbench.files import as_number, read_lines
from ganbench.records.folder import TrialFolder
from ganbench.records.sheet import GREY, ROWS, Layout, columns_for
from ganbench.store.results import Row

LARGEST_SIDE = 528
MOST_PIXELS = 1 << 26
"""Of one picture, 8192×8192: a small file can claim many more."""
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""Of the coordinates of points, as ``film.js`` reads them."""
_DAMAGED = (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for a file that is no picture, or a torn one."""


class Quality(NamedTuple):
    """How a picture is encoded: without loss, or as WebP of a quality; and its largest side."""

    webp: int | None
    side: int


QUALITIES = (Quality(None, LARGEST_SIDE), Quality(85, LARGEST_SIDE), Quality(65, 400), Quality(50, 272))


@dataclass(frozen=True)
class Sheet:
    """One picture of samples as it goes into the page.

    Attributes:
        source: a ``data:`` address.
        width, height: in pixels of the picture.
        pixelated: whether it is to be enlarged without smoothing.
    """

    source: str
    width: int
    height: int
    pixelated: bool


@dataclass(frozen=True)
class Snapshots:
    """What a trial recorded while it trained.

    Attributes:
        frames: (step, content) in the order of steps; the content as :mod:`ganbench.evaluation.snapshots` writes it.
        truth: ``real`` and, where known, ``means`` and ``sigma``; empty where none was recorded.
    """

    frames: list[tuple[int, dict[str, Any]]]
    truth: dict[str, Any]

    @property
    def kind(self) -> str:
        """``points``, ``png`` or, without frames, empty."""
        return "" if not self.frames else "points" if "points" in self.frames[0][1] else "png"


def read_snapshots(folder: TrialFolder) -> Snapshots:
    """Read a trial's snapshots; an older folder has none, and a line that is damaged is passed over."""
    frames: list[tuple[int, dict[str, Any]]] = []
    truth: dict[str, Any] = {}
    for line in read_lines(folder.snapshots):
        step = line.get("step")
        if isinstance(step, bool) or not isinstance(step, int):
            continue
        if isinstance(line.get("real"), dict) and not truth:
            truth = {name: line[name] for name in ("real", "means", "sigma") if name in line}
        if is_points(line.get("points")) or isinstance(line.get("png"), str):
            frames.append((step, line))
    found = Snapshots(sorted(frames, key=lambda frame: frame[0]), truth)
    return Snapshots([frame for frame in found.frames if found.kind in frame[1]], truth)


def open_samples(row: Row) -> Image.Image | None:
    """A trial's ``samples.png`` without its enlargement; ``None`` where there is none, or it is no picture of ours."""
    picture = _opened(row.samples) if row.samples is not None else None
    shape = row.spec.data.shape
    if picture is None or row.spec.data.kind != "image" or len(shape) != 3:
        return picture
    for columns in (columns_for(0), columns_for(row.spec.data.classes)):  # of any generator, of a conditional one
        width, _ = Layout(columns, ROWS, shape[2], shape[1]).size
        scale = max(1, picture.width // width)
        if picture.width == width * scale and not picture.height % scale:
            return picture.resize((width, picture.height // scale), Image.Resampling.NEAREST)
    return picture  # not a sheet as this version draws it


def open_snapshot(content: object, *, keep: int) -> Image.Image | None:
    """The first ``keep`` x ``keep`` images of a snapshot; ``None`` where it is damaged."""
    if not isinstance(content, dict):
        return None
    text, columns, count = (content.get(name) for name in ("png", "columns", "images"))
    if not isinstance(text, str) or not _is_count(columns) or not _is_count(count):
        return None
    try:
        file = io.BytesIO(base64.b64decode(text, validate=True))
    except ValueError:
        return None
    picture = _opened(file)
    return None if picture is None else tiles(picture, columns, count, keep=keep)


def _opened(file: Path | io.BytesIO) -> Image.Image | None:
    """A picture in grey or in colour; ``None`` where it is too large, damaged or no PNG file.

    Pillow reads many formats, and for some of them runs other programs.
    """
    try:
        with warnings.catch_warnings():  # of the sizes that are refused here
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(file, formats=["PNG"])
        with opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            return opened.convert("L" if opened.mode == "L" else "RGB")
    except _DAMAGED:
        return None


def tiles(picture: Image.Image, columns: int, count: int, *, keep: int) -> Image.Image:
    """The first ``keep`` x ``keep`` images of a sheet without gaps, with the gaps that ``samples.png`` has.

    Args:
        picture: ``count`` images, row by row in ``columns`` columns.
        columns, count: as recorded.
        keep: rows and columns that are kept, at most.
    """
    rows = -(-count // columns)
    width, height = picture.width // columns, picture.height // rows
    across, down = min(keep, columns), min(keep, rows)
    layout = Layout(across, down, width, height)
    sheet = Image.new("L", layout.size, GREY).convert(picture.mode)
    for row in range(down):
        for column in range(across):
            left, top = column * width, row * height
            image = picture.crop((left, top, left + width, top + height))
            sheet.paste(image, layout.corner(row, column))
    return sheet


def encode(picture: Image.Image, quality: Quality) -> Sheet:
    """A picture as a ``data:`` address."""
    pixelated = max(picture.size) <= LARGEST_SIDE
    if max(picture.size) > quality.side:
        scale = quality.side / max(picture.size)
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    if quality.webp is None:
        picture.save(buffer, format="PNG", optimize=True)
        kind = "png"
    else:
        picture.save(buffer, format="WEBP", quality=quality.webp, method=4)
        kind = "webp"
    source = f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
    return Sheet(source, picture.width, picture.height, pixelated)


def fit(pictures: Sequence[Image.Image], budget: int) -> list[Sheet] | None:
    """Encode all pictures alike, as well as ``budget`` bytes allow; ``None`` where no quality fits."""
    for quality in QUALITIES:
        sheets: list[Sheet] = []
        left = budget
        for picture in pictures:
            sheets.append(encode(picture, quality))
            left -= len(sheets[-1].source)
            if left < 0:
                break
        else:
            return sheets
    return None


def thinned(snapshots: Snapshots, frames: int) -> list[tuple[int, dict[str, Any]]]:
    """At most ``frames`` of them, evenly chosen, the first and the last among them."""
    found = snapshots.frames
    if len(found) <= frames:
        return found
    return [found[round(index * (len(found) - 1) / (frames - 1))] for index in range(frames)]


def pack(points: Iterable[Sequence[float]], span: float) -> str:
    """Write points as text, four characters each: two coordinates of twelve bits.

    A coordinate outside ``-span`` to ``span`` is put on the edge.
    """
    text = []
    for point in points:
        for value in point[:2]:
            level = round(min(1.0, max(0.0, (value + span) / (2 * span))) * 4095)
            text.append(DIGITS[level >> 6] + DIGITS[level & 63])
    return "".join(text)


def is_points(value: object) -> TypeGuard[list[list[float]]]:
    """Whether a snapshot's content is a list of finite points."""
    return isinstance(value, list) and all(
        isinstance(point, list) and len(point) >= 2 and all(as_number(number) is not None for number in point[:2])
        for point in value
    )


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 4096
