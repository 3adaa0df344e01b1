"""The worker's answer to ``ganbench eval``: every source opened and checked, the reference read, protocols settled."""

from pathlib import Path

import torch

from ganbench import components, plugins
from ganbench.api import Extractor
from ganbench.datasets.checks import shown
from ganbench.errors import DataError, UsageError
from ganbench.evaluation.drawing import load_generator
from ganbench.evaluation.sources import Given, open_given, open_trial, same_samples, unsaid
from ganbench.files import read_json, write_json
from ganbench.folder import TrialFolder
from ganbench.plan import PlanAnswer, Planned, SourceRequest, SourcesRequest
from ganbench.registry import Registry
from ganbench.resolve import loaded_sources, refusal, stamps
from ganbench.resolve_data import Data, read_dataset, require_labels
from ganbench.spec import Component, Recipe, TrialSpec


def answer(request: SourcesRequest) -> PlanAnswer:
    """Settle how each source is scored, or say in one line why one cannot be."""
    loaded = plugins.load()
    registry = loaded.registry
    files: set[str] = set()
    try:
        planned = tuple(_plan(source, request, registry, files) for source in request.sources)
        _try(planned[0].spec.evaluation.extractor, registry)  # they are all scored alike
        return PlanAnswer(planned=planned, files=tuple(stamps(files | loaded_sources(registry))))
    except (Exception, SystemExit) as error:
        return refusal(error, loaded)


def _try(component: Component | None, registry: Registry) -> None:
    """Build the feature network once: weights of another network are refused before anything is written."""
    if component is not None:
        extractor: Extractor = components.rebuild("extractor", component, registry)
        extractor.build([layer for layer in (extractor.feature_layer, extractor.logits_layer) if layer])


def _plan(source: SourceRequest, request: SourcesRequest, registry: Registry, files: set[str]) -> Planned:
    device = torch.device(request.device)
    data = _read(request, request.plan.num_samples, registry, files)
    if source.trial:
        trial = TrialFolder(Path(source.path)).read_spec().spec
        if same_samples(data.spec, trial.data, data.dataset.locations):
            return _again(source, trial, data, files)
    given = (
        open_trial(TrialFolder(Path(source.path)), source.label, data.spec.shape)
        if source.trial
        else open_given(source, data.spec.shape, device)
    )
    files.update(given.files)
    require_labels(data, "none", f"'{given.spec.label}'")
    if given.samples is not None:
        data = _counted(given, request, data, registry, files)
    spec = TrialSpec(
        baseline="external",
        source=given.spec,
        loss=None,
        architecture=None,
        data=data.spec,
        seed=request.seed,
        recipe=Recipe(),
        evaluation=data.evaluation,
    )
    return Planned(spec=spec, warnings=data.warnings, baseline=True, source=source.path, data_at=data.data_at)


def _again(source: SourceRequest, trial: TrialSpec, data: Data, files: set[str]) -> Planned:
    """A trial scored in another way: the same question as training it with that evaluation, which changes nothing."""
    if source.label:
        raise UsageError(f"{shown(source.path)} is a trial and keeps its name; leave --label out")
    folder = TrialFolder(Path(source.path))
    require_labels(data, trial.evaluation.labels, shown(source.path))
    load_generator(folder, trial, unsaid)
    files.update((str(folder.generator), str(folder.spec)))
    if trial.evaluation.labels == "reference" and data.reference_classes != trial.data.classes:
        raise UsageError(f"{shown(source.path)} is scored with the reference's labels, and this reference has others")
    evaluation = data.evaluation.model_copy(update={"every": 0, "labels": trial.evaluation.labels})
    spec = trial.model_copy(update={"evaluation": evaluation, "data": data.spec})
    warnings = data.warnings
    now, then = data.spec.component, trial.data.component
    if now != then:
        said = (
            f"dataset '{now.label}' of {now.plugin} is {now.version} ({now.source}) here, and the trial was trained "
            f"on that of {then.version} ({then.source}); the samples are the same"
        )
        warnings = (*warnings, said)
    return Planned(spec=spec, warnings=warnings, source=source.path, data_at=data.data_at)


def _counted(given: Given, request: SourcesRequest, data: Data, registry: Registry, files: set[str]) -> Data:
    """Settle how many of a source's samples are scored: as many as were asked for, else all."""
    assert given.samples is not None
    there, wanted = len(given.samples), request.plan.num_samples
    if wanted is None:
        return _read(request, there, registry, files)
    if wanted > there:
        why = "were asked for" if request.asked else "the trial named by --against was scored with"
        raise DataError(f"'{given.spec.label}' holds {there} samples, and {wanted} {why}; set --num-samples")
    return data


def _read(request: SourcesRequest, count: int | None, registry: Registry, files: set[str]) -> Data:
    plan = request.plan.model_copy(update={"num_samples": count})
    return read_dataset(plan.datasets[0], plan, registry, files)


def main(request_path: str, answer_path: str) -> int:
    """Answer the request in one file into another."""
    request = SourcesRequest.model_validate(read_json(Path(request_path)))
    write_json(Path(answer_path), answer(request).model_dump(mode="json"))
    return 0
