"""From the command line's words for ``ganbench eval`` to the request that the worker answers."""

import os
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ganbench import grid
from ganbench.errors import UsageError, did_you_mean
from ganbench.executors import devices
from ganbench.grid import ComponentRequest
from ganbench.plan import PlanRequest, SourceRequest, SourcesRequest
from ganbench.records.finding import RUNS, name_of
from ganbench.records.folder import TrialFolder, require_generator
from ganbench.registry import Registry
from ganbench.spec import Component, TrialSpec
from ganbench.tables.wording import counted

ARRAYS = (".npy", ".npz", ".pt", ".pth")


def to_request(
    sources: Sequence[Path],
    registry: Registry,
    *,
    against: str | None = None,
    reference: str | None = None,
    metrics: Sequence[str] = (),
    extractor: str | None = None,
    num_samples: int | None = None,
    labels: Literal["balanced", "reference"] | None = None,
    label: Sequence[str] = (),
    size: int | None = None,
    channels: int | None = None,
    value_range: str | None = None,
    latent_dim: int | None = None,
    latent: str | None = None,
    seed: Sequence[int] = (),
    data_root: str | None = None,
    device: str = "auto",
    runs: Path = RUNS,
) -> SourcesRequest:
    """Return the request; the parameters are the options of ``ganbench eval``, and ``runs`` is where a trial is looked
    for that is named without its folder.

    Raises:
        UsageError: an unknown name, no reference, or a reference that is nothing of the kind; or labels and seeds that
            do not say of each source which it is.
        StoreError: a trial that is named has no generator, or cannot be read; or several names begin like it.
    """
    described: dict[str, Any] = {
        "size": size or 0,
        "channels": channels or 0,
        "value_range": value_range or "",
        "latent_dim": latent_dim or 0,
        "latent": latent or "",
    }
    places = [_place(path, runs) for path in sources]
    requests = tuple(
        SourceRequest(path=str(path.absolute()), trial=_is_trial(path), label=name, seed=number, **described)
        for path, (name, number) in zip(places, _trainings(len(sources), label, seed), strict=True)
    )
    for source in requests:
        if source.trial:
            _require_undescribed(source)
            require_generator(TrialFolder(Path(source.path)))
    chosen = grid.parse_axis("extractor", [extractor], registry) if extractor else []
    if len(chosen) > 1:
        raise UsageError("one evaluation uses one extractor, so that its numbers can be compared; name only one")
    asked: dict[str, Any] = {
        "metrics": tuple(grid.parse_axis("metric", metrics, registry)) or None,
        "extractor": chosen[0] if chosen else None,
        "num_samples": num_samples,
        "reference_split": reference,
        "data_root": data_root,
    }
    scored_as = _trial_meant(against, requests, registry, runs)
    base = _as_scored(scored_as, registry) if scored_as else _dataset(str(against), registry)
    plan = base.model_copy(update={name: value for name, value in asked.items() if value is not None})
    return SourcesRequest(
        sources=requests,
        plan=plan,
        asked=num_samples is not None,
        extractor_asked=bool(chosen),
        device=devices.choose(device),
        labels=labels,
    )


