"""Samples from a finished trial's generator."""

import io
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from ganbench import components, plugins, seeds
from ganbench.api import Architecture
from ganbench.errors import StoreError, UsageError
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.preview import grid, png, scatter
from ganbench.evaluation.sampling import sample
from ganbench.files import write_bytes
from ganbench.folder import TrialFolder
from ganbench.spec import TrialSpec


def load_generator(folder: TrialFolder, spec: TrialSpec) -> nn.Module:
    """Rebuild a trial's generator with the weights that were scored, on the CPU.

    Raises:
        StoreError: the weights are damaged or not those of this architecture.
        UsageError: the package of the architecture is missing or has changed.
    """
    if spec.architecture is None:
        raise UsageError(f"{folder.path} has no generator: it scores real data")
    architecture: Architecture = components.rebuild("architecture", spec.architecture, plugins.load().registry)
    generator = architecture.build(spec.data.shape, spec.recipe.latent_dim).generator
    try:
        generator.load_state_dict(load_file(folder.generator))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise StoreError(f"{folder.generator} cannot be loaded: {reason}") from error
    return generator


def draw_from_trial(folder: TrialFolder, spec: TrialSpec, *, count: int, seed: int, out: Path, columns: int) -> None:
    """Draw ``count`` samples and write them to ``out``: a PNG grid, or an array for ``numpy.load``."""
    samples = sample(
        load_generator(folder, spec),
        n=count,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        rng=seeds.stream(seed, seeds.PREVIEW),
        device=torch.device("cpu"),
    )
    if out.suffix == ".npy":
        import numpy

        buffer = io.BytesIO()
        numpy.save(buffer, (to_uint8(samples) if samples.dim() == 4 else samples).numpy(), allow_pickle=False)
        write_bytes(out, buffer.getvalue())
    elif samples.dim() == 4:
        write_bytes(out, png(grid(samples, columns)))
    elif samples.shape[1] >= 2:
        write_bytes(out, scatter(samples, samples, None))
    else:
        raise UsageError("one-dimensional samples have no picture; use --out samples.npy")
