"""Architectures and generators that are wrong on purpose: each is caught, in words that name the mistake."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.architectures import NO_EXPORT, Right, ToImage, ToOutput, with_discriminator, with_generator


class Small(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z)[..., 1:, 1:]


class Unbounded(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return 30 * torch.unflatten(self.output(torch.relu(self.hidden(z))), 1, self.shape)


class Sigmoid(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return torch.sigmoid(self.output(torch.relu(self.hidden(z))).unflatten(1, self.shape))


class Constant(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z * 0)


class Unused(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.forgotten = nn.Linear(3, 3)


class OwnNoise(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + torch.randn_like(z))


class BatchStatistics(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z - z.mean(0))


class Unregistered(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.mean = torch.randn(latent_dim)

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + self.mean)


class NotPersistent(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.register_buffer("mean", torch.randn(latent_dim), persistent=False)

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + self.get_buffer("mean"))


class Shared(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.first = nn.Linear(latent_dim, latent_dim)
        self.second = nn.Linear(latent_dim, latent_dim)
        self.second.weight = self.first.weight

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(self.second(self.first(z)))


class LateNoise(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + self.strength * torch.randn_like(z))


class LateBatchNorm(ToOutput):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.branch = nn.Linear(8, 8)
        nn.init.zeros_(self.branch.weight)
        nn.init.zeros_(self.branch.bias)
        self.norm = nn.BatchNorm1d(8)

    def forward(self, x: Tensor) -> Tensor:
        h = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        return torch.squeeze(self.output(h + self.branch(self.norm(h))), 1)


class RoundsSides(Right):
    """Makes the next lower power of two of any side."""

    power_of_two = False

    def generator(self, shape: tuple[int, ...], latent_dim: int) -> nn.Module:
        return ToImage((shape[0], *[1 << side.bit_length() - 1 for side in shape[1:]]), latent_dim)


class RefusesSides(Right):
    """Makes powers of two only, and says so when it is asked for another side."""

    power_of_two = False

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        if shape[-1] & (shape[-1] - 1):
            raise ValueError(f"{shape[-1]} is no power of two")
        return super().build(shape, latent_dim)


class BeginsAtZero(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)


class LooksAtValues(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z / max(1.0, z.abs().max().item()) if self.training else z)


class FromNumpy(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        with torch.no_grad():
            self.hidden.weight.copy_(torch.from_numpy(np.random.randn(8, latent_dim)))


class NumpyNoise(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z + torch.from_numpy(np.random.randn(*z.shape)).to(z) if self.training else z)


class Doubled(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z.mul_(2))


class Fixed(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(torch.linspace(-0.1, 0.1, parameter.numel()).view_as(parameter))


class Float32(ToImage):
    def forward(self, z: Tensor) -> Tensor:
        return super().forward(z).float()


class RandomWidth(ToImage):
    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        width = int(torch.randint(9, 1000, ()))
        self.hidden, self.output = nn.Linear(latent_dim, width), nn.Linear(width, self.output.out_features)


class Tuple(Right):
    """Returns one network."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Any:
        return self.generator(shape, latent_dim)


class NoSuchSide(Right):
    """Declares a side that it cannot build."""

    sizes = (8, 32)

    def generator(self, shape: tuple[int, ...], latent_dim: int) -> nn.Module:
        if shape[-1] > 16:
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
        return super().generator(shape, latent_dim)


class Traceback(Right):
    """Fails on vectors with what Python happens to raise."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(self.generator(shape, latent_dim), self.discriminator(shape))


class Unsettled(Right):
    """Settles a parameter to another value each time that weights are clipped."""

    def __init__(self, width: int = 8) -> None:
        self.width = width

    @classmethod
    def settle(cls, parameters: dict[str, Any], *, gradient_penalty: bool, weight_clipping: bool) -> dict[str, Any]:
        return {"width": parameters["width"] + 1} if weight_clipping else parameters


class Zeros(Right):
    """A residual branch that starts at zero: nothing is wrong with it."""

    def generator(self, shape: tuple[int, ...], latent_dim: int) -> nn.Module:
        network = ToImage(shape, latent_dim)
        first, last = nn.Linear(latent_dim, 4), nn.Linear(4, latent_dim)
        nn.init.zeros_(last.weight)
        return nn.Sequential(Residual(nn.Sequential(first, nn.ReLU(), last)), network)


class Residual(nn.Module):
    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, z: Tensor) -> Tensor:
        moved: Tensor = z + self.branch(z)
        return moved


class Vectors(Architecture):
    """For points."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        if len(shape) != 1:
            raise ValueError("it makes points")
        generator = nn.Sequential(nn.Linear(latent_dim, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, shape[0]))
        discriminator = nn.Sequential(nn.Linear(shape[0], 8), nn.Softplus(), nn.Linear(8, 1), nn.Flatten(0))
        return Networks(generator, discriminator)


