"""A suite: a grid of trials, from the command line, from Python or from a TOML file with the same names."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, ValidationError, field_validator

from ganbench import grid
from ganbench.complaints import explain
from ganbench.errors import UsageError, did_you_mean
from ganbench.places import place
from ganbench.plan import PlanRequest
from ganbench.planning.arguments import plain
from ganbench.recipe import Policy
from ganbench.registry import Registry
from ganbench.settings import Count, Frozen, Natural, Recipe

DEFAULT_DATASET = "digits"
SHORT = {"arch": "architectures", "loss": "losses", "set": "recipe"}
"""What is no near miss of a key, and means one on the command line."""
HOW = frozenset(
    ("device", "devices", "per_device", "jobs", "out", "timeout", "memory_limit", "checkpoint_seconds", "retry",
     "executor", "executor_options", "slurm", "ray", "detach", "batch_seeds", "format", "quiet", "dry_run")
)  # fmt: skip
"""Options of ``ganbench run`` that decide no number."""


def _named(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be empty")
    return value


_Text = Annotated[str, AfterValidator(_named)]


def _listed(value: Any) -> Any:
    """Accept a text as a list of one, and whatever can be iterated as a list."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else value


def _place_text(value: Any) -> Any:
    """Accept a path of any type, and keep it as it was written."""
    place(value)
    return os.fspath(value)


_Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


def _seed_text(value: Any) -> Any:
    """Accept ``5``, ``"0,1,7"`` and ``[0, 1, 7]``."""
    if isinstance(value, str) or value is None:
        return value
    several = isinstance(value, Iterable) and not isinstance(value, Mapping | bytes | bytearray)
    items = list(value) if several else [value]
    if not items or not all(isinstance(item, str | Integral) and not isinstance(item, bool) for item in items):
        raise ValueError("must be a count such as 5, or a list such as [0, 1, 7]")
    return ",".join(str(item) for item in items) + ("," if several else "")