def _trainings(count: int, labels: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """The label, or an empty one, and the seed of each source: those of one label count up from one seed.

    Raises:
        UsageError: neither one is given nor one for each source, two sources are one training, or a seed is too large.
    """
    for option, given in (("--label", labels), ("--seed", seeds)):
        if len(given) not in (0, 1, count):
            raise UsageError(
                f"{option} is given {len(given)} times for {counted(count, 'source')}; give it once, or once for each "
                "source"
            )
    names = list(labels) if len(labels) == count else [labels[0] if labels else ""] * count
    if len(seeds) == count:
        numbers = list(seeds)
    else:
        first = seeds[0] if seeds else 0
        before: Counter[str] = Counter()
        numbers = []
        for name in names:
            numbers.append(first + before[name])
            if name:
                before[name] += 1
        if max(numbers, default=0) >= 2**63:
            raise UsageError(f"--seed {first}: the seeds that count up from it must be below 2^63; use a smaller one")
    found = list(zip(names, numbers, strict=True))
    for (name, number), times in Counter(found).items():
        if name and times > 1:
            raise UsageError(f"--seed {number} is given twice for '{name}'; each training needs a seed of its own")
    return found


def _trial_meant(
    against: str | None, sources: Sequence[SourceRequest], registry: Registry, runs: Path
) -> TrialFolder | None:
    """The trial whose evaluation is used: that of ``--against``, or the first source where it is not given."""
    if against is not None:
        place = Path(os.path.expanduser(against)) if _is_dataset(against, registry) else _place(Path(against), runs)
        return TrialFolder(place) if _is_trial(place) else None
    if all(source.trial for source in sources):
        return TrialFolder(Path(sources[0].path))
    raise UsageError("there is nothing to compare with; name a reference, e.g. --against digits")


def _as_scored(folder: TrialFolder, registry: Registry) -> PlanRequest:
    """A plan that scores as a trial was scored."""
    trial = folder.read_spec()
    spec: TrialSpec = trial.spec
    evaluation = spec.evaluation
    for path in trial.execution.data_at.values():
        if not Path(path).exists():
            raise UsageError(
                f"the samples that {folder.path} was scored against are no longer at {path}; name their new "
                f"place, e.g. {_where_they_lie_now(spec)}"
            )
    return PlanRequest(
        losses=(),
        architectures=(),
        datasets=(_asked("dataset", spec.data.component, registry, trial.execution.data_at),),
        metrics=tuple(_asked("metric", component, registry) for component in evaluation.metrics),
        extractor=_asked("extractor", evaluation.extractor, registry) if evaluation.extractor else None,
        num_samples=evaluation.num_samples,
        reference_split=evaluation.reference.split,
        labels=evaluation.labels if evaluation.labels in ("balanced", "reference") else None,
        data_root=trial.execution.data_root,
    )


def _where_they_lie_now(spec: TrialSpec) -> str:
    """The options that stand for a trial's dataset at another place, and for its extractor, which may be another's."""
    data, extractor = spec.data.component, spec.evaluation.extractor
    words = ["--against", f"{data.name}:PATH{data.label.removeprefix(data.name)}"]
    return shlex.join(words + (["--extractor", extractor.label] if extractor else []))


def _asked(
    kind: str, component: Component, registry: Registry, data_at: Mapping[str, str] | None = None
) -> ComponentRequest:
    """The request that a resolved component came from, where its samples lie now."""
    entry = registry.find(kind, f"{component.plugin}:{component.name}")
    return ComponentRequest(
        kind=kind,
        name=entry.name,
        distribution=entry.distribution,
        version=entry.version,
        target=entry.target,
        parameters={**component.parameters, **(data_at or {})},
    )


def _dataset(against: str, registry: Registry) -> PlanRequest:
    """A plan that compares with a dataset by its name, or with the images or the array at a path."""
    if not _is_dataset(against, registry):
        head = against.partition("[")[0].strip()
        path = Path(os.path.expanduser(head))
        if (trial := next(path.glob("*/spec.json"), None)) is not None:
            raise UsageError(f"--against {against} is a folder of trials; name one of them, e.g. {trial.parent}")
        if not path.exists():
            hint = did_you_mean(head, registry.names("dataset"))
            raise UsageError(f"--against {against} is not a dataset, a file or a folder{hint}")
        against = f"{'array' if path.suffix.lower() in ARRAYS else 'folder'}:{against}"
    datasets = grid.parse_axis("dataset", [against], registry)
    if len(datasets) != 1:
        raise UsageError(f"--against must name one reference, not {len(datasets)}")
    return PlanRequest(losses=(), architectures=(), datasets=tuple(datasets))


def _is_dataset(against: str, registry: Registry) -> bool:
    """Whether it begins with a dataset's name; ``distribution:name`` and ``folder:PATH`` begin with what is no path."""
    head = against.partition("[")[0].strip()
    known = {entry.qualified for entry in registry.entries("dataset")}
    return head.partition(":")[0] in registry.names("dataset") or head in known


def _place(path: Path, runs: Path) -> Path:
    """The file or folder that is meant, which need not be there; where it is not, a trial is, if one is called so."""
    place = Path(os.path.expanduser(path))
    name = None if place.exists() else name_of(path, runs)
    return place if name is None else runs / name


def _is_trial(path: Path) -> bool:
    return (path / "spec.json").is_file()


def _require_undescribed(trial: SourceRequest) -> None:
    """Raise :class:`UsageError` where a trial is described like a file that says nothing of itself."""
    for option, is_given in (
        ("--size", trial.size),
        ("--range", trial.value_range),
        ("--latent-dim", trial.latent_dim),
        ("--latent", trial.latent),
    ):
        if is_given:
            raise UsageError(f"{trial.path} is a trial, so its z and samples are known; leave {option} out")
