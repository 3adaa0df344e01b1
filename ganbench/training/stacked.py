"""K networks of one architecture called as one, and K optimisers of their weights as one."""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer

from ganbench.spec import Recipe
from ganbench.training.features import features_at
from ganbench.training.optimisers import OPTIMISERS
from ganbench.training.stacked_layers import StackedLayers


class Stacked:
    """K networks of one architecture called as one: samples (K, N, ...) to (K, N, ...).

    The weights are stacks (K, ...). Each network's own parameters and buffers become views into them, so that whatever
    looks at one network sees what it would see if that network were alone.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self._networks = networks
        self.parameters = {
            name: _share([network.get_parameter(name) for network in networks]).requires_grad_(first.requires_grad)
            for name, first in networks[0].named_parameters()
        }
        self._buffers = {
            name: _share([network.get_buffer(name) for network in networks]) for name, _ in networks[0].named_buffers()
        }

    def __call__(self, x: Tensor, *, frozen: bool = False) -> Tensor:
        """Call all networks, each on its own samples; ``frozen`` leaves out the gradients of the weights."""
        with StackedLayers():
            outputs: Tensor = torch.vmap(self._call)(self._weights(frozen), self._buffers, x)
        return outputs

    def with_features(self, x: Tensor, layer: nn.Module) -> tuple[Tensor, Tensor]:
        """As a frozen call; return the outputs, and what ``layer`` of the first network gets, as (K, N, F)."""

        def call(weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
            with features_at(layer) as found:
                return self._call(weights, buffers, x), found.only()

        with StackedLayers():
            outputs: tuple[Tensor, Tensor] = torch.vmap(call)(self._weights(True), self._buffers, x)
        return outputs

    def each(self) -> list["Part"]:
        """The networks one by one, such that gradients reach the stacks."""
        # Taken apart once: the gradients of one part by one would each be as large as the stack.
        weights = {name: weight.unbind() for name, weight in self.parameters.items()}
        return [
            Part(
                self._call,
                {name: parts[index] for name, parts in weights.items()},
                {name: buffer[index] for name, buffer in self._buffers.items()},
            )
            for index in range(len(self._networks))
        ]

    def separate(self) -> None:
        """Give each network weights of its own again."""
        for network in self._networks:
            for tensor in (*network.parameters(), *network.buffers()):
                tensor.data = tensor.data.clone()

    def _weights(self, frozen: bool) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in self.parameters.items()} if frozen else self.parameters

    def _call(self, weights: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
        output: Tensor = functional_call(self._networks[0], (weights, buffers), (x,))
        return output


class Part:
    """One network of a stack as penalties get it."""

    def __init__(
        self,
        call: Callable[[dict[str, Tensor], dict[str, Tensor], Tensor], Tensor],
        weights: dict[str, Tensor],
        buffers: dict[str, Tensor],
    ) -> None:
        self._call = call
        self._weights = weights
        self._buffers = buffers

    def __call__(self, x: Tensor) -> Tensor:
        return self._call(self._weights, self._buffers, x)

    def parameters(self) -> Iterator[Tensor]:
        return iter(self._weights.values())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return iter(self._weights.items())


class StackedOptimiser:
    """One optimiser for the stacks, which begins where the members' own optimisers are, and ends there."""

    def __init__(self, stacked: Stacked, own: Sequence[Optimizer], rate: float, recipe: Recipe) -> None:
        self._weights = list(stacked.parameters.values())
        self._own = own
        self.optimiser = OPTIMISERS[recipe.optimizer](self._weights, rate, recipe)
        for weight, *parameters in zip(self._weights, *map(_parameters, own), strict=True):
            states = [optimiser.state.get(parameter, {}) for optimiser, parameter in zip(own, parameters, strict=True)]
            if states[0]:
                self.optimiser.state[weight] = {
                    key: _joined(key, [state[key] for state in states], weight) for key in states[0]
                }

    def update(self, losses: Tensor) -> None:
        """Move the weights of every member against the gradient of its own loss; losses are (K,)."""
        self.optimiser.zero_grad(set_to_none=True)
        losses.sum().backward()
        self.optimiser.step()

    def hand_back(self, index: int) -> None:
        """Bring the index-th member's own optimiser to where this one is."""
        own = self._own[index]
        for weight, parameter in zip(self._weights, _parameters(own), strict=True):
            if weight in self.optimiser.state:
                own.state[parameter] = {
                    key: _part(value, weight, index) for key, value in self.optimiser.state[weight].items()
                }
        for group, shared in zip(own.param_groups, self.optimiser.param_groups, strict=True):
            group["lr"] = shared["lr"]


def _share(tensors: list[Tensor]) -> Tensor:
    """Stack tensors of one shape to (K, ...), and make each of them a view of its part."""
    stack = torch.stack([tensor.detach() for tensor in tensors])
    for tensor, part in zip(tensors, stack, strict=True):
        tensor.data = part
    return stack


def _parameters(optimiser: Optimizer) -> list[Tensor]:
    return [parameter for group in optimiser.param_groups for parameter in group["params"]]


def _joined(key: str, values: list[Any], weight: Tensor) -> Any:
    """What the members' optimisers remember of a weight, as one for the stack ``weight``."""
    if isinstance(values[0], Tensor) and values[0].shape == weight.shape[1:] and key != "step":
        return torch.stack(values)
    return copy.deepcopy(values[0])  # the number of steps, which all share


def _part(value: Any, weight: Tensor, index: int) -> Any:
    """The index-th member's part of what the optimiser of the stack ``weight`` remembers."""
    if isinstance(value, Tensor):
        return (value[index] if value.shape == weight.shape else value).clone()
    return value
