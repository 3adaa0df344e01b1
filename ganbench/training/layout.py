"""Which memory layout a trial's networks run in, and which forms of convolutions.

Convolutions prefer channels-last. Many networks written by hand flatten their features with ``x.view(len(x), -1)``,
which refuses tensors in that layout, so where nothing else stands in the way such a view becomes a ``reshape``: the
same numbers in the same order, copied. On a CPU convolutions in that layout take the forms of
:mod:`ganbench.training.convolutions`.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganbench.api import Conditioning, Networks
from ganbench.evaluation.isolation import full_precision
from ganbench.training.conditional import generate, judge
from ganbench.training.convolutions import FasterConvolutions
from ganbench.training.device_errors import is_of_the_device

TOLERANCE = 1e-2
"""How far outputs of the two layouts may be apart, relative to the largest, and so the gradients of a network: room for
the rounding of deep ones."""


def choose_layout(
    networks: Networks, conditioning: Conditioning, shape: tuple[int, ...], latent_dim: int, *, pack: int = 1
) -> torch.memory_format:
    """Put the networks into channels-last where they compute the same in it, else leave them as they are.

    Copies of them are tried, forward and backward, on a few samples: in eval mode, whose outputs and gradients must be
    alike in both layouts, and in train mode, which must only run, since dropout draws its masks in the order of memory.
    The networks themselves, the random streams and the device's memory are afterwards as before; only the layout of the
    weights is another, and a network that must run in other forms has hooks that see to it.

    Args:
        networks: on the device that they train on.
        conditioning: what the networks take besides samples.
        shape: of one sample; for others than images there is nothing to choose.
        latent_dim: length of a latent vector.
        pack: how many samples the discriminator judges at once.

    Returns:
        The layout that samples (N, C, H, W) must have.
    """
    if len(shape) != 3:
        return torch.contiguous_format
    probe = _Probe(networks, conditioning, shape, latent_dim, 2 * pack)
    expected = probe.outputs(torch.contiguous_format)
    if expected is None:
        return torch.contiguous_format
    forms: list[tuple[type[TorchFunctionMode], ...]] = [(), (_ViewsCopy,)]
    if probe.device.type == "cpu":
        forms = [(FasterConvolutions,), (FasterConvolutions, _ViewsCopy), *forms]
    for modes in forms:
        found = probe.outputs(torch.channels_last, modes)
        if found is not None and _alike(expected, found):
            for network in networks:
                _run_under(network, modes)
                network.to(memory_format=torch.channels_last)
            return torch.channels_last
    return torch.contiguous_format


@dataclass(frozen=True)
class _Probe:
    """Networks to be tried on ``n`` samples of a shape."""

    networks: Networks
    conditioning: Conditioning
    shape: tuple[int, ...]
    latent_dim: int
    n: int

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        weight = next(self.networks.generator.parameters(), None)
        return weight.device if weight is not None else torch.device("cpu")

    def outputs(
        self, layout: torch.memory_format, modes: Sequence[type[TorchFunctionMode]] = ()
    ) -> tuple[Tensor, ...] | None:
        """What copies of the networks compute in a layout (:meth:`_run`), ``None`` where they cannot be run in it."""
        try:
            tried = Networks(*copy.deepcopy(tuple(self.networks)))
            for network in tried:
                _run_under(network, modes)
                network.to(memory_format=layout)
            return self._run(tried, layout)
        except Exception as error:
            # A view that the layout refuses, a batch of a size that they do not take, a network that cannot be copied,
            # or whatever comes of a mode.
            if is_of_the_device(error) or not (modes or isinstance(error, RuntimeError | ValueError | TypeError)):
                raise
            return None

    def _run(self, networks: Networks, layout: torch.memory_format) -> tuple[Tensor, ...]:
        """Run each network forward and backward in eval mode, then in the modes that it trains in; return eval mode's
        outputs, and for each network the gradients of all its weights as one vector."""
        modes = [(module, module.training) for network in networks for module in network.modules()]
        n, device = self.n, self.device
        labels = None if self.conditioning == "none" else torch.zeros(n, dtype=torch.int64, device=device)
        numbers = torch.Generator().manual_seed(0)
        latents = torch.randn(n, self.latent_dim, generator=numbers).to(device)
        # Not the fakes: some generators return bytes in eval mode.
        samples = (2 * torch.rand(n, *self.shape, generator=numbers) - 1).to(device)
        samples = samples.contiguous(memory_format=layout)
        outputs: list[tuple[Tensor, ...]] = []
        own_numbers = torch.random.fork_rng([device] if device.type == "cuda" else [])
        # Real float32: on a GPU each layout has its own kernel, and in TF32, the default of convolutions, rounding
        # alone may go beyond the tolerance.
        with torch.enable_grad(), full_precision(), own_numbers:
            for training in (False, True):
                for module, mode in modes:
                    module.training = mode and training
                fakes = generate(networks.generator, latents, labels)
                raw = judge(networks.discriminator, samples, labels, self.conditioning).raw
                found = [fakes.detach(), raw.detach()]
                for network, output in zip(networks, (fakes, raw), strict=True):
                    wanted = [weight for weight in network.parameters() if weight.requires_grad]
                    if wanted and output.requires_grad:
                        gradients = torch.autograd.grad(output.sum(), wanted, allow_unused=True)
                        found += [torch.cat([each.flatten() for each in gradients if each is not None])]
                outputs.append(tuple(found))
        return outputs[0]


def _alike(expected: tuple[Tensor, ...], found: tuple[Tensor, ...]) -> bool:
    for wanted, value in zip(expected, found, strict=True):
        bound = TOLERANCE * float(wanted.double().abs().max())
        if wanted.shape != value.shape or not math.isfinite(bound):  # networks that diverge before their first step
            return False
        if not torch.allclose(wanted.double(), value.double(), rtol=0.0, atol=bound):
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


class _Under:
    """Modes that a network's forward pass runs under; a copy or a pickle has fresh modes of the same classes."""

    def __init__(self, *modes: type[TorchFunctionMode]) -> None:
        self._kinds = modes
        self._modes: list[Any] = [mode() for mode in modes]
        self._depth = 0

    def __reduce__(self) -> Any:
        return _Under, self._kinds

    def enter(self, module: nn.Module, inputs: Any) -> None:
        """Before the forward pass."""
        for mode in self._modes:
            mode.__enter__()
        self._depth += 1

    def leave(self, module: nn.Module, inputs: Any, output: Any) -> None:
        """After it, or after an error, which another hook may have raised before :meth:`enter`."""
        if self._depth:
            self._depth -= 1
            for mode in reversed(self._modes):
                mode.__exit__(None, None, None)


def _run_under(network: nn.Module, modes: Sequence[type[TorchFunctionMode]]) -> None:
    """Have the forward pass of a network, and of its copies, run under modes."""
    if modes:
        under = _Under(*modes)
        network.register_forward_pre_hook(under.enter)
        network.register_forward_hook(under.leave, always_call=True)
