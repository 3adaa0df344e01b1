"""Trials that train nothing: what ``ganbench eval`` was given, and trials scored in another way than when they ran."""

from pathlib import Path

import torch
from torch import Tensor

from ganbench.api import Samples
from ganbench.errors import StoreError
from ganbench.evaluation.channels import with_channels_in_range
from ganbench.evaluation.drawing import draw_to_score, rebuild_generator
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.preview import write_preview
from ganbench.evaluation.sources import choose, reopen, same_samples
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, SourceSpec, TrialSpec
from ganbench.training.batches import to_network_range
from ganbench.worker.recording import Recorder

SHOWN = {"image": 64, "vector": 2500}


def score_given(spec: TrialSpec, execution: Execution, evaluator: Evaluator, recorder: Recorder) -> None:
    """Score a source and write the result.

    Raises:
        NonFiniteSamples: a generator's samples are not finite.
        GanbenchError: the source has changed since it was planned, or cannot be scored.
    """
    path = Path(execution.source_path)
    device = torch.device(execution.device)
    if spec.source is None:
        _score_trial(spec, execution, evaluator, recorder)
        return
    given = reopen(spec.source, path, spec.data.shape, device, recorder.warn)
    if isinstance(given, Samples):
        chosen = Samples(data=choose(given.data, spec.evaluation.num_samples, spec.seed))
        values, shown = evaluator.score_real(chosen), to_network_range(chosen.data[: SHOWN[spec.data.kind]])
    else:
        on = torch.device("cpu") if spec.source.kind == "exported" else device
        fakes, labels = _draw(given, spec, spec.source, evaluator.reference, on)
        if spec.source.channels:
            fakes = with_channels_in_range(fakes, spec.source.channels)
        values = evaluator.score(fakes, final=True, labels=labels)
        shown = fakes[: SHOWN[spec.data.kind]]
    recorder.evaluation(0, 0, values)
    _picture(shown, evaluator, recorder)
    recorder.finish("done")


def _score_trial(spec: TrialSpec, execution: Execution, evaluator: Evaluator, recorder: Recorder) -> None:
    """Score a trial's generator under another evaluation, with the latent points that it would have had there."""
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
    images = int(result.get("cost", {}).get("real_images") or 0)
    recorder.evaluation(spec.recipe.steps, images, evaluator.score(fakes, final=True, labels=labels))
    _picture(fakes[: SHOWN[spec.data.kind]], evaluator, recorder)
    recorder.finish("done")


def _draw(
    generator: torch.nn.Module, spec: TrialSpec, source: SourceSpec, reference: Samples, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """The samples of a saved generator and their labels, at the latents and labels that a trial of the seed has."""
    recipe = spec.recipe.model_copy(update={"latent_dim": source.latent_dim, "latent": source.latent})
    return draw_to_score(generator, spec.model_copy(update={"recipe": recipe}), reference, device)


def _picture(shown: Tensor, evaluator: Evaluator, recorder: Recorder) -> None:
    real = to_network_range(evaluator.reference.data[: SHOWN["vector"]])
    write_preview(recorder.folder.samples, shown, real=real, mixture=evaluator.mixture)
