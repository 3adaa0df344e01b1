"""Which memory layout the networks of a trial are run in.

Convolutions prefer channels-last. Many networks written by hand flatten their features with ``x.view(len(x), -1)``,
which refuses tensors in that layout, so where nothing else stands in the way such a view becomes a ``reshape``: the
same numbers in the same order, copied.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganbench.api import Conditioning, Networks
from ganbench.training.conditional import generate, judge

TOLERANCE = 1e-2
"""How far outputs of the two layouts may be apart, relative to the largest: room for the rounding of deep networks."""


def choose_layout(
    networks: Networks, conditioning: Conditioning, shape: tuple[int, ...], latent_dim: int, *, pack: int = 1
) -> torch.memory_format:
    """Put the networks into channels-last where they compute the same in it, else into the plain layout.

    Both layouts are tried forward and backward on a few samples, in eval mode; weights, statistics, gradients and
    random streams are as before. A network whose views must copy is given hooks that see to it.

    Args:
        networks: on the device that they train on.
        conditioning: what the networks take besides samples.
        shape: of one sample; for others than images there is nothing to choose.
        latent_dim: length of a latent vector.
        pack: how many samples the discriminator judges at once.

    Returns:
        The layout that the networks are in now, and that samples (N, C, H, W) shall have.
    """
    if len(shape) != 3:
        return torch.contiguous_format
    modes = [(module, module.training) for network in networks for module in network.modules()]
    for network in networks:
        network.eval()
    try:
        if _channels_last_does(partial(_probe, networks, conditioning, shape, latent_dim, 2 * pack), networks):
            return torch.channels_last
    finally:
        for module, training in modes:
            module.training = training
    for network in networks:
        network.to(memory_format=torch.contiguous_format)
    return torch.contiguous_format


def _channels_last_does(run: Callable[[torch.memory_format], tuple[Tensor, ...]], networks: Networks) -> bool:
    try:
        expected = run(torch.contiguous_format)
    except RuntimeError:  # they take no batch of this size: nothing can be tried
        return False
    try:
        return _alike(expected, run(torch.channels_last))
    except RuntimeError:  # most likely a `.view` of convolutional features
        handles = [handle for network in networks for handle in _let_views_copy(network)]
    try:
        if _alike(expected, run(torch.channels_last)):
            return True
    except RuntimeError:
        pass
    for handle in handles:
        handle.remove()
    return False


def _probe(
    networks: Networks,
    conditioning: Conditioning,
    shape: tuple[int, ...],
    latent_dim: int,
    n: int,
    layout: torch.memory_format,
) -> tuple[Tensor, ...]:
    """Put the networks into a layout, run each there and back, and return fakes and raw outputs."""
    for network in networks:
        network.to(memory_format=layout)
    weight = next(networks.generator.parameters(), None)
    device = weight.device if weight is not None else torch.device("cpu")
    labels = None if conditioning == "none" else torch.zeros(n, dtype=torch.int64, device=device)
    numbers = torch.Generator().manual_seed(0)
    latents = torch.randn(n, latent_dim, generator=numbers).to(device)
    # Not the fakes: some generators return bytes in eval mode.
    samples = (2 * torch.rand(n, *shape, generator=numbers) - 1).to(device).contiguous(memory_format=layout)
    with torch.enable_grad(), torch.random.fork_rng([device] if device.type == "cuda" else []):
        fakes = generate(networks.generator, latents, labels)
        raw = judge(networks.discriminator, samples, labels, conditioning).raw
        for network, output in zip(networks, (fakes, raw), strict=True):
            wanted = [weight for weight in network.parameters() if weight.requires_grad]
            if wanted and output.requires_grad:
                torch.autograd.grad(output.sum(), wanted, allow_unused=True)
    return fakes.detach(), raw.detach()


def _alike(expected: tuple[Tensor, ...], found: tuple[Tensor, ...]) -> bool:
    for wanted, value in zip(expected, found, strict=True):
        bound = TOLERANCE * float(wanted.double().abs().max())
        if wanted.shape != value.shape or not torch.allclose(wanted.double(), value.double(), rtol=0.0, atol=bound):
            return False
    return True


class _ViewsCopy(TorchFunctionMode):
    """``Tensor.view`` with a shape becomes a copy where the tensor's layout allows no view."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not torch.Tensor.view or "dtype" in kwargs or any(isinstance(value, torch.dtype) for value in args):
            return func(*args, **kwargs)
        try:
            return func(*args, **kwargs)
        except RuntimeError:
            x, *sizes = args
            return x.reshape(*(sizes or [kwargs["size"]]))


def _let_views_copy(network: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
    """Run a network's forward pass under :class:`_ViewsCopy`, copies of the network too."""
    mode: Any = _ViewsCopy()

    def enter(module: nn.Module, inputs: Any) -> None:
        mode.__enter__()

    def leave(module: nn.Module, inputs: Any, output: Any) -> None:
        mode.__exit__(None, None, None)

    return [network.register_forward_pre_hook(enter), network.register_forward_hook(leave, always_call=True)]