WRONG: list[tuple[type[Architecture], str, str]] = [
    (with_generator(Small, "One pixel short."), "shapes", "other shapes for real and fake"),
    (with_generator(Unbounded, "No tanh."), "value-range", "would clamp them"),
    (with_generator(Sigmoid, "In [0, 1]."), "value-range", "a sigmoid?"),
    (with_generator(Constant, "Ignores z."), "evaluation", "z is not used"),
    (with_generator(Unused, "A layer too many."), "learning", "no gradient reaches the generator's forgotten.weight"),
    (with_generator(OwnNoise, "Always noisy."), "evaluation", "the same z gives another sample"),
    (with_generator(BatchStatistics, "Centres z."), "evaluation", "depends on the others in its batch"),
    (with_generator(Unregistered, "A plain tensor."), "moves", "use register_buffer"),
    (with_generator(NotPersistent, "A lost buffer."), "state-dict", "would continue with another network"),
    (with_generator(LateNoise, "Noise of a strength that begins at zero."), "evaluation", "the same z gives another"),
    (
        with_discriminator(LateBatchNorm, "Batch norm in a branch that begins at zero."),
        "batch-dependence",
        "batch_norm_in_discriminator is False",
    ),
    (RoundsSides, "shapes", "the generator for samples (1, 12, 12) returns (1, 8, 8)"),
    (with_generator(FromNumpy, "Draws from numpy."), "initialisation", "differs for the same seed"),
    (with_generator(NumpyNoise, "Noise from numpy."), "randomness", "the same trial would give another score"),
    (with_generator(Doubled, "Doubles z in place."), "inputs", "the generator changes its input in place"),
    (with_generator(Fixed, "No randomness."), "initialisation", "--seeds 5 would repeat one trial"),
    (with_generator(Float32, "Casts."), "moves", "it casts inside"),
    (with_generator(RandomWidth, "Random width."), "parameter-count", "a trial could not be resumed"),
    (Tuple, "shapes", "must return Networks(generator, discriminator)"),
    (NoSuchSide, "shapes", "mat1 and mat2 shapes cannot be multiplied"),
    (Traceback, "refusals", "raises IndexError; it must raise a ValueError"),
    (Unsettled, "settling", "planned and trained networks would differ"),
]


@pytest.mark.parametrize(("architecture", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_architecture_is_caught_by_name(architecture: type[Architecture], name: str, words: str) -> None:
    assert_caught(architecture, name, words)


RIGHT = [
    Right,
    Zeros,
    Vectors,
    RefusesSides,
    with_generator(Shared, "Tied weights."),
    with_generator(BeginsAtZero, "A last layer of zeros."),
]


@pytest.mark.parametrize("architecture", RIGHT, ids=lambda one: one.__name__)
def test_a_right_architecture_passes(architecture: type[Architecture]) -> None:
    assert failed(check(architecture, skip=NO_EXPORT)) == {}


def test_a_network_that_looks_at_values_can_move_all_the_same() -> None:
    looks = with_generator(LooksAtValues, "Divides by the largest number.")
    assert outcome_of("moves", looks).status == "ok"


def test_what_was_tried_and_counted_is_said() -> None:
    shapes, count, export = (outcome_of(name, Right).message for name in ("shapes", "parameter-count", "export"))
    assert shapes == "tried 1x8x8, 3x8x8, 1x16x16, 3x16x16"
    assert count == "712 in the generator and 529 in the discriminator for 1x8x8"
    assert export.startswith("works: the generator with torch.export and torch.compile")
