"""The worker's answer to ``ganbench eval``: every source opened and checked, the reference read, protocols settled."""

from collections.abc import Sequence
from pathlib import Path

import torch

from ganbench import plugins
from ganbench.datasets.checks import shown
from ganbench.errors import DataError, UsageError
from ganbench.evaluation.classes import class_names, shares_of
from ganbench.evaluation.drawing import rebuild_generator
from ganbench.evaluation.sources import kind_of, open_given, open_trial, same_samples, unsaid
from ganbench.files import read_json, write_json
from ganbench.plan import PlanAnswer, Planned, SourceRequest, SourcesRequest
from ganbench.records.folder import TrialFolder
from ganbench.resolving.data import CONDITIONAL, Data, without_advice
from ganbench.resolving.plans import loaded_sources, refusal, require_extracted, require_labelled, stamps
from ganbench.spec import Labels, Recipe, TrialSpec

LABELLED = "keep them with the samples: folders of several classes, a dataset.json, or labels in a .npz"
OF_SAMPLES = ("images", "array")


def answer(request: SourcesRequest) -> PlanAnswer:
    """Settle how each source is scored, or say in one line why one cannot be."""
    loaded = plugins.load()
    registry, files = loaded.registry, set[str]()
    try:
        for source in request.sources:
            if not source.trial:
                kind_of(Path(source.path))  # before weights are fetched for what is not there
        data = Data(request.plan.datasets[0], request.plan, registry, files)
        planned = tuple(_plan(source, request, data, files) for source in request.sources)
        _require_trainings(planned)
        drawn = tuple(cell for cell in planned if cell.spec.source is None or cell.spec.source.kind not in OF_SAMPLES)
        require_labelled(request.labels, drawn, "no source is a conditional generator; leave --labels out")
        if request.extractor_asked:
            require_extracted(request.plan.extractor, planned)
        data.try_network()
        return PlanAnswer(planned=planned, files=tuple(stamps(files | loaded_sources(registry))))
    except (Exception, SystemExit) as error:
        return refusal(error, loaded)


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


def _plan(source: SourceRequest, request: SourcesRequest, data: Data, files: set[str]) -> Planned:
    device, count, seed = torch.device(request.device), request.plan.num_samples, source.seed
    wanted: Labels | None = request.labels or request.plan.labels
    if source.trial:
        trial = TrialFolder(Path(source.path)).read_spec().spec
        if same_samples(data.spec, trial.data, data.dataset.locations):
            return _again(source, trial, data, count, wanted, files)
        given = open_trial(source, data.spec.shape)
    else:
        classes = data.spec.classes
        named = class_names(data.reference) if data.first_with("fake_labels") else ()
        given = open_given(source, data.spec.shape, device, classes=classes, labelled=wanted is not None, names=named)
    files.update(given.files)
    what = f"'{given.spec.label}'"
    labels = data.settle_labels(what, wanted) if given.conditional else "none"
    shares = ""
    said = given.warnings
    if given.samples is not None:
        _require_no_generator(what, data)
        there = len(given.samples)
        count = _counted(given.spec.label, there, request)
        if given.samples.labels is not None:
            labels, shares = shares_of(given.samples.labels, data.reference, wanted, drawn=count < there)
        if seed and not given.spec.named and count == there:
            # Nothing is drawn: as another trial, the same samples would be scored again, to the same values.
            said += (f"all samples of '{given.spec.label}' are scored, so --seed {seed} changes nothing",)
            seed = 0
    data.require_labels(labels, what, CONDITIONAL if given.samples is None else LABELLED)
    try:
        scored = data.scored(count)
    except UsageError as error:
        if given.samples is None or count != len(given.samples):
            raise
        raise UsageError(without_advice(str(error), f"{what} contains no more")) from error
    spec = TrialSpec(
        baseline="external",
        source=given.spec,
        loss=None,
        architecture=None,
        data=data.spec,
        seed=seed,
        recipe=Recipe(),
        evaluation=scored.spec.model_copy(update={"labels": labels, "shares": shares}),
    )
    warnings = (*scored.warnings, *said)
    return Planned(spec=spec, warnings=warnings, baseline=True, source=source.path, data_at=data.data_at)


def _require_no_generator(what: str, data: Data) -> None:
    """Raise :class:`UsageError` where a metric would query the generator of samples that come without it."""
    if name := data.first_with("generator"):
        raise UsageError(
            f"metric '{name}' queries the generator, but {what} contains samples alone; leave the metric out "
            "(--metrics), or score the generator itself"
        )


def _again(
    source: SourceRequest, trial: TrialSpec, data: Data, count: int | None, wanted: Labels | None, files: set[str]
) -> Planned:
    """A trial scored in another way: the same question as training it with that evaluation, which changes nothing."""
    if source.label:
        raise UsageError(f"{shown(source.path)} is a trial and keeps its name; leave --label out")
    if source.channels:
        raise UsageError(f"{shown(source.path)} is a trial of this dataset; leave --channels out")
    if source.seed:
        raise UsageError(f"{shown(source.path)} is a trial and keeps its seed; leave --seed out, or give 0 for it")
    folder, labels = TrialFolder(Path(source.path)), trial.evaluation.labels
    if labels != "none":
        labels = data.settle_labels(shown(source.path), wanted or labels)
    data.require_labels(labels, shown(source.path))
    rebuild_generator(folder, trial, unsaid)
    files.update((str(folder.generator), str(folder.spec)))
    scored = data.scored(count)
    evaluation = scored.spec.model_copy(update={"labels": labels})
    spec = trial.model_copy(update={"evaluation": evaluation, "data": data.spec})
    warnings = scored.warnings
    now, then = data.spec.component, trial.data.component
    if now != then:
        said = (
            f"dataset '{now.label}' of {now.plugin} is {now.version} ({now.source}) here, but the trial was "
            f"trained on that of {then.version} ({then.source}); the samples are the same"
        )
        warnings = (*warnings, said)
    return Planned(spec=spec, warnings=warnings, source=source.path, data_at=data.data_at)


def _counted(label: str, there: int, request: SourcesRequest) -> int:
    """Settle how many of a source's ``there`` samples are scored: as many as were asked for, else all."""
    wanted = request.plan.num_samples
    if wanted is not None and wanted > there:
        why = (
            "were asked for"
            if request.asked
            else "are needed, because the trial named by --against was scored with that many"
        )
        raise DataError(f"'{label}' contains {there} samples, but {wanted} {why}; set --num-samples to {there} or less")
    return there if wanted is None else wanted


def main(request_path: str, answer_path: str) -> int:
    """Answer the request in one file into another."""
    request = SourcesRequest.model_validate(read_json(Path(request_path)))
    write_json(Path(answer_path), answer(request).model_dump(mode="json"))
    return 0