class Suite(Frozen):
    """What may stand in a suite file; everything has a default, and the command line overrides it.

    ``published`` holds what a paper printed for this grid; only ``ganbench reproduce`` reads it.
    """

    losses: _Names = ()
    architectures: _Names = ()
    datasets: _Names = ()
    seeds: Annotated[str, BeforeValidator(_seed_text)] | None = None
    steps: Count | None = None
    images: Count | None = None
    batch_size: Count | None = None
    metrics: _Names = ()
    extractor: _Text | None = None
    num_samples: Annotated[Count, Field(ge=2)] | None = None
    reference: _Text | None = None
    labels: Literal["balanced", "reference"] | None = None
    eval_every: Natural | None = None
    protocol: Policy | None = None
    baselines: Annotated[bool, Field(strict=True)] | None = None
    data_root: Annotated[str, BeforeValidator(_place_text)] | None = None
    trackers: _Names = ()
    recipe: dict[str, Any] = {}
    published: dict[str, Any] = {}
    _places: dict[str, str] = PrivateAttr(default_factory=dict)
    """Where each key stands: whether what it names is there is only known when a registry is."""

    @field_validator("steps", "images", "batch_size", "num_samples", "eval_every", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        """Refuse ``true`` where a number is meant: Python would read it as 1."""
        if isinstance(value, bool):
            raise ValueError("must be a whole number, not true or false")
        return value

    def settings(self) -> dict[str, Any]:
        """The recipe settings, with those that have an option of their own."""
        own = {name: getattr(self, name) for name in ("steps", "batch_size") if getattr(self, name) is not None}
        return {**self.recipe, **own}


def load(path: Path) -> Suite:
    """Read a suite file.

    Raises:
        UsageError: missing, not TOML, an unknown key or a wrong value; names the line.
    """
    try:
        text = path.read_text("utf-8-sig")  # some editors begin a file with a mark of its encoding
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the suite {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    except ValueError as error:  # Python reads no whole number of more than 4,300 digits
        raise UsageError(f"{path} contains a number with too many digits; whole numbers must be below 2^63") from error
    for key in content:
        if key not in Suite.model_fields:
            raise UsageError(f"{_where(path, key, text)}: unknown key '{key}'{_meant(key)}")
    suite = parse(content, f"{path}", text)
    if suite.images is not None and "steps" in suite.settings():
        raise UsageError(f"{_where(path, 'images', text)}: steps and images both set the budget; set only one of them")
    for name in ("steps", "batch_size"):
        if getattr(suite, name) is not None and name in suite.recipe:
            raise UsageError(f"{_where(path, name, text)}: {name} is set twice, here and in [recipe]; set it once")
    return suite


def parse(content: Mapping[str, Any], whose: str, text: str = "") -> Suite:
    """Validate a suite's content.

    Raises:
        UsageError: says whose value is wrong and, where the text is given, on which line.
    """
    content = plain(content)
    _check_recipe(content.get("recipe"), whose, text)
    try:
        suite = Suite.model_validate(content)
        suite._places.update({key: _where(whose, key, text) for key in content})
        return suite
    except ValidationError as error:
        place = error.errors(include_url=False)[0]["loc"]
        where = _where(whose, str(place[0]), text) if place else whose
        raise UsageError(f"{where}: {explain(error)}") from error


def _check_recipe(recipe: Any, whose: str, text: str) -> None:
    """Raise :class:`UsageError` for what no recipe can have; how values fit together is checked later."""
    if not isinstance(recipe, Mapping):
        return
    for key in recipe:
        if key not in Recipe.model_fields:
            hint = did_you_mean(str(key), Recipe.model_fields)
            if key in Suite.model_fields:  # what follows a table's head in TOML is the table's
                hint = "; it is a key of the suite itself: write it above [recipe]" if text else "; give it by itself"
            raise UsageError(f"{_where(whose, str(key), text)}: unknown recipe setting '{key}'{hint}")
    try:
        Recipe(**recipe)
    except ValidationError as error:
        place = error.errors(include_url=False)[0]["loc"]
        if place:
            raise UsageError(f"{_where(whose, str(place[0]), text)}: {explain(error)}") from error


def overlay(suite: Suite, given: Suite) -> Suite:
    """The suite with everything that was given instead; recipe settings stay apart, since their order counts."""
    update = {
        name: value
        for name in Suite.model_fields
        if name not in ("recipe", "steps", "batch_size") and (value := getattr(given, name)) not in (None, ())
    }
    # A budget given one way replaces one given the other way.
    if "steps" in given.settings():
        update["images"] = None
    return suite.model_copy(update=update)


def to_request(suite: Suite, given: Suite, registry: Registry) -> tuple[PlanRequest, tuple[int, ...]]:
    """Return the plan's request and the seeds of a suite overlaid by what was given.

    Raises:
        UsageError: an unknown name, no loss, no architecture or no dataset, or both steps and images.
    """
    merged = overlay(suite, given)
    _require_sense(merged, given)
    with _said_where("extractor", suite, given):
        extractor = grid.parse_axis("extractor", [merged.extractor], registry) if merged.extractor else []
    if len(extractor) > 1:
        raise UsageError("one run uses one extractor, so that its numbers can be compared; name only one")
    with _said_where("losses", suite, given):
        losses = tuple(grid.parse_losses(merged.losses, registry))
    with _said_where("architectures", suite, given):
        architectures = tuple(grid.parse_axis("architecture", merged.architectures, registry))
    with _said_where("datasets", suite, given):
        datasets = tuple(grid.parse_axis("dataset", merged.datasets or (DEFAULT_DATASET,), registry))
    with _said_where("metrics", suite, given):
        metrics = tuple(grid.parse_axis("metric", merged.metrics, registry))
    with _said_where("seeds", suite, given):
        seeds = grid.parse_seeds("1" if merged.seeds is None else merged.seeds)
    request = PlanRequest(
        losses=losses,
        architectures=architectures,
        datasets=datasets,
        policy=merged.protocol or "paper",
        suite_recipe=suite.settings(),
        recipe=given.settings(),
        images=merged.images,
        metrics=metrics or None,
        extractor=extractor[0] if extractor else None,
        num_samples=merged.num_samples,
        reference_split=merged.reference,
        labels=merged.labels,
        eval_every=merged.eval_every,
        baselines=bool(merged.baselines),
        data_root=merged.data_root or "data",
    )
    cells = len(request.losses) * len(request.architectures) * len(request.datasets) * len(seeds)
    if cells > grid.MAX_TRIALS:
        raise UsageError(f"the grid has {cells} trials; at most {grid.MAX_TRIALS} are allowed")
    return request, seeds


def _require_sense(merged: Suite, given: Suite) -> None:
    """Refuse an empty grid, and what is given twice in different words."""
    # An empty text counts as none: --losses "$LOSSES" must not pass as a grid of no trials where LOSSES is not set.
    if not grid.split_list(merged.losses):
        raise UsageError("no losses; name some with --losses, e.g. --losses vanilla,lsgan")
    if not grid.split_list(merged.architectures):
        raise UsageError("no architectures; name some with --arch, e.g. --arch dcgan,resnet")
    if merged.datasets and not grid.split_list(merged.datasets):
        raise UsageError(f"no datasets; name some with --dataset, or leave it out for {DEFAULT_DATASET}")
    if merged.metrics and not grid.split_list(merged.metrics):
        raise UsageError("no metrics; name some with --metrics, or leave it out to use the dataset's")
    if given.images is not None and "steps" in given.settings():
        raise UsageError("steps and images both set the budget; give only one of them")
    for name in ("steps", "batch_size"):
        if getattr(given, name) is not None and name in given.recipe:
            raise UsageError(f"{name} is set twice, with --{name.replace('_', '-')} and with --set; give it once")


def trackers_of(suite: Suite, given: Suite, registry: Registry) -> tuple[grid.ComponentRequest, ...]:
    """The trackers of a suite, or those given instead.

    Raises:
        UsageError: an unknown name or parameters that cannot be read.
    """
    with _said_where("trackers", suite, given):
        return tuple(grid.parse_axis("tracker", given.trackers or suite.trackers, registry))


@contextmanager
def _said_where(key: str, suite: Suite, given: Suite) -> Iterator[None]:
    """Let what is wrong with a key's value begin with where it stands, if it is the suite's and not what was given."""
    try:
        yield
    except UsageError as error:
        place = suite._places.get(key, "") if getattr(given, key) in (None, ()) else ""
        if not place:
            raise
        raise UsageError(f"{place}: {error}") from error


def _meant(key: str) -> str:
    """What to say of a key that no suite has; on the command line some have other names, and there are more."""
    close = did_you_mean(key, Suite.model_fields)
    if key in SHORT:
        close = f"; did you mean '{SHORT[key]}'?"
    elif key in Recipe.model_fields:
        close = "; it is a setting of the recipe: write it below a line [recipe]"
    elif key.replace("-", "_") in HOW:
        close = "; how and where trials run is said with an option of the command, not in a suite"
    return close


def _where(whose: object, key: str, text: str) -> str:
    """Whose value it is, with the line that sets ``key``, as a key or in a table's head, where one is found."""
    name = rf"[\"']?{re.escape(key)}[\"']?"
    found = re.search(rf"^\s*(?:\[\[?\s*)?(?:[\w\"'-]+\s*\.\s*)*{name}\s*[=.\]]", text, flags=re.MULTILINE)
    if not found:
        return f"{whose}"
    line = text[: found.start()].count("\n") + 1 + found.group().count("\n", 0, -1)
    return f"{whose}, line {line}"
