"""A dataset read for a plan: its splits, and how samples are scored against it."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ganbench import components
from ganbench.api import Dataset, Extractor, Metric, Need, Samples
from ganbench.errors import DataError, GanbenchError, NotAtHand, UsageError, did_you_mean, with_kind
from ganbench.evaluation.handout import require_untruncated
from ganbench.evaluation.naming import called
from ganbench.evaluation.needs import check_shape, layers_of, owners, require, uses_extractor
from ganbench.grid import ComponentRequest
from ganbench.plan import PlanRequest
from ganbench.registry import Registry
from ganbench.resolving.form import default_metrics, wrong_labels, wrong_samples
from ganbench.spec import Component, DataSpec, EvaluationSpec, Labels, ReferenceSpec

SPLITS = ("train", "test")
DEFAULT_SAMPLES = 10_000
CONDITIONAL = "choose a conditional architecture"
ADVICE = re.compile(r"(;| or) raise --num-samples$")
"""How the complaints of metrics end that need more samples."""
PLENTY = 10**9  # fakes that are enough for any metric, unless it lacks something else


class Scored(NamedTuple):
    """How some number of samples is scored, and what to say of that number."""

    spec: EvaluationSpec
    warnings: tuple[str, ...]


class Network(NamedTuple):
    """An extractor as it is recorded, the extractor itself, and the SHA-256 of its weights."""

    component: Component
    extractor: Extractor
    sha256: str


class Data:
    """A dataset read once for all that is trained on it or compared with it under a plan.

    Attributes:
        asked: the dataset with all its parameters, for messages.
        spec: what a trial asks: the same without the parameters that say where the samples lie.
        data_at: those parameters.
        dataset: the dataset itself.
        reference: the samples that others are compared with.
        values: the declarations of the values that the plan names.
    """

    def __init__(self, request: ComponentRequest, plan: PlanRequest, registry: Registry, files: set[str]) -> None:
        """Read the splits, and look whether there is what the metrics need.

        Args:
            request: the dataset.
            plan: how it is scored; its other datasets do not matter.
            registry: where components are found.
            files: takes in the absolute paths of all files that the answer depends on.

        Raises:
            UsageError: something cannot be read, or is missing; names it. A :class:`NotAtHand` where it is the samples,
                or the extractor's weights.
            DataError: samples were generated from truncated latents.
        """
        self._component, self.dataset = components.resolve(request, registry)
        self._root, self._files = Path(plan.data_root), files
        self._splits: dict[str, Samples] = {}
        self._scored: dict[int, Scored] = {}
        self._split = plan.reference_split or self.dataset.reference_split
        if self._split not in SPLITS:
            raise UsageError(f"reference split '{self._split}' must be one of: {', '.join(SPLITS)}")
        self._metrics = _metrics(plan, self.dataset, registry)
        _require_values(plan, self._metrics)
        declared = {name: asdict(value) for _, metric in self._metrics for name, value in metric.values.items()}
        self.values = {name: declared[name] for name in plan.values}
        train, self.reference = self._load("train"), self._load(self._split)
        self.asked = DataSpec(
            component=self._component,
            kind=train.kind,
            shape=train.shape,
            size=len(train),
            fingerprint=train.fingerprint,
            classes=train.class_count,
        )
        self._network = self._chosen_network(plan, registry)
        known, self.data_at = components.set_apart(self._component, registry)
        self.spec = self.asked.model_copy(update={"component": known})
        name, mixture = self._component.label, self.dataset.mixture()
        where = f"dataset '{name}'" + (f" with extractor '{self._network.component.name}'" if self._network else "")
        for component, metric in self._metrics:
            require(
                component.name,
                metric,
                reference=self.reference,
                train=train,
                mixture=mixture,
                extractor=self._network.extractor if self._network else None,
                where=where,
            )

    def scored(self, count: int | None) -> Scored:
        """Settle how ``count`` samples are scored; ``None``: as many as the reference has, up to a bound.

        Raises:
            UsageError: for so few the number of some metric would be meaningless.
        """
        count = count or min(len(self.reference), DEFAULT_SAMPLES)
        if count not in self._scored:
            evaluation = EvaluationSpec(
                metrics=tuple(component for component, _ in self._metrics),
                extractor=self._network.component if self._network else None,
                extractor_sha256=self._network.sha256 if self._network else "",
                num_samples=count,
                reference=ReferenceSpec(
                    split=self._split, size=len(self.reference), fingerprint=self.reference.fingerprint
                ),
                every=0,  # cells that are trained have their own
            )
            warnings = tuple(
                f"metric '{component.name}': {warning}"
                for component, metric in self._metrics
                if (warning := self._warning(component, metric, count))
            )
            self._scored[count] = Scored(evaluation, warnings)
        return self._scored[count]

    def floor(self, count: int | None) -> Scored:
        """Settle how real samples that are not in the reference are scored: as :meth:`scored`, or as many as there are.

        Raises:
            GanbenchError: there are none, or too few for a metric; says that it is the baselines that need them.
        """
        usual = self.scored(count)
        there, wanted = len(self._beside_the_reference()), usual.spec.num_samples
        if there >= wanted:
            return usual
        told = f"there are only {there} real samples besides the reference"
        try:
            fewer = self.scored(there)
        except UsageError as error:
            raise UsageError(f"{without_advice(str(error), told)}; or leave --baselines out") from error
        return Scored(fewer.spec, (*fewer.warnings, f"{told}, not {wanted}, so the floor has its own table"))

    def require_labels(self, labels: Labels, what: str, otherwise: str = CONDITIONAL) -> None:
        """Refuse metrics of the labels of fakes where the fakes have none.

        Raises:
            UsageError: names the metric, ``what`` makes the fakes, and ``otherwise`` what else to do than leave it out.
        """
        if labels == "none" and (name := self.first_with("fake_labels")):
            raise UsageError(
                f"metric '{name}' needs the labels of the fakes, but {what} has none; leave the "
                f"metric out, or {otherwise}"
            )

    def first_with(self, need: Need) -> str:
        """Return the name of the first metric that has a need; empty where none has it."""
        return next((component.name for component, metric in self._metrics if need in metric.needs), "")

    def settle_labels(self, what: str, wanted: Labels | None) -> Labels:
        """Return where the labels of a conditional generator's fakes come from, checked to be there.

        Args:
            what: makes the fakes, for the message.
            wanted: what was chosen; ``None`` takes the reference's where it has labels.

        Raises:
            UsageError: they are to be the reference's, which has none, or more than the training samples.
        """
        known, there = self.spec.classes, self.reference.class_count
        chosen: Labels = wanted or ("reference" if there else "balanced")
        if chosen == "reference" and not 0 < there <= known:
            has = f"has {there} classes where the training samples have {known}" if there else "has no labels"
            raise UsageError(
                f"{what} makes fakes with the reference's labels, but the reference of '{self.asked.component.label}' "
                f"{has}; use --labels balanced"
            )
        return chosen

    def try_network(self) -> None:
        """Build the feature network once: weights of another network are refused before anything is written."""
        if self._network is not None:
            extractor = self._network.extractor
            with called(self._network.component.name, extractor):
                extractor.build(layers_of(extractor))

    def _load(self, split: str) -> Samples:
        """The samples of a split, read and given their fingerprint once, however often they are asked for."""
        if split in self._splits:
            return self._splits[split]
        try:
            samples: Samples = self.dataset.load(split, root=self._root)
        except DataError as error:
            raise NotAtHand(str(error), self.values) from error
        except GanbenchError:
            raise
        except Exception as error:
            raise UsageError(f"dataset '{self._component.label}' cannot be read: {with_kind(error)}") from error
        if wrong := wrong_samples(samples, split) or wrong_labels(samples, split):
            raise UsageError(f"dataset '{self._component.label}': {wrong}")
        for file in samples.files:
            require_untruncated(Path(file))
        self._files.update(samples.files)
        return self._splits.setdefault(split, samples)

    def _beside_the_reference(self) -> Samples:
        if self._split != "train":
            return self._load("train")
        try:
            return self._load("test")
        except GanbenchError as error:
            raise DataError(
                f"baselines need real samples that are not in the reference, and {error}; or leave --baselines out"
            ) from error

    def _chosen_network(self, plan: PlanRequest, registry: Registry) -> Network | None:
        """The extractor that was asked for, else the dataset's; none where no metric looks at features."""
        request, images = plan.extractor, self.asked.kind == "image"
        if not any(uses_extractor(metric) for _, metric in self._metrics):
            return None
        # A default is for images: an array of vectors has the metrics' reason, not that of an extractor nobody named.
        if request is None and self.dataset.extractor and images:
            request = _default(self.dataset.extractor, "extractor", registry)
        if request is None:
            return None
        if not images:
            raise UsageError(
                f"extractor '{request.name}' is for images, but dataset '{self._component.label}' has none; leave "
                "--extractor out"
            )
        component, extractor = components.resolve(request, registry)
        with called(component.name, extractor):
            check_shape(extractor, self.asked.shape, components.classes("extractor", registry))
            try:
                sha256 = extractor.sha256()
            except DataError as error:
                raise NotAtHand(str(error), self.values) from error
        self._files.update(extractor.files())
        return Network(component, extractor, sha256)

    def _warning(self, component: Component, metric: Metric, fakes: int) -> str | None:
        """What a metric warns of with this number of fakes, if anything.

        Raises:
            UsageError: the metric refuses them.
        """
        network = self._network if uses_extractor(metric) else None

        def judge(number: int) -> str | None:
            return metric.check(
                fakes=number,
                reference=len(self.reference),
                dimension=network.extractor.dimension if network else self.reference.data[0].numel(),
                classes=self.reference.class_count,
            )

        try:
            return judge(fakes)
        except ValueError as error:
            told = f"metric '{component.name}': {error}"
        try:
            judge(PLENTY)
        except ValueError:  # nor would more fakes do
            told = without_advice(told, f"the reference contains only {len(self.reference)}")
        raise UsageError(told)


