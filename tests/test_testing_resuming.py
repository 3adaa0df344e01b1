"""Networks whose state is not all saved are caught; those that change from call to call and save it are not."""

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.kit.architectures import NO_EXPORT, ToImage, ToOutput, with_discriminator, with_generator


class Warmup(ToImage):
    """Fades its latents in over the first thousand calls in training."""

    calls = 0

    def forward(self, z: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return super().forward(z * min(1.0, 0.5 + self.calls / 2000))


class Fading(ToOutput):
    """Lets the noise on its input fade out, call by call."""

    strength = 0.1

    def forward(self, x: Tensor) -> Tensor:
        self.strength *= 0.999
        return super().forward(x + self.strength * torch.randn_like(x) if self.training else x)


class RunningScale(ToOutput):
    """Divides by a running mean that it keeps as a plain tensor."""

    scale: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x)
        if self.training:
            size = found.detach().abs().mean()
            self.scale = size if self.scale is None else self.scale.lerp(size, 0.1)
        return found / (self.scale + 1) if self.scale is not None else found


class CountedWell(ToImage):
    """Right: counts in a buffer."""

    calls: Tensor

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__(shape, latent_dim)
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, z: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
        return super().forward(z * (0.5 + self.calls / 2000).clamp(max=1).to(z))


class Counted(ToImage):
    """Right: counts its calls, and does nothing with the number."""

    calls = 0

    def forward(self, z: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(z)


class Spectral(ToOutput):
    """Right: a power iteration at each call in training, and dropout."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        nn.utils.parametrizations.spectral_norm(self.hidden)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        judged: Tensor = self.output(self.dropout(torch.relu(self.hidden(x.flatten(1)))))
        return judged.squeeze(1)


WRONG = [
    with_generator(Warmup, "Counts in Python."),
    with_discriminator(Fading, "Fades in Python."),
    with_discriminator(RunningScale, "A running mean that is no buffer."),
]
RIGHT = [
    with_generator(CountedWell, "Counts in a buffer."),
    with_generator(Counted, "Counts for nothing."),
    with_discriminator(Spectral, "Iterates.", spectral_norm_in_discriminator=True),
]


@pytest.mark.parametrize("architecture", WRONG, ids=lambda one: one.__name__)
def test_a_network_that_cannot_go_on_is_caught(architecture: type[Architecture]) -> None:
    assert_caught(architecture, "resuming", "a trial could not be resumed")


@pytest.mark.parametrize("architecture", RIGHT, ids=lambda one: one.__name__)
def test_a_network_that_can_go_on_passes(architecture: type[Architecture]) -> None:
    assert failed(check(architecture, skip=NO_EXPORT)) == {}
