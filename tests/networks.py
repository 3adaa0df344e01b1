"""What the tests of architectures ask of networks, whichever they are, and a layer that tests share."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ganbench.api import Networks


class Again(nn.Linear):
    """Is computed again in the backward pass, to save memory."""

    def forward(self, x: Tensor) -> Tensor:
        again: Tensor = checkpoint(super().forward, x, use_reentrant=False)
        return again


def require_gradients(networks: Iterable[nn.Module]) -> None:
    """Check that a gradient has reached every parameter: one without never learns."""
    for network in networks:
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def require_the_same_in_channels_last(networks: Networks, z: Tensor) -> None:
    """Check that the networks give the same numbers in the other memory layout, in which they are left."""
    expected = networks.discriminator(networks.generator(z))
    for network in networks:
        network.to(memory_format=torch.channels_last)
    fakes = networks.generator(z).to(memory_format=torch.channels_last)
    torch.testing.assert_close(networks.discriminator(fakes), expected)