def without_advice(complaint: str, reason: str) -> str:
    """What a metric says of a number of samples, with ``reason`` for its advice to score more, which cannot be done."""
    if (advice := ADVICE.search(complaint)) is None:
        return complaint
    told, instead = complaint[: advice.start()], "leave the metric out with --metrics"
    return f"{told}; {reason}, so {instead}" if advice[1] == ";" else f"{told} or {instead}, as {reason}"


def _metrics(plan: PlanRequest, dataset: Dataset, registry: Registry) -> list[tuple[Component, Metric]]:
    """The metrics that were asked for, else the dataset's."""
    requests = plan.metrics or tuple(_default(metric, "metric", registry) for metric in default_metrics(dataset))
    return [components.resolve(request, registry) for request in requests]


def _require_values(plan: PlanRequest, metrics: list[tuple[Component, Metric]]) -> None:
    """Refuse metrics that return one value twice, or not each value that somebody will look for."""
    given = owners((component.label, metric) for component, metric in metrics)
    for value in plan.values:
        if value not in given:
            raise UsageError(f"no metric here returns the value '{value}'{did_you_mean(value, given)}")


def _default(name: str, kind: str, registry: Registry) -> ComponentRequest:
    entry = registry.find(kind, name)
    return ComponentRequest(
        kind=kind, name=entry.name, distribution=entry.distribution, version=entry.version, target=entry.target
    )
