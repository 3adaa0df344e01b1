"""What of several seeds of one trial can be computed together (:mod:`ganbench.training.batched`)."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ganbench.api import Architecture
from ganbench.errors import in_one_line
from ganbench.evaluation.isolation import full_precision
from ganbench.spec import Recipe
from ganbench.training.arithmetic import precision, widened
from ganbench.training.host import Host
from ganbench.training.stacked import Stacked
from ganbench.training.state import State

TOLERANCE = {"float32": 1e-3, "bfloat16": 5e-2}
"""How far the outputs of batched networks may be from those of each network alone, as a share of their norm."""
ALONE = 1e-10
"""And those of a discriminator in a larger batch from those in smaller ones."""
MOVED = 0.01
"""How far weights are moved, on average, before that is tried."""


def obstacle_to_batching(architecture: Architecture, states: Sequence[State], recipe: Recipe) -> str:
    """Say why these seeds cannot be trained as one batched model; empty where they can. Changes nothing.

    Copies of both networks are called once, alone and batched. What draws random numbers or decides by its data cannot
    be batched, nor what does parts of its forward pass again in the backward pass, which is tried, too. What computes
    something else when it is batched must not be.
    """
    if architecture.conditioning != "none":
        return "its networks take class labels"
    device, tolerance = states[0].device, TOLERANCE[recipe.precision]
    rng = torch.Generator().manual_seed(0)
    z = torch.randn(len(states), states[0].samples_per_update, recipe.latent_dim, generator=rng).to(device)
    x = z
    try:
        for networks in ([state.generator for state in states], [state.discriminator for state in states]):
            alone, stacked = copy.deepcopy(networks), copy.deepcopy(networks)
            # Not in TF32: a convolution of all networks may be another kernel than each network's own, as where
            # they have one channel each, and would be rounded otherwise.
            with torch.no_grad(), full_precision(), precision(recipe, device):
                given, x = x, widened(Stacked(stacked)(x))
                for network, batched, own, found in zip(alone, stacked, given, x, strict=True):
                    pairs = [(widened(network(own)), found), *zip(network.buffers(), batched.buffers(), strict=True)]
                    if not all(_close(a, b, tolerance) for a, b in pairs):
                        return f"{type(network).__name__} computes something else when it is batched"
            # On two samples, so that it takes no memory to speak of.
            few = given[:, : 2 * architecture.pack].detach().requires_grad_()
            with full_precision(), precision(recipe, device):
                made = widened(Stacked(stacked)(few)).sum()
                try:
                    made.backward()
                except Exception as error:  # likewise
                    name = type(networks[0]).__name__
                    return f"{name} has no batched backward pass (torch.utils.checkpoint?): {in_one_line(error, 120)}"
    except Exception as error:  # of whatever kind: where they are trained one by one, a real one shows itself
        return in_one_line(error, 200)
    return ""


def judges_each_alone(discriminator: nn.Module, *batches: Tensor) -> bool:
    """Whether a discriminator judges samples in one large batch as it does in several, and keeps nothing of any.

    Batch norm does neither, and spectral normalisation counts its calls. A copy is tried in float64, so that rounding
    hides nothing; where it cannot be, the answer is no. Its weights are moved a little: what a batch has in common may
    be multiplied by weights that are zero only at first.

    Args:
        discriminator: it stays as it is.
        batches: samples (N, ...) of two kinds, or more.
    """
    if any(True for _ in discriminator.buffers()):
        return False
    try:
        tried = copy.deepcopy(discriminator).double()
        samples = [batch.detach().double() for batch in batches]
        host, rng = Host([tried]), torch.Generator().manual_seed(0)
        with torch.no_grad():
            for weight in tried.parameters():
                weight.add_(MOVED * torch.randn(weight.shape, generator=rng).to(weight))
            apart = torch.cat([tried(batch) for batch in samples])
            return not host.changed() and _close(apart, tried(torch.cat(samples)), ALONE)
    except Exception:  # of whatever kind: it is then called as the recipe says
        return False


def _close(one: Tensor, other: Tensor, tolerance: float) -> bool:
    """Whether two tensors differ by no more than ``tolerance``, as a share of the norm of the first."""
    if not one.is_floating_point():
        return torch.equal(one, other)
    one, other = one.double(), other.double()
    return bool((one - other).norm() <= tolerance * one.norm())
