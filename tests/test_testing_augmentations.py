"""Augmentations that are wrong on purpose: each is caught, in words that name the mistake."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from ganbench.api import Augmentation
from ganbench.testing import check
from tests.kit import assert_caught, failed, outcome_of


class Mirror(Augmentation):
    """Each image mirrored with probability 1/2: right."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.rand((len(images), 1, 1, 1), generator=rng, device=images.device) < 0.5

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.where(self.chosen(images, rng), images.flip(3), images)


class Softened(Augmentation):
    """Each pixel averaged with its neighbours: right, and nothing is random."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return (images + images.roll(1, 3)) / 2


class Cropped(Mirror):
    """Loses a row."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(images, rng)[:, :, 1:]


class Unstacked(Mirror):
    """Returns a list."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return list(super().__call__(images, rng))  # type: ignore[return-value]


class Widens(Mirror):
    """Brightness drawn in float32."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return images + torch.rand((len(images), 1, 1, 1), generator=rng)


class Detached(Mirror):
    """No gradient passes."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(images.detach(), rng)


class Levels(Mirror):
    """Rounded to 256 levels, as image libraries do."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return (super().__call__(images, rng) * 127.5).round() / 127.5


class StraightThrough(Mirror):
    """Contrast whose mean is detached."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        mean = images.mean((1, 2, 3), keepdim=True).detach()
        return (images - mean) * (torch.rand((len(images), 1, 1, 1), generator=rng) + 0.5).to(images.dtype) + mean


class Shared(Mirror):
    """One draw for the whole batch."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.rand((), generator=rng, device=images.device) < 0.5


class BatchContrast(Mirror):
    """Contrast around the batch's mean."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        mean = images.mean()
        return (images - mean) * (torch.rand((len(images), 1, 1, 1), generator=rng) + 0.5).to(images.dtype) + mean


class FakesOnly(Mirror):
    """Transforms what carries a gradient, that is the generator's images in its own update."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        moved = super().__call__(images, rng)
        return moved if images.requires_grad else images


class EverySecond(Mirror):
    """Transforms every second batch: the real ones, as the loop calls it today."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        self.calls += 1
        moved = super().__call__(images, rng)
        return moved if self.calls % 2 else images


class GlobalStream(Mirror):
    """Draws from torch's global stream."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.rand((len(images), 1, 1, 1)) < 0.5


class SeedsTorch(Mirror):
    """Seeds torch's own stream, always to the same state."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        torch.manual_seed(0)
        return super().chosen(images, rng)


class SeedsItsStream(Mirror):
    """Draws the same after the first batch."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        drawn = super().chosen(images, rng)
        rng.manual_seed(0)
        return drawn


class SetsItsStreamBack(Mirror):
    """Draws the same in every step."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        state = rng.get_state()
        drawn = super().chosen(images, rng)
        rng.set_state(state)
        return drawn


class PythonStream(Mirror):
    """Draws from Python's random."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return torch.tensor([random.random() for _ in images]).view(-1, 1, 1, 1) < 0.5


class Unused(Mirror):
    """Draws and throws away."""

    def chosen(self, images: Tensor, rng: torch.Generator) -> Tensor:
        torch.rand((len(images),), generator=rng)
        return torch.ones(len(images), 1, 1, 1, dtype=torch.bool)


class InPlace(Mirror):
    """Blanks a corner of the very images it was given."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        super().__call__(images, rng)
        with torch.no_grad():
            images[:, :, 0, 0] = 0.0
        return images


class Standardised(Mirror):
    """Divides by the image's own spread."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(images, rng) / images.std((1, 2, 3), keepdim=True)


class Doubling(torch.autograd.Function):
    """x to 2x, with a backward that autograd cannot follow."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> Tensor:
        return 2 * slope


class ByHand(Augmentation):
    """Has a backward of its own."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        found: Tensor = Doubling.apply(images)
        return found


class Squares(Augmentation):
    """Makes the image square."""

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        missing = images.shape[2] - images.shape[3]
        return pad(images, (0, missing, 0, 0))


class NoSignature(Augmentation):
    """Takes no stream."""

    def __call__(self, images: Tensor) -> Tensor:  # type: ignore[override]
        return images.flip(3)


WRONG: list[tuple[type[Augmentation], str, str]] = [
    (Cropped, "shape", "it makes shape (1, 1, 7, 8) of images (1, 1, 8, 8)"),
    (Squares, "shape", "it makes shape (1, 3, 20, 20) of images (1, 3, 20, 12)"),
    (Unstacked, "shape", "it makes a list of images"),
    (Widens, "shape", "it makes torch.float32 of torch.bfloat16 images"),
    (Detached, "gradient", "the generator would learn nothing"),
    (Levels, "gradient", "rounding, thresholding"),
    (StraightThrough, "gradient", "part of it is detached"),
    (Shared, "own-draws", "all images of a batch share one random draw"),
    (BatchContrast, "neighbours", "depends on the other images of the batch"),
    (FakesOnly, "alike", "real and fake images would be transformed differently"),
    (EverySecond, "alike", "real and fake images would be transformed differently"),
    (GlobalStream, "repeatable", "torch's own random stream"),
    (SeedsTorch, "repeatable", "it draws from torch's own random stream or seeds it"),
    (SeedsItsStream, "repeatable", "it seeds the random stream that it is given"),
    (SetsItsStreamBack, "repeatable", "it draws from the random stream that it is given and sets it back"),
    (PythonStream, "repeatable", "drawn from numpy, random or a stream of its own"),
    (Unused, "repeatable", "makes the same images for every draw"),
    (InPlace, "undisturbed", "changes the images it is given in place"),
    (Standardised, "finite", "would end the trial as diverged"),
    (ByHand, "double-backward", "one of its operations has only one derivative"),
    (NoSignature, "shape", "positional argument"),
]


@pytest.mark.parametrize(("augmentation", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_augmentation_is_caught_by_name(augmentation: type[Augmentation], name: str, words: str) -> None:
    assert_caught(augmentation, name, words)


@pytest.mark.parametrize("augmentation", [Mirror, Softened])
def test_a_right_augmentation_passes(augmentation: type[Augmentation]) -> None:
    assert failed(check(augmentation)) == {}


def test_what_draws_nothing_is_not_asked_for_its_draws() -> None:
    for name in ("own-draws", "repeatable"):
        found = outcome_of(name, Softened)
        assert (found.status, found.message) == ("skipped", "it draws nothing from the stream it is given")


def test_the_shapes_can_be_chosen() -> None:
    square = ((1, 4, 4), (3, 8, 8))
    assert failed(check(Squares, shapes=square)) == {}
    assert outcome_of("shape", Squares, shapes=square).message == "tried 1x4x4, 3x8x8"
