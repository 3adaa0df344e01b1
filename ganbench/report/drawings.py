"""What the page's charts and pictures are drawn from, as one JSON object per section, within a budget of bytes."""

import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from PIL import Image

from ganbench.cleaning import clean
from ganbench.files import as_number
from ganbench.records.folder import TrialFolder
from ganbench.report.pictures import (
    Snapshots,
    fit,
    is_points,
    open_samples,
    open_snapshot,
    pack,
    read_snapshots,
    thinned,
)
from ganbench.report.sections import Line, Section, written
from ganbench.report.series import loss_curve, metric_curve, rounded
from ganbench.store.results import Row
from ganbench.tables.wording import headline

FRAMES = (25, 13, 9, 5, 2)
POINTS = (500, 300, 200)
SEEDS = (16, 5, 2, 1)
FILM_TILES = 4
SHEET_TILES = 8
LARGEST_SPAN = sys.float_info.max / 4
"""Of the axes of points, whose width and whose sums with coordinates must stay finite."""


def drawing(section: Section, *, sheets: int, film: int) -> dict[str, Any]:
    """Everything that scripts draw of one section.

    Args:
        section: what is drawn.
        sheets: bytes for the pictures of samples.
        film: bytes for the snapshots of training.
    """
    scores = section.table.scores
    snapshots: dict[str, tuple[Row, Snapshots]] = {}
    for line in section.lines:
        row = _shown(line)
        recorded = read_snapshots(TrialFolder(row.folder))
        if recorded.frames:
            snapshots[line.key] = (row, recorded)
    points = {key: found for key, found in snapshots.items() if found[1].kind == "points"}
    pictures = {key: found for key, found in snapshots.items() if found[1].kind == "png"}
    # Points are plotted with their training; the plot of an untrained generator would stand alone.
    plotted = set(points) | {line.key for line in section.lines if points and line.baseline}
    return {
        "key": section.key,
        "headline": headline(section.table.values),
        "metrics": [
            {"name": name, **info.model_dump(mode="json"), "label": clean(info.label)} for name, info in scores.items()
        ],
        "conclusions": section.conclusions,
        "rows": [_row(line, section) for line in section.lines],
        "sheets": _sheets(section, {} if points else pictures, sheets, skip=plotted),
        "film": _scatter_film(points, film) if points else _picture_film(pictures, film),
    }


def _row(line: Line, section: Section) -> dict[str, Any]:
    group, scores = line.group, section.table.scores
    summaries = {name: summary for name in scores if (summary := group.metric(name))}
    return {
        "key": line.key,
        "name": line.name,
        "colour": line.colour,
        "baseline": line.baseline,
        "ties": {
            name: found.ties[line.index]
            for name, found in section.rankings.items()
            if line.index is not None and found.ties[line.index] is not None
        },
        "texts": {name: written(summary, scores[name], section.level) for name, summary in summaries.items()},
        "means": {name: rounded(summary.mean) for name, summary in summaries.items()},
        "intervals": {
            name: [rounded(interval.low), rounded(interval.high)]
            for name, summary in summaries.items()
            if (interval := summary.interval(section.level))
        },
        "seeds": [_seed(row, scores) for row in group.rows],
    }


def _seed(row: Row, scores: Iterable[str]) -> dict[str, Any]:
    folder = TrialFolder(row.folder)
    content: dict[str, Any] = {
        "seed": row.seed,
        "status": row.status,
        "values": {name: rounded(value) for name in scores if (value := row.metrics.get(name)) is not None},
    }
    if not row.baseline:
        content |= {"curve": metric_curve(folder, scores), "losses": loss_curve(folder)}
    return content


def _shown(line: Line) -> Row:
    """The trial whose snapshots stand for a line: its first seed that is done, else its first."""
    return min(line.group.rows, key=lambda row: (not row.done, row.seed))


