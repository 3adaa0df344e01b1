"""What a trained trial leaves behind: its generator's weights, a picture of its samples, and last its result."""

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Samples
from ganbench.evaluation.labels import cycled
from ganbench.evaluation.preview import what_is_missing, write_preview
from ganbench.evaluation.sampling import sample
from ganbench.files import write_bytes
from ganbench.records.sheet import ROWS, columns_for
from ganbench.spec import TrialSpec
from ganbench.training import checkpoint
from ganbench.training.batches import to_network_range
from ganbench.training.state import State
from ganbench.worker.parts import Parts
from ganbench.worker.recording import Recorder

PREVIEW_IMAGES, PREVIEW_POINTS = ROWS * ROWS, 2500
"""Samples that a picture has room for."""


def conclude(state: State, parts: Parts, recorder: Recorder) -> None:
    """Write what a trained trial leaves behind: weights, samples, and last its result."""
    write_outcome(state, parts, recorder)
    recorder.finish("done")
    checkpoint.remove(recorder.folder.checkpoint)


def write_outcome(state: State, parts: Parts, recorder: Recorder) -> None:
    """Write the generator's scored weights and a picture of its samples at the latent points all trials share.

    The picture has other samples than the score. If those of the score were finite, the trial is done whatever the
    picture shows; a warning says what it cannot show.
    """
    spec = recorder.trial.spec
    weights = weights_of(state.scored)
    write_bytes(recorder.folder.generator, to_safetensors(weights, metadata={"trial_id": recorder.trial.trial_id}))
    fakes = preview_samples(state, spec)
    write_preview(
        recorder.folder.samples,
        fakes,
        real=as_pictured(parts.train),
        mixture=parts.dataset.mixture(),
        columns=preview_columns(state, spec),
    )
    if problem := what_is_missing(fakes):
        recorder.warn(f"{recorder.folder.samples.name}: {problem}")


def weights_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's state on the CPU, each tensor in memory of its own: safetensors refuses tied weights."""
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in network.state_dict().items()
    }


def as_pictured(samples: Samples) -> Tensor:
    """Return the first 64 of stored images or the first 2,500 points, in the range of the networks."""
    most = PREVIEW_IMAGES if samples.kind == "image" else PREVIEW_POINTS
    return to_network_range(samples.data[:most])


def preview_columns(state: State, spec: TrialSpec) -> int:
    """How many images stand in a row of a preview: a column for each class of a conditional generator."""
    return columns_for(spec.data.classes if state.conditioning != "none" else 0)


def preview_samples(state: State, spec: TrialSpec) -> Tensor:
    """Samples at the latent points that all trials share: eight rows of images, or 2,500 points, of all classes in
    turn."""
    n = ROWS * preview_columns(state, spec) if spec.data.kind == "image" else PREVIEW_POINTS
    return sample(
        state.scored,
        n=n,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        rng=seeds.stream(0, seeds.PREVIEW),
        device=state.device,
        labels=cycled(n, spec.data.classes) if state.conditioning != "none" else None,
    )
