"""Under which conditions the rows of a table stand: recipes, protocol, environments."""

import json
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


def recipes(
    groups: Mapping[str, Group],
) -> tuple[tuple[str, ...], tuple[tuple[str, tuple[str, ...]], ...], tuple[tuple[str, str], ...]]:
    """The settings that differ, each row's values of them, and the settings that all rows share."""
    flat = {key: settings_of(group.first.spec) for key, group in groups.items()}
    names = list(dict.fromkeys(name for settings in flat.values() for name in settings))
    values = {name: [settings.get(name, "–") for settings in flat.values()] for name in names}
    differing = [name for name in names if len(set(values[name])) > 1]
    common = tuple((name, values[name][0]) for name in names if name not in differing)
    differences = tuple((key, tuple(own.get(name, "–") for name in differing)) for key, own in flat.items())
    return tuple(differing), differences, common


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
    yield "scored weights", protocol.weights
    yield "budget", clean(protocol.budget)
    yield "protocol", protocol.key


def surroundings(table: Table) -> Iterable[Surroundings]:
    """The environments of trials with a result, the commonest first."""
    counts: dict[str, int] = {}
    for group in table.all_groups:
        for row in group.rows:
            result = TrialFolder(row.folder).read_result()
            facts = list(_facts(result.get("environment"))) + list(_facts(result.get("determinism"), ("statement",)))
            if facts:
                text = json.dumps(facts)
                counts[text] = counts.get(text, 0) + 1
    for text, trials in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield Surroundings(trials, tuple((name, value) for name, value in json.loads(text)))


def _facts(content: object, only: tuple[str, ...] = ()) -> Iterable[tuple[str, str]]:
    if not isinstance(content, Mapping):
        return
    for name, value in content.items():
        if only and name not in only:
            continue
        if isinstance(value, Mapping):
            yield from _facts(value)
        elif value is not None:
            text = "repeatable" if name == "statement" else str(name).replace("_", " ")
            yield clean(text), clean(format_scalar(value) if isinstance(value, bool | int | float | str) else "")
