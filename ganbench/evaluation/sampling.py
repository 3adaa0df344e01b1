"""Drawing samples from a generator without leaving a trace."""

from typing import Literal

import torch
from torch import Tensor, nn

from ganbench.evaluation.isolation import isolated, same_buffers

Latent = Literal["normal", "uniform"]

BATCH = 500
"""How many samples are generated at a time."""


def draw_latents(n: int, dim: int, kind: Latent, rng: torch.Generator) -> Tensor:
    """Draw ``n`` latent vectors of shape (n, dim) on the device of ``rng``: N(0, I), or U(-1, 1) in each coordinate."""
    if kind == "normal":
        return torch.randn(n, dim, generator=rng, device=rng.device)
    return torch.rand(n, dim, generator=rng, device=rng.device).mul_(2).sub_(1)


def in_network_range(fakes: Tensor) -> Tensor:
    """Return float32; some generators return bytes in eval mode, as torch-fidelity wants them."""
    return fakes.float().div_(127.5).sub_(1) if fakes.dtype == torch.uint8 else fakes.float()


def sample(
    generator: nn.Module,
    *,
    n: int,
    latent_dim: int,
    latent: Latent,
    rng: torch.Generator,
    device: torch.device,
    labels: Tensor | None = None,
) -> Tensor:
    """Return ``n`` generated samples, float32 (n, C, H, W) in [-1, 1] or (n, D), on the CPU.

    The generator runs in eval mode, in full float32 and without gradients; its modes, its buffers, torch's settings and
    torch's global random state are afterwards what they were before. All latents are drawn at once from ``rng``, so the
    device does not change which samples are asked for.

    Args:
        generator: maps (N, latent_dim), and labels (N,) where it is conditional, to samples; on ``device``. Bytes,
            which some return in eval mode, are levels 0 to 255.
        n: how many.
        latent_dim: dimension of z.
        latent: ``"normal"`` or ``"uniform"``.
        rng: the evaluation's own stream, on the CPU.
        device: where the generator is.
        labels: the classes asked for, int64 (n,), of a conditional generator.
    """
    return generate(generator, draw_latents(n, latent_dim, latent, rng), rng=rng, device=device, labels=labels)


def generate(
    generator: nn.Module,
    latents: Tensor,
    *,
    rng: torch.Generator,
    device: torch.device,
    labels: Tensor | None = None,
) -> Tensor:
    """Return the samples at ``latents`` (n, latent_dim), as :func:`sample` does, whose arguments these are.

    ``rng`` is the stream that the latents were drawn from; a generator's own noise continues it.
    """
    # A generator that injects noise of its own draws it from a stream that continues ours, never from training's.
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    inputs = [latents] if labels is None else [latents, labels]
    batches = zip(*(torch.split(given, BATCH) for given in inputs), strict=True)
    with same_buffers(generator), isolated(generator, device=device, seed=seed):
        parts = [in_network_range(generator(*(given.to(device) for given in batch))).cpu() for batch in batches]
    return torch.cat(parts)
