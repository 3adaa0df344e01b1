"""A dataset read for a plan: its splits, and how what is trained on it is scored."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from ganbench.api import Dataset, Extractor, Metric, Samples
from ganbench.errors import DataError, GanbenchError, UsageError, did_you_mean, with_kind
from ganbench.evaluation.evaluator import check_shape, owners
from ganbench.evaluation.handout import require_untruncated
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import require, uses_extractor
from ganbench.grid import ComponentRequest
from ganbench.plan import PlanRequest
from ganbench.registry import Registry
from ganbench.resolving import components
from ganbench.spec import Component, DataSpec, EvaluationSpec, Labels, ReferenceSpec

SPLITS = ("train", "test")
DEFAULT_SAMPLES = 10_000


class Data(NamedTuple):
    """A dataset read once for all the cells that use it.

    ``asked`` is the dataset with all its parameters, for messages; ``spec`` is what a trial asks, without those that
    say where the samples lie, which are ``data_at``. ``floor`` is how its real samples are scored, where baselines are
    asked for: as everything else, or, where there are fewer of them beside the reference, with as many as there are;
    ``floor_warnings`` are about that. ``of_fake_labels`` are the metrics that look at the labels of fakes, ``values``
    the declarations of the values that the plan names.
    """

    asked: DataSpec
    spec: DataSpec
    data_at: dict[str, str]
    dataset: Dataset
    evaluation: EvaluationSpec
    reference_classes: int
    warnings: tuple[str, ...]
    floor: EvaluationSpec
    floor_warnings: tuple[str, ...]
    of_fake_labels: tuple[str, ...]
    values: dict[str, dict[str, Any]]


class Opened:
    """A dataset whose splits are read, and their fingerprints taken, once, however often it is asked for them."""

    def __init__(self, request: ComponentRequest, registry: Registry, root: Path) -> None:
        self.component, self.dataset = components.resolve(request, registry)
        self._root = root
        self._splits: dict[str, Samples] = {}

    def load(self, split: str) -> Samples:
        """Return the samples of a split.

        Raises:
            UsageError: there are none, or they cannot be read.
            DataError: they were generated from truncated latents.
        """
        if split not in self._splits:
            samples = _load(self.component, self.dataset, split, self._root)
            for file in samples.files:
                require_untruncated(Path(file))
            self._splits[split] = samples
        return self._splits[split]


def read_dataset(request: ComponentRequest, plan: PlanRequest, registry: Registry, files: set[str]) -> Data:
    """Load a dataset's splits and settle how it is scored."""
    return settle(Opened(request, registry, Path(plan.data_root)), plan, registry, files)


def settle(opened: Opened, plan: PlanRequest, registry: Registry, files: set[str]) -> Data:
    """Settle how what is compared with a dataset is scored under a plan."""
    component, dataset = opened.component, opened.dataset
    train = opened.load("train")
    split = plan.reference_split or dataset.reference_split
    if split not in SPLITS:
        raise UsageError(f"reference split '{split}' must be one of: {', '.join(SPLITS)}")
    reference = opened.load(split)
    files.update(train.files, reference.files)
    asked = DataSpec(
        component=component,
        kind=train.kind,
        shape=train.shape,
        size=len(train),
        fingerprint=train.fingerprint,
        classes=train.class_count,
    )
    known, data_at = components.set_apart(component, registry)
    spec = asked.model_copy(update={"component": known})
    metrics = _metrics(plan, dataset, registry)
    evaluation, warnings = _evaluation(plan, asked, dataset, split, reference, train, metrics, registry, files)
    floor, floor_warnings = evaluation, warnings
    if plan.baselines:
        beside = train if split != "train" else _spare(opened)
        files.update(beside.files)
        if len(beside) < evaluation.num_samples:
            fewer = plan.model_copy(update={"num_samples": len(beside)})
            floor, floor_warnings = _evaluation(
                fewer, asked, dataset, split, reference, train, metrics, registry, files
            )
            told = f"only {len(beside)} real samples besides the reference, not {evaluation.num_samples}"
            floor_warnings += (f"there are {told}, so the floor has its own table",)
    declared = {name: asdict(value) for _, metric in metrics for name, value in metric.values.items()}
    of_fake_labels = tuple(component.name for component, metric in metrics if "fake_labels" in metric.needs)
    return Data(
        asked=asked,
        spec=spec,
        data_at=data_at,
        dataset=dataset,
        evaluation=evaluation,
        reference_classes=reference.class_count,
        warnings=warnings,
        floor=floor,
        floor_warnings=floor_warnings,
        of_fake_labels=of_fake_labels,
        values={name: declared[name] for name in plan.values},
    )


def require_labels(data: Data, labels: Labels, what: str) -> None:
    """Refuse metrics of the labels of fakes where the fakes have none.

    Raises:
        UsageError: names the metric and ``what`` makes the fakes.
    """
    if labels == "none" and data.of_fake_labels:
        raise UsageError(
            f"metric '{data.of_fake_labels[0]}' needs the labels of the fakes, but {what} has none; leave the "
            "metric out, or choose a conditional architecture"
        )


