"""Published tables that a suite reproduces: what was printed, what we get, and whether the two agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from ganbench.complaints import explain
from ganbench.errors import UsageError, did_you_mean
from ganbench.grid import split_list
from ganbench.leaderboard.scaling import scaled, shortened
from ganbench.planning.suite import Suite, load
from ganbench.recipe import validate
from ganbench.records.locations import shown_of
from ganbench.spec import Frozen
from ganbench.statistics import Interval, interval
from ganbench.statistics.moments import mean
from ganbench.statistics.published import difference_interval, prediction_interval
from ganbench.store.results import Row
from ganbench.store.values import ValueInfo

Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]  # strict: true would be read as 1
Error = Annotated[Finite, Field(ge=0)]


def _pair(value: object) -> object:
    """A number alone as the first of a pair."""
    return (value, None) if isinstance(value, int | float) else value


Printed = Annotated[tuple[Finite, Error | None], BeforeValidator(_pair)]
"""A printed value and its standard error, ``None`` where none was printed."""


class Cell(Frozen):
    """One row of a printed table on one dataset.

    Attributes:
        name: the row as the paper calls it.
        loss, architecture, dataset: the trials it is about, as the suite names them; the loss may be left out where
            the suite has one.
        values: name of a metric's value to (mean, standard error), or (number, ``None``) where it was printed alone.
    """

    name: str
    loss: str = ""
    architecture: str
    dataset: str
    values: dict[str, Printed]


class Published(Frozen):
    """A printed table: its ``title``, its ``paper``, and over how many ``runs`` its means are; 1 where each number is
    of one training, which has no standard error."""

    title: str
    paper: str
    runs: Annotated[int, Field(ge=1, strict=True)]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """One printed value beside ours: ``interval`` is that of our mean, ``difference`` that of ours minus theirs, a
    prediction interval where no standard error was printed.

    ``trials`` counts all trials of the cell, ``ours`` are the values of those that have one.
    """

    cell: Cell
    value: str
    info: ValueInfo | None
    printed: Printed
    ours: tuple[float, ...]
    trials: int
    interval: Interval | None
    difference: Interval | None

    @property
    def mean(self) -> float | None:
        """Our mean."""
        return mean(self.ours) if self.ours else None

    @property
    def equal(self) -> bool:
        """Whether neither side has a spread and both are one number, as counts are where all seeds reach everything."""
        mean, error = self.printed
        return error == 0 and len(self.ours) > 1 and set(self.ours) == {mean}

    @property
    def verdict(self) -> str:
        """``agree`` or ``differ`` at 95 %, or ``equal``, and how many trials have no part in that; what is missing
        where none of them."""
        lost = self.trials - len(self.ours)
        without = f", without {lost} of {self.trials} seeds" if lost else ""
        if self.equal:
            return f"equal{without}"
        if self.difference is None:
            if not self.ours:
                return "no result"
            if len(self.ours) == 1:
                return "one seed"
            return "no spread"
        found = "agree" if self.difference.low <= 0 <= self.difference.high else "differ"
        return f"{found}{without}"


def read(path: Path) -> tuple[Suite, Published]:
    """Read a suite with what was printed.

    Raises:
        UsageError: it is no suite, or holds nothing published.
    """
    suite = load(path)
    if not suite.published:
        raise UsageError(
            f"{path} has no table [published], so there is nothing to reproduce; use 'ganbench run --suite {path}'"
        )
    content = dict(suite.published)
    plain = ("name", "loss", "architecture", "dataset")
    cells = content.get("cells", ())
    if not isinstance(cells, list | tuple) or not all(isinstance(cell, dict) for cell in cells):
        raise UsageError(f"{path}, [published]: each row of a dataset must be a table [[published.cells]]")
    content["cells"] = [
        {**{key: cell[key] for key in plain if key in cell},
         "values": {key: value for key, value in cell.items() if key not in plain}}
        for cell in cells
    ]  # fmt: skip
    try:
        published = Published.model_validate(content)
    except ValidationError as error:
        raise UsageError(f"{path}, [published]: {_explained(error, content['cells'])}") from error
    if not published.cells:
        raise UsageError(f"{path}, [published]: it has no rows; add [[published.cells]] for each row of each dataset")
    printed: dict[tuple[str, ...], str] = {}
    for cell in published.cells:
        _check(cell, suite, published.runs, path)
        for value in cell.values:
            question = (cell.loss, cell.architecture, cell.dataset, value)
            if question in printed:
                raise UsageError(
                    f"{path}, [[published.cells]] '{cell.name}': {value} of {cell.architecture} on {cell.dataset} is "
                    f"also in '{printed[question]}'; leave one out"
                )
            printed[question] = cell.name
    return suite, published


def _explained(error: ValidationError, cells: Sequence[dict[str, Any]]) -> str:
    """What is wrong with a printed table; of a value, in which row, and what it must be."""
    match error.errors(include_url=False)[0]["loc"]:
        case ("cells", int(place), "values", value, *_):
            row = cells[place]
            return (
                f"{value}={row['values'][value]!r} of the row '{row['name']}' must be a number, or [mean, standard "
                "error]: finite numbers, the second not negative"
            )
    return explain(error)


def _check(cell: Cell, suite: Suite, runs: int, path: Path) -> None:
    """Raise :class:`UsageError` where a cell is about trials that the suite lacks, or about those of several losses, or
    has no values, or a standard error of a single run."""
    where = f"{path}, [[published.cells]] '{cell.name}'"
    if not cell.values:
        raise UsageError(f"{where} has no values; add what was printed, e.g. fid = [30.1, 0.4]")
    for value, (number, error) in cell.values.items():
        if runs == 1 and error is not None:
            raise UsageError(
                f"{where}: {value}=[{number:g}, {error:g}] has a standard error, but runs = 1, and one training has "
                f"none; leave the error out, {value} = {number:g}, or set runs to how many trainings the values are "
                "means of"
            )
    if not cell.loss and len(split_list(suite.losses)) > 1:
        raise UsageError(f"{where} must say which loss it belongs to; the suite has {', '.join(suite.losses)}")
    for kind, name, texts in (
        ("loss", cell.loss, suite.losses),
        ("architecture", cell.architecture, suite.architectures),
        ("dataset", cell.dataset, suite.datasets),
    ):
        known = split_list(texts)
        if name and name not in known:
            raise UsageError(f"{where}: the suite has no {kind} '{name}'{did_you_mean(name, known)}")


def restrict(
    suite: Suite, published: Published, *, rows: Sequence[str], datasets: Sequence[str], scale: float
) -> tuple[Suite, Published]:
    """Return the part of a table that was asked for, its trials ``scale`` times as long.

    The suite then has no losses, architectures and datasets but those that this part names. With fewer steps, its other
    settings that count steps are those of :func:`ganbench.leaderboard.scaling.shortened`, and ``eval_every`` is shorter
    with them.

    Raises:
        UsageError: there is no such row or dataset, or none of these rows on these datasets; or the suite sets no
            steps.
    """
    for option, asked, known in (
        ("--row", rows, {cell.name for cell in published.cells}),
        ("--dataset", datasets, set(split_list(suite.datasets))),
    ):
        for name in asked:
            if name not in known:
                hint = did_you_mean(name, known)
                if known.issuperset(several := split_list([name])):
                    hint = f"; name each alone: {' '.join(f'{option} {one}' for one in several)}"
                raise UsageError(f"the table has no '{name}'{hint}")
    cells = tuple(
        cell
        for cell in published.cells
        if (not rows or cell.name in rows) and (not datasets or cell.dataset in datasets)
    )
    if not cells:
        raise UsageError(
            f"the table has no {' or '.join(rows) or 'row'} on {' or '.join(datasets)}; ask for another one"
        )
    chosen: dict[str, Any] = _shortened(suite, scale)
    for axis, kind in (("losses", "loss"), ("architectures", "architecture"), ("datasets", "dataset")):
        named = {getattr(cell, kind) for cell in cells}
        # A loss may be left out where the suite has one.
        chosen[axis] = tuple(name for name in split_list(getattr(suite, axis)) if named == {""} or name in named)
    return suite.model_copy(update=chosen), published.model_copy(update={"cells": cells})


def _shortened(suite: Suite, scale: float) -> dict[str, Any]:
    """The steps of a suite, ``scale`` times as many, its recipe for them, and as many evaluations during training."""
    settings = suite.settings()
    if suite.images is not None:
        raise UsageError(
            "the suite sets images, but --scale is a share of steps; set the published number of steps instead"
        )
    if "steps" not in settings:
        raise UsageError("the suite sets no steps; add the published number to it, e.g. steps = 100000")
    whole = validate(settings, "the suite")
    steps = max(1, round(whole.steps * scale))
    recipe = shortened(whole, steps) if steps < whole.steps else whole
    changed = {key: value for key, value in recipe if key != "steps" and value != getattr(whole, key)}
    found: dict[str, Any] = {"steps": steps, "recipe": {**suite.recipe, **changed}}
    if suite.eval_every:
        found["eval_every"] = scaled(suite.eval_every, whole.steps, steps)
    return found


def is_on(row: Row, dataset: str) -> bool:
    """Whether a row is on a dataset as a suite names it; a row names own data by the last name of their path."""
    return row.dataset in (dataset, shown_of(dataset))


def compare(
    published: Published, rows: Iterable[Row], declared: Mapping[str, ValueInfo] | None = None
) -> list[Comparison]:
    """Put our trials beside the printed values, in the order of the table.

    How a value is read is known from a trial that has it; ``declared`` says it where nothing is trained yet.
    """
    rows = list(rows)
    known = dict(declared or {})
    for row in rows:
        known |= row.values
    found = []
    for cell in published.cells:
        own = [
            row
            for row in rows
            if not row.baseline
            and row.architecture == cell.architecture
            and is_on(row, cell.dataset)
            and cell.loss in ("", row.loss)
        ]
        for name, printed in cell.values.items():
            ours = tuple(value for row in own if (value := row.metrics.get(name)) is not None)
            found.append(
                Comparison(
                    cell=cell,
                    value=name,
                    info=known.get(name),
                    printed=printed,
                    ours=ours,
                    trials=len(own),
                    interval=interval(ours, method="t"),
                    difference=_difference(ours, printed, published.runs),
                )
            )
    return found


def _difference(ours: Sequence[float], printed: Printed, runs: int) -> Interval | None:
    mean, error = printed
    return prediction_interval(ours, mean, runs) if error is None else difference_interval(ours, mean, error, runs)
