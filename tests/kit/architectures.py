"""An architecture as it should be, of two layers each, and how one of its networks is replaced."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks

NO_EXPORT = {"export": "slow, and only a note"}


class ToImage(nn.Module):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.shape = shape
        self.hidden = nn.Linear(latent_dim, 8)
        self.output = nn.Linear(8, shape[0] * shape[1] * shape[2])

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = torch.tanh(self.output(torch.relu(self.hidden(z)))).unflatten(1, self.shape)
        return images


class ToOutput(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.hidden = nn.Linear(shape[0] * shape[1] * shape[2], 8)
        self.output = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        raw: Tensor = self.output(nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2))
        return raw.squeeze(1)


class Right(Architecture):
    """Two layers each; the wrong ones replace one of the two networks."""

    sizes: ClassVar[tuple[int, int]] = (8, 16)
    power_of_two = True

    def generator(self, shape: tuple[int, ...], latent_dim: int) -> nn.Module:
        return ToImage(shape, latent_dim)

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return ToOutput(shape)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        if len(shape) != 3:
            raise ValueError("it makes images")
        return Networks(self.generator(shape, latent_dim), self.discriminator(shape))


def with_discriminator(network: Any, doc: str, **declared: Any) -> type[Architecture]:
    members = {"__doc__": doc, "discriminator": lambda self, shape: network(shape), **declared}
    return type(network.__name__, (Right,), members)


def with_generator(network: Any, doc: str) -> type[Architecture]:
    return type(network.__name__, (Right,), {"__doc__": doc, "generator": lambda self, shape, z: network(shape, z)})