def settle_labels(what: str, data: Data, wanted: Labels | None) -> Labels:
    """Return where the labels of a conditional generator's fakes come from, checked to be there.

    Args:
        what: makes the fakes, for the message.
        data: what they are compared with.
        wanted: what was chosen; ``None`` takes the reference's where it has labels.

    Raises:
        UsageError: they are to be the reference's, which has none, or more than the training samples.
    """
    chosen: Labels = wanted or ("reference" if data.reference_classes else "balanced")
    known, there = data.spec.classes, data.reference_classes
    if chosen == "reference" and not 0 < there <= known:
        has = f"has {there} classes where the training samples have {known}" if there else "has no labels"
        raise UsageError(
            f"{what} makes fakes with the reference's labels, but the reference of '{data.asked.component.label}' "
            f"{has}; use --labels balanced"
        )
    return chosen


def _spare(opened: Opened) -> Samples:
    """Real samples for the floor where the reference is the training split: those of the test split.

    Raises:
        DataError: there are none; says that it is the baselines that need them.
    """
    try:
        return opened.load("test")
    except GanbenchError as error:
        raise DataError(
            f"baselines need real samples that are not in the reference, and {error}; or leave --baselines out"
        ) from error


def _load(component: Component, dataset: Dataset, split: str, root: Path) -> Samples:
    try:
        samples = dataset.load(split, root=root)
    except GanbenchError:
        raise
    except Exception as error:
        reason = with_kind(error)
        raise UsageError(f"dataset '{component.label}' cannot be read: {reason}") from error
    if len(samples) == 0:
        raise UsageError(f"dataset '{component.label}' has no samples in its split '{split}'")
    return samples


def _metrics(plan: PlanRequest, dataset: Dataset, registry: Registry) -> list[tuple[Component, Metric]]:
    """The metrics that were asked for, else the dataset's."""
    requests = plan.metrics or tuple(_default(metric, "metric", registry) for metric in dataset.metrics)
    return [components.resolve(request, registry) for request in requests]


def _evaluation(
    plan: PlanRequest,
    data: DataSpec,
    dataset: Dataset,
    split: str,
    reference: Samples,
    train: Samples,
    metrics: list[tuple[Component, Metric]],
    registry: Registry,
    files: set[str],
) -> tuple[EvaluationSpec, tuple[str, ...]]:
    """Settle extractor and sample counts, and refuse what would be meaningless."""
    name = data.component.label
    given = owners((component.label, metric) for component, metric in metrics)
    for value in plan.values:
        if value not in given:
            raise UsageError(f"no metric here returns the value '{value}'{did_you_mean(value, given)}")
    of_features = any(uses_extractor(metric) for _, metric in metrics)
    extractor_request = plan.extractor
    # A default is for images: an array of vectors has the metrics' reason, not that of an extractor nobody named.
    if extractor_request is None and dataset.extractor and data.kind == "image" and of_features:
        extractor_request = _default(dataset.extractor, "extractor", registry)
    extractor_component: Component | None = None
    extractor: Extractor | None = None
    sha256 = ""
    if extractor_request is not None and of_features:
        if data.kind != "image":
            raise UsageError(
                f"extractor '{extractor_request.name}' is for images, but dataset '{name}' has none; leave "
                "--extractor out"
            )
        extractor_component, extractor = components.resolve(extractor_request, registry)
        with called(extractor_request.name, extractor):
            check_shape(extractor, data.shape)
            sha256 = extractor.sha256()
        files.update(extractor.files())
    where = f"dataset '{name}'" + (f" with extractor '{extractor_component.name}'" if extractor_component else "")
    mixture = dataset.mixture()
    num_samples = plan.num_samples or min(len(reference), DEFAULT_SAMPLES)
    warnings = []
    for component, metric in metrics:
        require(
            component.name,
            metric,
            reference=reference,
            train=train,
            mixture=mixture,
            extractor=extractor,
            where=where,
        )
        warning = _check_counts(component, metric, num_samples, reference, extractor)
        if warning:
            warnings.append(f"{component.name}: {warning}")
    evaluation = EvaluationSpec(
        metrics=tuple(component for component, _ in metrics),
        extractor=extractor_component,
        extractor_sha256=sha256,
        num_samples=num_samples,
        reference=ReferenceSpec(split=split, size=len(reference), fingerprint=reference.fingerprint),
        every=plan.eval_every or 0,
    )
    return evaluation, tuple(warnings)


def _check_counts(
    component: Component, metric: Metric, fakes: int, reference: Samples, extractor: Extractor | None
) -> str | None:
    try:
        return metric.check(
            fakes=fakes,
            reference=len(reference),
            dimension=extractor.dimension if extractor and uses_extractor(metric) else reference.data[0].numel(),
            classes=reference.class_count,
        )
    except ValueError as error:
        raise UsageError(f"metric '{component.name}': {error}") from error


def _default(name: str, kind: str, registry: Registry) -> ComponentRequest:
    entry = registry.find(kind, name)
    return ComponentRequest(
        kind=kind, name=entry.name, distribution=entry.distribution, version=entry.version, target=entry.target
    )
