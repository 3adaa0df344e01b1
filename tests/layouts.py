"""Networks that flatten their features in every way that people do, for the tests of their layout."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks, Samples
from ganbench.spec import Recipe
from ganbench.training.state import State

SHAPE = (3, 4, 4)
Flatten = Callable[[Tensor], Tensor]


def reshaped(h: Tensor) -> Tensor:
    return h.reshape(len(h), -1)


def viewed(h: Tensor) -> Tensor:
    return h.view(len(h), -1)


def dropped(h: Tensor) -> Tensor:
    """Dropout, whose mask is drawn in the order of memory."""
    return torch.nn.functional.dropout(h, 0.5).reshape(len(h), -1)


def viewed_by_keyword(h: Tensor) -> Tensor:
    return h.view(size=(len(h), 64))


class GradientViewed(torch.autograd.Function):
    """Flattens with ``view`` on the way back only, where no hook of the network reaches."""

    @staticmethod
    def forward(ctx: Any, h: Tensor) -> Tensor:
        return h.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0].contiguous(memory_format=torch.channels_last).view(-1).view(gradients[0].shape)


def viewed_as_bits(h: Tensor) -> Tensor:
    h.detach().permute(0, 2, 1, 3)[..., ::2].view(torch.int16)  # refused in both layouts: another element size
    return reshaped(h)


def viewed_backward(h: Tensor) -> Tensor:
    # In the plain layout as well as in the other, so that nothing of it can be tried.
    return reshaped(GradientViewed.apply(h))


def viewed_backward_in_its_layout(h: Tensor) -> Tensor:
    class Picky(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, h: Tensor) -> Tensor:
            ctx.contiguous = h.is_contiguous()
            return h.clone()

        @staticmethod
        def backward(ctx: Any, *gradients: Tensor) -> Tensor:
            if not ctx.contiguous:
                raise RuntimeError("this kernel wants the plain layout")
            return gradients[0]

    return reshaped(Picky.apply(h))


def refused(h: Tensor) -> Tensor:
    if not h.is_contiguous():
        raise RuntimeError("this kernel wants the plain layout")
    return reshaped(h)


def by_memory(h: Tensor) -> Tensor:
    """Reads memory in the order in which it lies."""
    return torch.as_strided(h, (len(h), h[0].numel()), (h[0].numel(), 1))


def by_eight(h: Tensor) -> Tensor:
    if len(h) % 8:
        raise RuntimeError("the batch must be a multiple of 8")
    return reshaped(h)


class Critic(nn.Module):
    def __init__(
        self, flatten: Flatten, *, pack: int = 1, noise: float = 0.0, in_training: Flatten | None = None
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.out = nn.Linear(4 * 16 * pack, 1)
        self.aside = nn.Dropout().eval()
        self.flatten, self.pack, self.noise = flatten, pack, noise
        self.in_training = in_training or flatten

    def forward(self, x: Tensor) -> Tensor:
        flatten = self.in_training if self.training else self.flatten
        h = flatten(self.conv(x) + self.noise * torch.randn(x.shape[0], 1, 1, 1))
        return self.out(h.reshape(len(h) // self.pack, -1)).squeeze(1)  # type: ignore[no-any-return]


class Images(Architecture):
    def __init__(
        self, flatten: Flatten, *, pack: int = 1, noise: float = 0.0, in_training: Flatten | None = None
    ) -> None:
        self.flatten, self.pack, self.noise, self.in_training = flatten, pack, noise, in_training

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        generator = Bytes(
            nn.Linear(latent_dim, 2 * 4), nn.Unflatten(1, (2, 2, 2)), nn.BatchNorm2d(2),
            nn.ConvTranspose2d(2, shape[0], 4, 2, 1), nn.Tanh(),
        )  # fmt: skip
        return Networks(generator, Critic(**vars(self)))


class Bytes(nn.Sequential):
    """A generator that returns bytes in eval mode, as torch-fidelity's metrics want them."""

    def forward(self, z: Tensor) -> Tensor:
        fakes: Tensor = super().forward(z)  # type: ignore[no-untyped-call]  # torch's own has no types
        return fakes if self.training else ((fakes + 1) * 127.5).to(torch.uint8)


def state_of(architecture: Architecture) -> State:
    data = torch.randint(0, 256, (12, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return State(
        architecture=architecture,
        samples=Samples(data=data),
        recipe=Recipe(batch_size=4),
        seed=0,
        device=torch.device("cpu"),
    )
