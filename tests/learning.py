"""What the tests of architectures ask of networks after a backward pass."""

from collections.abc import Iterable

from torch import nn


def require_gradients(networks: Iterable[nn.Module]) -> None:
    """Check that a gradient has reached every parameter: one without never learns."""
    for network in networks:
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
