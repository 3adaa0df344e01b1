"""Under which conditions the rows of a table stand: recipes, protocol, environments."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ganbench.cleaning import clean
from ganbench.protocol import Protocol
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialSpec, format_scalar
from ganbench.tables.grouping import Group, Table


@dataclass(frozen=True)
class Surroundings:
    """Trials that ran under the same conditions: how many, and the conditions as (name, value)."""

    trials: int
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Recipes:
    """What rows were trained with.

    Attributes:
        differing: the settings that are not the same in all rows.
        values: of these, by row.
        common: the other settings as (name, value).
    """

    differing: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]]
    common: tuple[tuple[str, str], ...]


def recipes(groups: Mapping[str, Group]) -> Recipes:
    """Part the settings of rows into those that differ and those that all share."""
    flat = {key: settings_of(group.first.spec) for key, group in groups.items()}
    names = list(dict.fromkeys(name for settings in flat.values() for name in settings))
    values = {name: [settings.get(name, "–") for settings in flat.values()] for name in names}
    differing = tuple(name for name in names if len(set(values[name])) > 1)
    common = tuple((name, values[name][0]) for name in names if name not in differing)
    own = {key: tuple(settings.get(name, "–") for name in differing) for key, settings in flat.items()}
    return Recipes(differing, own, common)


def settings_of(spec: TrialSpec) -> dict[str, str]:
    """Every setting of a trial but loss, data, evaluation and seed; parameters as ``loss.lambda_gp``."""
    settings = {name: format_scalar(value) for name, value in spec.recipe.model_dump(mode="json").items()}
    parts = [("loss", spec.loss), ("architecture", spec.architecture)]
    parts += [(part.name, part) for part in (*spec.penalties, *spec.augmentations)]
    for role, component in parts:
        if component is None:
            continue
        for name, value in component.parameters.items():
            settings[f"{clean(role)}.{clean(name)}"] = clean(format_scalar(value))
    versions = {part.plugin: part.version for _, part in parts if part}
    return settings | {f"package {clean(name)}": clean(version) for name, version in sorted(versions.items())}


def protocol_facts(protocol: Protocol) -> Iterable[tuple[str, str]]:
    """The protocol as (name, value), its key last."""
    yield "dataset", clean(protocol.dataset)
    yield "metrics", clean(", ".join(protocol.metrics))
    yield "samples", f"{protocol.num_samples} generated against {protocol.reference_size} of “{protocol.reference}”"
    yield "reference", protocol.reference_fingerprint
    if protocol.training:
        yield "training samples", protocol.training
    yield "extractor", clean(protocol.extractor) or "none"
    if protocol.extractor_sha256:
        yield "extractor’s weights", protocol.extractor_sha256
    yield "torch-fidelity", clean(protocol.fidelity)
    if protocol.labels != "none":
        yield "labels", clean(protocol.shares) or protocol.labels
    yield "scored weights", protocol.weights
    yield "budget", clean(protocol.budget)
    yield "protocol", protocol.key


def surroundings(table: Table) -> Iterable[Surroundings]:
    """The environments of trials with a result, the commonest first."""
    counts: Counter[tuple[tuple[str, str], ...]] = Counter()
    for group in table.all_groups:
        for row in group.rows:
            result = TrialFolder(row.folder).read_result()
            determinism = result.get("determinism")
            told = determinism.get("statement") if isinstance(determinism, Mapping) else None
            counts[(*_facts(result.get("environment")), *_facts({"repeatable": told}))] += 1
    for facts, trials in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if facts:
            yield Surroundings(trials, facts)


def _facts(content: object) -> Iterable[tuple[str, str]]:
    """What is known, as (name, value), also of what is nested; an underscore is a space."""
    if not isinstance(content, Mapping):
        return
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _facts(value)
        elif value is not None:
            text = format_scalar(value) if isinstance(value, bool | int | float | str) else ""
            yield clean(str(name).replace("_", " ")), clean(text)
