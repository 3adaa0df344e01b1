"""Penalties that ask more of the discriminator than every mode of training gives: each is caught by name."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.testing import check
from tests.kit import assert_caught, failed
from tests.loops import Orthogonal


class ByModules(Penalty):
    """Looks for layers."""

    constrains, double_backward = "weights", False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        layers = [module for module in discriminator.modules() if isinstance(module, nn.Linear)]
        return torch.stack([layer.weight.square().sum() for layer in layers]).sum()


class ByType(Penalty):
    """Takes nothing for a weight that is no nn.Parameter."""

    constrains, double_backward = "weights", False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        weights = [one for one in discriminator.parameters() if isinstance(one, nn.Parameter)]
        return torch.stack([real.new_zeros(()), *(one.square().sum() for one in weights)]).sum()


class OfOneSample(Penalty):
    """Asks for one sample, of which no label is known."""

    constrains, double_backward = "outputs", False

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        found: Tensor = discriminator(real[:1].detach()).square().mean()
        return found


WRONG: list[tuple[type[Penalty], str]] = [
    (ByModules, "with a conditional architecture it fails (AttributeError: 'Critic' object has no attribute 'modules'"),
    (ByType, "under --batch-seeds it is 0, but"),
    (OfOneSample, "with a conditional architecture it is nan"),
]


@pytest.mark.parametrize(("penalty", "words"), WRONG, ids=[one.__name__ for one, _ in WRONG])
def test_a_penalty_that_fails_in_a_mode_of_training_is_caught_by_name(penalty: type[Penalty], words: str) -> None:
    assert_caught(penalty, "training-modes", words)


def test_a_penalty_on_weights_by_shape_and_name_passes() -> None:
    assert failed(check(Orthogonal)) == {}
