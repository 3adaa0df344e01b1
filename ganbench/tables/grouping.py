"""Rows to tables: one table per protocol, one group per question, the seeds of a question summed up."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from ganbench.files import digest
from ganbench.protocol import Protocol
from ganbench.spec import STATUSES, TrialSpec, format_scalar
from ganbench.statistics import Summary, summarise
from ganbench.store.results import SUCCESS, Row
from ganbench.store.values import ValueInfo


@dataclass
class Group:
    """The trials that differ in nothing but the seed, or are the trainings that ``ganbench eval`` was told have one
    label. ``recipe`` says what sets it apart from a namesake.
    """

    rows: list[Row]
    recipe: str = ""

    @property
    def first(self) -> Row:
        """Any of them: they share everything but the seed and what became of them."""
        return self.rows[0]

    @property
    def done(self) -> list[Row]:
        """Those with numbers."""
        return [row for row in self.rows if row.done]

    @property
    def statuses(self) -> Counter[str]:
        """How many ended how."""
        return Counter(row.status for row in self.rows)

    @property
    def status(self) -> str:
        """``done``; of several seeds, some not done, ``done 3/5, diverged 2``."""
        counts = self.statuses
        if len(counts) == 1:
            return self.first.status
        others = [f"{status} {counts[status]}" for status in STATUSES if status != SUCCESS and counts[status]]
        return ", ".join([f"{SUCCESS} {counts[SUCCESS]}/{len(self.rows)}", *others])

    def metric(self, name: str) -> Summary | None:
        """The last value over the seeds that are done."""
        return summarise(row.metrics.get(name) for row in self.done)

    def best(self, name: str) -> Summary | None:
        """Each seed's best value, over the seeds that are done."""
        return summarise(row.best[name].value for row in self.done if name in row.best)

    def cost(self, name: str) -> Summary | None:
        """A cost over the seeds that are done."""
        return summarise(row.cost.get(name) for row in self.done)


@dataclass
class Table:
    """What may stand in one ranking, and the baselines that frame it.

    ``protocol`` is ``None`` without any result. ``part`` says which part of its protocol's rows a split table holds.
    """

    protocol: Protocol | None
    groups: list[Group]
    baselines: list[Group]
    values: dict[str, ValueInfo] = field(default_factory=dict)
    part: str = ""

    @property
    def scores(self) -> dict[str, ValueInfo]:
        """The values of which it is known which way is better: those that rows can be ranked by."""
        return {name: info for name, info in self.values.items() if info.direction is not None}

    @property
    def all_groups(self) -> list[Group]:
        """The groups, the baselines last."""
        return [*self.groups, *self.baselines]

    @property
    def datasets(self) -> str:
        """What it is about, in words; own data of one protocol may be called differently."""
        return ", ".join(dict.fromkeys(group.first.dataset for group in self.all_groups))

    @property
    def sentence(self) -> str:
        """The protocol in a line."""
        if self.protocol is not None:
            return self.protocol.sentence(self.all_groups[0].first.dataset)
        return f"{self.all_groups[0].first.dataset}: no trial has a result, so there is no protocol to name"


def build(rows: Sequence[Row]) -> list[Table]:
    """Sort rows into tables.

    A trial that ended before it had a result stands in the table that its specification belongs to, or in one of its
    own. Samples from elsewhere stand in every table whose fakes had their labels, or in one of their own, and the
    other baselines in every table that measures alike, or in one of their own. No row is left out.
    """
    rows = named_alike(rows)
    trials = [row for row in rows if not row.baseline]
    given = [row for row in rows if row.baseline == "external"]
    baselines = [row for row in rows if row.baseline not in ("", "external")]
    parts = [(part, list[Row]()) for part in _partition(trials, attrgetter("key"), _scope)]
    for key, more in (("fakes", given), ("measure", baselines)):
        parts = _beside(parts, _partition(more, attrgetter(key), _measure), attrgetter(key))
    return [_table(part, beside) for part, beside in parts]


def named_alike(rows: Iterable[Row]) -> list[Row]:
    """Give own data one name in all rows: that of the first, where equal samples lay at several places.

    Where two have one name, it is followed by the beginning of their fingerprints.
    """
    rows = list(rows)
    names: dict[tuple[str, str, str], str] = {}
    for row in rows:
        if row.named:
            names.setdefault(_own_data(row), row.named)
    namesakes = Counter(names.values())
    alike = []
    for row in rows:
        if row.named:
            name = names[_own_data(row)]
            told = f" ({row.spec.data.fingerprint[:8]})" if namesakes[name] > 1 else ""
            row = replace(row, named=f"{name}{told}")
        alike.append(row)
    return alike


def _own_data(row: Row) -> tuple[str, str, str]:
    data = row.spec.data
    return data.component.plugin, data.component.label, data.fingerprint


def _partition(
    rows: Sequence[Row], key: Callable[[Protocol], str], scope: Callable[[TrialSpec], str]
) -> list[list[Row]]:
    """Split by the ``key`` of protocols; rows without one join the first part with a row of the same ``scope``."""
    parts: dict[str, list[Row]] = {}
    lost: list[Row] = []
    for row in rows:
        if row.protocol is None:
            lost.append(row)
        else:
            parts.setdefault(f"protocol {key(row.protocol)}", []).append(row)
    home: dict[str, str] = {}
    # Thousands of scopes take seconds, and only a row without a key asks for one.
    for name, part in parts.items() if lost else ():
        for row in part:
            home.setdefault(scope(row.spec), name)
    for row in lost:
        name = home.setdefault(scope(row.spec), f"scope {scope(row.spec)}")
        parts.setdefault(name, []).append(row)
    place = {id(row): index for index, row in enumerate(rows)}
    return [sorted(part, key=lambda row: place[id(row)]) for part in parts.values()]


