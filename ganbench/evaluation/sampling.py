"""Drawing samples from a generator without leaving a trace."""

from typing import Literal

import torch
from torch import Tensor, nn

from ganbench.evaluation.isolation import isolated

Latent = Literal["normal", "uniform"]


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
    batch_size: int = 500,
    keep_on_device: bool = False,
) -> Tensor:
    """Return ``n`` generated samples, float32 (n, C, H, W) in [-1, 1] or (n, D), on the CPU.

    The generator runs in eval mode, in full float32 and without gradients; its modes, its batch-norm statistics,
    torch's settings and torch's global random state are afterwards what they were before. All latents are drawn at
    once from ``rng``, so neither the batch size nor the device changes which samples are asked for.

    Args:
        generator: maps (N, latent_dim), and labels (N,) where it is conditional, to samples; on ``device``. Bytes,
            which some return in eval mode, are levels 0 to 255.
        n: how many.
        latent_dim: dimension of z.
        latent: ``"normal"`` or ``"uniform"``.
        rng: the evaluation's own stream, on the CPU.
        device: where the generator is.
        labels: the classes asked for, int64 (n,), of a conditional generator.
        batch_size: how many at a time.
        keep_on_device: leave the samples on ``device``.
    """
    latents = draw_latents(n, latent_dim, latent, rng)
    return generate(
        generator, latents, rng=rng, device=device, labels=labels, batch_size=batch_size, keep_on_device=keep_on_device
    )


def generate(
    generator: nn.Module,
    latents: Tensor,
    *,
    rng: torch.Generator,
    device: torch.device,
    labels: Tensor | None = None,
    batch_size: int = 500,
    keep_on_device: bool = False,
) -> Tensor:
    """Return the samples at ``latents`` (n, latent_dim), as :func:`sample` does, whose arguments these are.

    ``rng`` is the stream that the latents were drawn from; a generator's own noise continues it.
    """
    # A generator that injects noise of its own draws it from a stream that continues ours, never from training's.
    seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
    parts = []
    with isolated(generator, device=device, seed=seed):
        for start in range(0, len(latents), batch_size):
            inputs = [latents, labels] if labels is not None else [latents]
            part = in_network_range(generator(*(given[start : start + batch_size].to(device) for given in inputs)))
            parts.append(part if keep_on_device else part.cpu())
    return torch.cat(parts)
