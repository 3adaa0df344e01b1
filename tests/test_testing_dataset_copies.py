"""Copies of training samples with little changed are found; samples that lie close together by chance are not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganbench.testing import Flaw
from ganbench.testing.dataset_copies import check

Draw = Callable[[int, torch.Generator], Tensor]


def on_a_line(n: int, rng: torch.Generator) -> Tensor:
    return torch.rand(n, 1, generator=rng)


def in_the_plane(n: int, rng: torch.Generator) -> Tensor:
    return torch.randint(8, (n, 1), generator=rng) + 0.01 * torch.randn(n, 2, generator=rng)


def whole_numbers(n: int, rng: torch.Generator) -> Tensor:
    return torch.randint(9, (n, 3), generator=rng).float()


def one_dot(n: int, rng: torch.Generator) -> Tensor:
    """Images that are black but for one pixel, most often one that is not compared."""
    images = torch.zeros(n, 4096, dtype=torch.uint8)
    return images.scatter(1, torch.randint(4096, (n, 1), generator=rng), 255).view(n, 1, 64, 64)


def frames(n: int, rng: torch.Generator) -> Tensor:
    """Pictures of few scenes, each scene many times with a little noise."""
    scenes = torch.randint(256, (20, 300), generator=torch.Generator().manual_seed(5))
    noise = torch.randint(-1, 2, (n, 300), generator=rng)
    return (scenes[torch.randint(20, (n,), generator=rng)] + noise).clamp(0, 255).to(torch.uint8)


def smooth(n: int, rng: torch.Generator) -> Tensor:
    coarse = torch.rand(n, 3, 4, 4, generator=rng)
    return (255 * torch.nn.functional.interpolate(coarse, size=(16, 16), mode="bilinear")).to(torch.uint8)


@pytest.mark.parametrize("draw", [on_a_line, in_the_plane, whole_numbers, one_dot, frames, smooth])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_two_draws_are_no_copies(draw: Draw, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    check(draw(12_000, rng), draw(600, rng))


@pytest.mark.parametrize("draw", [on_a_line, in_the_plane, smooth])
def test_copies_with_little_changed_are_found(draw: Draw) -> None:
    rng = torch.Generator().manual_seed(1)
    train, test = draw(1200, rng), draw(600, rng)
    copies = train[torch.randperm(len(train), generator=rng)[:120]]
    little = 1 if copies.dtype == torch.uint8 else 1e-6
    test[:120] = copies.clamp(max=254) + little if copies.dtype == torch.uint8 else copies + little
    with pytest.raises(Flaw, match="copies of train with little changed"):
        check(train, test)


def test_few_samples_are_enough_to_tell() -> None:
    train = torch.randn(3, 5, generator=torch.Generator().manual_seed(1))
    check(train, torch.randn(2, 5, generator=torch.Generator().manual_seed(2)))
    check(train[:1], train[:1] + 1)
