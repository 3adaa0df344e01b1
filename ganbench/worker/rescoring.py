"""Trials that train nothing: real data, what ``ganbench eval`` was given, and trials scored in
another way than in their run."""

from pathlib import Path

import torch
from torch import Tensor

from ganbench import seeds
from ganbench.api import Samples
from ganbench.errors import StoreError
from ganbench.evaluation.channels import with_channels_in_range
from ganbench.evaluation.classes import class_names
from ganbench.evaluation.drawing import draw_to_score, rebuild_generator
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.preview import write_preview
from ganbench.evaluation.querying import to_query
from ganbench.evaluation.saved import runs_on
from ganbench.evaluation.sources import reopen, same_samples
from ganbench.external import SourceSpec
from ganbench.records.folder import TrialFolder
from ganbench.worker.outputs import as_pictured
from ganbench.worker.parts import Parts, held_out
from ganbench.worker.recording import Recorder


def score_real_data(parts: Parts, recorder: Recorder) -> None:
    """Score real samples that are not in the reference, and write the result: the floor of the table."""
    recorder.begin()
    from_train = parts.reference is not parts.train
    values = parts.evaluator.score_real(held_out(parts, recorder.trial.spec), from_train=from_train)
    recorder.evaluation(0, 0, values)
    recorder.finish("done")


def score_given(evaluator: Evaluator, recorder: Recorder) -> None:
    """Score a source and write the result.

    Raises:
        NonFiniteSamples: a generator's samples are not finite.
        GanbenchError: the source has changed since it was planned, or cannot be scored.
    """
    recorder.begin()
    source = recorder.trial.spec.source
    shown = _score_trial(evaluator, recorder) if source is None else _score_source(source, evaluator, recorder)
    real = as_pictured(evaluator.reference)
    write_preview(recorder.folder.samples, shown, real=real, mixture=evaluator.mixture)
    recorder.finish("done")


def _score_source(source: SourceSpec, evaluator: Evaluator, recorder: Recorder) -> Tensor:
    """Record the values of what was given; return samples of it for a picture."""
    spec, execution = recorder.trial.spec, recorder.trial.execution
    device = torch.device(execution.device)
    names = () if spec.evaluation.labels == "none" else class_names(evaluator.reference)
    given = reopen(source, Path(execution.source_path), spec.data.shape, device, recorder.warn, names)
    if isinstance(given, Samples):
        chosen = choose(given, spec.evaluation.num_samples, spec.seed)
        recorder.evaluation(0, 0, evaluator.score_real(chosen))
        return as_pictured(chosen)
    # At the latents and labels that a trial of this seed has.
    recipe = spec.recipe.model_copy(update={"latent_dim": source.latent_dim, "latent": source.latent})
    like = spec.model_copy(update={"recipe": recipe})
    place = runs_on(source.kind, device)
    fakes, labels = draw_to_score(given, like, evaluator.reference, place)
    if source.channels:
        fakes = with_channels_in_range(fakes, source.channels)
    asked = to_query(given, like, place, channels=source.channels)
    recorder.evaluation(0, 0, evaluator.score(fakes, final=True, labels=labels, generator=asked))
    return fakes


def _score_trial(evaluator: Evaluator, recorder: Recorder) -> Tensor:
    """Record the values of a trial's generator under another evaluation, at the latent points that it would have had
    there; return the samples."""
    spec, execution = recorder.trial.spec, recorder.trial.execution
    path, device = Path(execution.source_path), torch.device(execution.device)
    folder = TrialFolder(path)
    trained = folder.read_spec().spec
    as_planned = trained.model_copy(update={"evaluation": spec.evaluation, "data": spec.data})
    if as_planned != spec or not same_samples(spec.data, trained.data, execution.data_at):
        raise StoreError(f"{path} has changed since the run was planned; run again to make a new plan")
    generator = rebuild_generator(folder, spec, recorder.warn).to(device)
    fakes, labels = draw_to_score(generator, spec, evaluator.reference, device)
    result = folder.read_result()
    recorder.take_over(result)
    images = int((result.get("cost") or {}).get("real_images") or 0)
    values = evaluator.score(fakes, final=True, labels=labels, generator=to_query(generator, spec, device))
    recorder.evaluation(spec.recipe.steps, images, values)
    return fakes


def choose(samples: Samples, count: int, seed: int) -> Samples:
    """Return ``count`` of the samples: all as they are, or some at random, the same for the same seed."""
    if count == len(samples):
        return samples
    order = torch.randperm(len(samples), generator=seeds.stream(seed, seeds.EVALUATION))[:count]
    labels = None if samples.labels is None else samples.labels[order]
    return Samples(data=samples.data[order], labels=labels)
