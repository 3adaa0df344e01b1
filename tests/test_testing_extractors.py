"""Extractors that are wrong on purpose: each is caught, in words that name the mistake."""

import pytest
import torch
from torch import Tensor, nn

from ganbench.testing import check
from tests.kit import assert_caught
from tests.kit.components import RightExtractor, Thumbnails


class Unhashed(RightExtractor):
    """No identity."""

    def sha256(self) -> str:
        return "v1"


class OtherDimension(RightExtractor):
    """Declares another dimension."""

    dimension = 64


class Training(RightExtractor):
    """In training mode."""

    def build(self, layers: list[str]) -> nn.Module:
        return Thumbnails(layers).train()


class BatchCentred(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x - x.mean(0) for x in super().forward(images))


class Centred(RightExtractor):
    """Features relative to their batch."""

    def build(self, layers: list[str]) -> nn.Module:
        return BatchCentred(layers)


class RandomNetwork(Thumbnails):
    def __init__(self, layers: list[str]) -> None:
        super().__init__(layers)
        self.weight = nn.Parameter(torch.randn(48, 48))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x @ self.weight for x in super().forward(images))


class Random(RightExtractor):
    """Weights drawn anew."""

    def build(self, layers: list[str]) -> nn.Module:
        return RandomNetwork(layers)


class ConstantNetwork(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x * 0 + 1 for x in super().forward(images))


class Blind(RightExtractor):
    """The same for every image."""

    def build(self, layers: list[str]) -> nn.Module:
        return ConstantNetwork(layers)


class Unregistered(RightExtractor):
    """Unknown to torch-fidelity."""

    registered_name = "never-registered"


WRONG: list[tuple[type, str, str]] = [
    (Unhashed, "identity", "not 64 hexadecimal digits"),
    (OtherDimension, "outputs", "gives 48 features and declares 64"),
    (Training, "outputs", "in training mode"),
    (Centred, "batch-size", "would depend on the batch size"),
    (Random, "repeatable", "no two scores could be compared"),
    (Blind, "severity", "would not see bad samples"),
    (Unregistered, "registered", "torch-fidelity does not know 'never-registered'"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(check(component), name, words)