def _sheets(
    section: Section, pictures: dict[str, tuple[Row, Snapshots]], budget: int, *, skip: set[str]
) -> dict[str, Any] | None:
    """Final samples, all at the same latent points; of fewer seeds where there are many trials."""
    opened: list[tuple[Line, list[tuple[Row, Image.Image]]]] = []
    for line in section.lines:
        if line.key not in skip:
            rows = sorted(line.group.rows, key=lambda row: row.seed)
            opened.append((line, [(row, picture) for row in rows if (picture := open_samples(row)) is not None]))
    there = sum(len(found) for _, found in opened)
    if not there:
        return None
    real = _real(pictures, SHEET_TILES)
    for seeds in SEEDS:
        kept = [(line, row, picture) for line, found in opened for row, picture in found[:seeds]]
        images = [picture for _, _, picture in kept] + ([real] if real is not None else [])
        encoded = fit(images, budget)
        if encoded is None:
            continue
        shown = [
            {"row": line.key, "seed": row.seed, **asdict(sheet)}
            for (line, row, _), sheet in zip(kept, encoded, strict=False)
        ]
        return {
            "pictures": shown,
            "real": asdict(encoded[-1]) if real is not None else None,
            "left_out": there - len(kept),
        }
    return None


def _scatter_film(points: dict[str, tuple[Row, Snapshots]], budget: int) -> dict[str, Any] | None:
    """Points over the training. All plots have the same axes, fitted to the real points."""
    truth = next((found.truth for _, found in points.values() if found.truth), {})
    means = _plain_points(truth.get("means"))
    real = _plain_points(truth.get("real", {}).get("points"))
    recorded = [line["points"] for _, found in points.values() for _, line in found.frames]
    frame = real or means or [point for content in recorded for point in _plain_points(content)]
    span = min(1.3 * max((abs(value) for point in frame for value in point), default=1.0) or 1.0, LARGEST_SPAN)
    for frames in FRAMES:
        for count in POINTS:
            rows: dict[str, Any] = {
                key: {
                    "seed": row.seed,
                    "frames": [
                        {"step": step, "points": pack(line["points"][:count], span)}
                        for step, line in thinned(found, frames)
                    ],
                }
                for key, (row, found) in points.items()
            }
            size = sum(len(one["points"]) + 32 for row in rows.values() for one in row["frames"])
            if size <= budget:
                return {
                    "kind": "points",
                    "span": rounded(span),
                    "means": means,
                    "sigma": as_number(truth.get("sigma")),
                    "real": pack(real[:count], span),
                    "rows": rows,
                }
    return None


def _picture_film(pictures: dict[str, tuple[Row, Snapshots]], budget: int) -> dict[str, Any] | None:
    """Images over the training, sixteen of each generator."""
    if not pictures:
        return None
    real = _real(pictures, FILM_TILES)
    for frames in FRAMES:
        steps: list[tuple[str, int, int]] = []
        images: list[Image.Image] = []
        for key, (row, found) in pictures.items():
            for step, line in thinned(found, frames):
                picture = open_snapshot(line, keep=FILM_TILES)
                if picture is not None:
                    steps.append((key, row.seed, step))
                    images.append(picture)
        encoded = fit(images + ([real] if real is not None else []), budget)
        if encoded is None or not images:
            continue
        rows: dict[str, Any] = {}
        for (key, seed, step), sheet in zip(steps, encoded, strict=False):
            entry = rows.setdefault(key, {"seed": seed, "frames": []})
            entry["frames"].append({"step": step, "source": sheet.source})
        size = {"width": images[0].width, "height": images[0].height}
        return {"kind": "pictures", "real": encoded[-1].source if real is not None else None, "rows": rows, **size}
    return None


def _plain_points(content: object) -> list[list[float]]:
    """Points as they were recorded; none where they are not points."""
    return [[float(x), float(y)] for x, y, *_ in content] if is_points(content) else []


def _real(pictures: dict[str, tuple[Row, Snapshots]], keep: int) -> Image.Image | None:
    """Real samples from the first trial that recorded some."""
    opened = (open_snapshot(found.truth.get("real"), keep=keep) for _, found in pictures.values())
    return next((picture for picture in opened if picture is not None), None)
