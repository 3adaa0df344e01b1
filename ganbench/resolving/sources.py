"""The worker's answer to ``ganbench eval``: every source opened and checked, the reference read, protocols settled."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ganbench import plugins
from ganbench.api import Extractor
from ganbench.datasets.checks import shown
from ganbench.errors import DataError, UsageError
from ganbench.evaluation.drawing import rebuild_generator
from ganbench.evaluation.naming import called
from ganbench.evaluation.sources import Given, open_given, open_trial, same_samples, unsaid
from ganbench.files import read_json, write_json
from ganbench.plan import PlanAnswer, Planned, SourceRequest, SourcesRequest
from ganbench.records.folder import TrialFolder
from ganbench.registry import Registry
from ganbench.resolving import components
from ganbench.resolving.data import Data, Opened, require_labels, settle, settle_labels
from ganbench.resolving.plans import loaded_sources, refusal, stamps
from ganbench.spec import Component, Labels, Recipe, TrialSpec


def answer(request: SourcesRequest) -> PlanAnswer:
    """Settle how each source is scored, or say in one line why one cannot be."""
    loaded = plugins.load()
    registry = loaded.registry
    try:
        reference = Reference(request, registry)
        planned = tuple(_plan(source, request, reference) for source in request.sources)
        _require_trainings(planned)
        _require_some_labelled(request, planned)
        _try(planned[0].spec.evaluation.extractor, registry)  # they are all scored alike
        return PlanAnswer(planned=planned, files=tuple(stamps(reference.files | loaded_sources(registry))))
    except (Exception, SystemExit) as error:
        return refusal(error, loaded)


def _try(component: Component | None, registry: Registry) -> None:
    """Build the feature network once: weights of another network are refused before anything is written."""
    if component is not None:
        extractor: Extractor = components.rebuild("extractor", component, registry)
        with called(component.name, extractor):
            extractor.build([layer for layer in (extractor.feature_layer, extractor.logits_layer) if layer])


class Reference:
    """What all sources are compared with, read once, and how it scores each number of samples.

    Attributes:
        files: the absolute paths of all files that the plan depends on; those of the sources are added.
    """

    def __init__(self, request: SourcesRequest, registry: Registry) -> None:
        self._plan, self._registry = request.plan, registry
        self._opened = Opened(request.plan.datasets[0], registry, Path(request.data_root))
        self._settled: dict[int | None, Data] = {}
        self.files: set[str] = set()

    def scoring(self, count: int | None) -> Data:
        """How ``count`` samples are scored, or as many as the reference has where it is ``None``."""
        if count not in self._settled:
            plan = self._plan.model_copy(update={"num_samples": count})
            self._settled[count] = settle(self._opened, plan, self._registry, self.files)
        return self._settled[count]


def _require_trainings(planned: Sequence[Planned]) -> None:
    """Raise :class:`UsageError` where one training would count as two of its row."""
    seen: dict[tuple[str, str], str] = {}
    for cell in planned:
        source = cell.spec.source
        if source is not None and source.named:
            what = (source.label, source.fingerprint)
            if what in seen:
                raise UsageError(
                    f"{shown(seen[what])} and {shown(cell.source)} contain the same samples and would count as "
                    f"two trainings of '{source.label}'; leave one out"
                )
            seen[what] = cell.source


def _require_some_labelled(request: SourcesRequest, planned: Sequence[Planned]) -> None:
    """Raise :class:`UsageError` for a choice of labels where nothing takes any."""
    if request.labels and all(cell.spec.evaluation.labels == "none" for cell in planned):
        raise UsageError(f"labels {request.labels}: no source is a conditional generator; leave --labels out")


def _plan(source: SourceRequest, request: SourcesRequest, reference: Reference) -> Planned:
    device = torch.device(request.device)
    data, files = reference.scoring(request.plan.num_samples), reference.files
    wanted: Labels | None = request.labels or request.plan.labels
    if source.trial:
        trial = TrialFolder(Path(source.path)).read_spec().spec
        if same_samples(data.spec, trial.data, data.dataset.locations):
            return _again(source, trial, data, files, wanted)
    if source.trial:
        given = open_trial(source, data.spec.shape)
    else:
        classes = data.spec.classes
        given = open_given(source, data.spec.shape, device, classes=classes, labelled=wanted is not None)
    files.update(given.files)
    what = f"'{given.spec.label}'"
    labels = settle_labels(what, data, wanted) if given.conditional else "none"
    require_labels(data, labels, what)
    seed, warnings = source.seed, (*data.warnings, *given.warnings)
    if given.samples is not None:
        data = _counted(given, request, reference)
        warnings = data.warnings
        if seed and not given.spec.named and data.evaluation.num_samples == len(given.samples):
            # Nothing is drawn: as another trial, the same samples would be scored again, to the same values.
            seed, said = 0, f"all samples of '{given.spec.label}' are scored, so --seed {seed} changes nothing"
            warnings = (*warnings, said)
    spec = TrialSpec(
        baseline="external",
        source=given.spec,
        loss=None,
        architecture=None,
        data=data.spec,
        seed=seed,
        recipe=Recipe(),
        evaluation=data.evaluation.model_copy(update={"labels": labels}),
    )
    return Planned(spec=spec, warnings=warnings, baseline=True, source=source.path, data_at=data.data_at)


def _again(source: SourceRequest, trial: TrialSpec, data: Data, files: set[str], wanted: Labels | None) -> Planned:
    """A trial scored in another way: the same question as training it with that evaluation, which changes nothing."""
    if source.label:
        raise UsageError(f"{shown(source.path)} is a trial and keeps its name; leave --label out")
    if source.channels:
        raise UsageError(f"{shown(source.path)} is a trial of this dataset; leave --channels out")
    folder = TrialFolder(Path(source.path))
    labels = wanted if wanted and trial.evaluation.labels != "none" else trial.evaluation.labels
    require_labels(data, labels, shown(source.path))
    rebuild_generator(folder, trial, unsaid)
    files.update((str(folder.generator), str(folder.spec)))
    if labels == "reference" and data.reference_classes != trial.data.classes:
        raise UsageError(
            f"{shown(source.path)} is scored with the reference's labels, but this reference has different ones"
        )
    evaluation = data.evaluation.model_copy(update={"every": 0, "labels": labels})
    spec = trial.model_copy(update={"evaluation": evaluation, "data": data.spec})
    warnings = data.warnings
    now, then = data.spec.component, trial.data.component
    if now != then:
        said = (
            f"dataset '{now.label}' of {now.plugin} is {now.version} ({now.source}) here, but the trial was "
            f"trained on that of {then.version} ({then.source}); the samples are the same"
        )
        warnings = (*warnings, said)
    return Planned(spec=spec, warnings=warnings, source=source.path, data_at=data.data_at)


def _counted(given: Given, request: SourcesRequest, reference: Reference) -> Data:
    """Settle how many of a source's samples are scored: as many as were asked for, else all."""
    assert given.samples is not None
    there, wanted = len(given.samples), request.plan.num_samples
    if wanted is None:
        return reference.scoring(there)
    if wanted > there:
        why = (
            "were asked for"
            if request.asked
            else "are needed, because the trial named by --against was scored with that many"
        )
        raise DataError(f"'{given.spec.label}' contains {there} samples, but {wanted} {why}; set --num-samples")
    return reference.scoring(wanted)


def main(request_path: str, answer_path: str) -> int:
    """Answer the request in one file into another."""
    request = SourcesRequest.model_validate(read_json(Path(request_path)))
    write_json(Path(answer_path), answer(request).model_dump(mode="json"))
    return 0