def _measure(spec: TrialSpec) -> str:
    """What of the protocol's measure a specification fixes."""
    return digest([spec.data.model_dump(mode="json"), spec.evaluation.model_dump(mode="json", exclude={"every"})])


def _scope(spec: TrialSpec) -> str:
    """What of the protocol a specification fixes."""
    updates = spec.recipe.steps * spec.recipe.n_generator
    return digest([_measure(spec), spec.weights, updates, spec.recipe.batch_size])


def _beside(
    parts: list[tuple[list[Row], list[Row]]], more: list[list[Row]], key: Callable[[Protocol], str]
) -> list[tuple[list[Row], list[Row]]]:
    """Put each of ``more`` beneath the rows of every part with its ``key``, or else in a part of its own."""
    found, used = [], set[int]()
    for trials, beneath in parts:
        fitting = [index for index, some in enumerate(more) if _alike(some, trials or beneath, key)]
        found.append((trials, [*beneath, *(row for index in fitting for row in more[index])]))
        used.update(fitting)
    return found + [([], some) for index, some in enumerate(more) if index not in used]


def _alike(some: list[Row], others: list[Row], key: Callable[[Protocol], str]) -> bool:
    """Whether rows have the same ``key``: by their protocols, else by their specifications."""
    one, other = (next((key(row.protocol) for row in rows if row.protocol), None) for rows in (some, others))
    if one is not None and other is not None:
        return one == other
    return _measure(some[0].spec) == _measure(others[0].spec)


def _table(trials: list[Row], baselines: list[Row]) -> Table:
    rows = [*trials, *baselines]
    protocol = next((row.protocol for row in rows if row.protocol), None)
    table = Table(protocol=protocol, groups=_groups(trials), baselines=_groups(baselines))
    for row in rows:
        for name, info in row.values.items():
            table.values.setdefault(name, info)
    tell_apart(table.groups)
    tell_apart(table.baselines)
    return table


def _groups(rows: list[Row]) -> list[Group]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        key = digest(_question(row.spec))
        if any(_one_training(row.spec, other.spec) for other in groups.get(key, ())):
            key = digest(_question(row.spec, alone=True))
        groups.setdefault(key, []).append(row)
    # Baselines go by name, so that the floor and the ceiling are in the same order in every table.
    return sorted((Group(part) for part in groups.values()), key=lambda group: group.first.baseline)


def _question(spec: TrialSpec, *, alone: bool = False) -> dict[str, Any]:
    """The specification without its seed.

    Of what ganbench did not train, a seed says which training it is only where the user gave a label. Else it is of the
    draw, and several draws from one training say nothing of another: they are not summed up.

    Args:
        spec: of a trial.
        alone: it is not one of several trainings.
    """
    question = spec.model_dump(mode="json", exclude={"seed"})
    if spec.baseline == "real":
        del question["recipe"]
    if spec.source is not None:
        if spec.source.named:  # whose trainings may be saved in several ways
            del question["source"]["kind"], question["source"]["value_range"]
        del question["source"]["fingerprint"]
        if alone or not spec.source.named:
            question |= {"fingerprint": spec.source.fingerprint, "seed": spec.seed}
    return question


def _one_training(first: TrialSpec, second: TrialSpec) -> bool:
    """Whether two trials of one label are the same training, by its seed or by what it made."""
    if first.source is None or second.source is None:
        return False
    return first.seed == second.seed or first.source.fingerprint == second.source.fingerprint


def tell_apart(groups: Iterable[Group]) -> None:
    """Name what differs between groups that would read the same."""
    namesakes: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups:
        row = group.first
        namesakes.setdefault((row.loss, row.architecture, row.dataset), []).append(group)
    for same in namesakes.values():
        if len(same) < 2:
            continue
        flat = [dict(_leaves(_question(group.first.spec, alone=len(group.rows) == 1))) for group in same]
        names = list(dict.fromkeys(key for leaves in flat for key in leaves))
        differing = [name for name in names if len({json.dumps(leaves.get(name)) for leaves in flat}) > 1]
        # A source hash says something to a person only where nothing else does.
        telling = [name for name in differing if not name.endswith((".source", ".label"))] or differing
        for group, leaves in zip(same, flat, strict=True):
            group.recipe = " ".join(_setting(name, leaves[name]) for name in telling if name in leaves)


def _leaves(value: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    """Every setting with its dotted path."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for index, inner in enumerate(value):
            name = inner.get("name", index) if isinstance(inner, Mapping) else index
            yield from _leaves(inner, f"{path}.{name}")
    else:
        yield path, value


def _setting(path: str, value: Any) -> str:
    """``d_lr=0.0001``; a hash is cut to eight digits."""
    name = path.removeprefix("recipe.").removeprefix("evaluation.").replace(".parameters.", ".")
    if isinstance(value, str) and path.endswith((".source", "fingerprint", "sha256")):
        value = value[:8]
    return f"{name}={format_scalar(value) if isinstance(value, bool | int | float | str) else json.dumps(value)}"
