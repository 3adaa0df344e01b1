"""Extractors that are wrong on purpose: each is caught, in words that name the mistake."""

import pytest
import torch
from torch import Tensor, nn

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


class Rehashed(RightExtractor):
    """Hashes something that is another each time."""

    count = 0

    def sha256(self) -> str:
        self.count += 1
        return f"{self.count:064x}"


class RehashedByInstance(RightExtractor):
    """Hashes something that is another for each instance."""

    def sha256(self) -> str:
        Rehashed.count += 1
        self.found = getattr(self, "found", f"{Rehashed.count:064x}")
        return self.found


class InPlaceNetwork(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return super().forward(images.bitwise_not_())


class InPlace(RightExtractor):
    """Inverts the images it is given."""

    def build(self, layers: list[str]) -> nn.Module:
        return InPlaceNetwork(layers)


class GradientNetwork(Thumbnails):
    def __init__(self, layers: list[str]) -> None:
        super().__init__(layers)
        self.weight = nn.Parameter(torch.eye(48))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            return tuple(x @ self.weight for x in super().forward(images))


class WithGradients(RightExtractor):
    """Computes with gradients, whoever calls it."""

    def build(self, layers: list[str]) -> nn.Module:
        return GradientNetwork(layers)


class Coarse(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(x.half() for x in super().forward(images))


class InHalves(RightExtractor):
    """Features in half precision."""

    def build(self, layers: list[str]) -> nn.Module:
        return Coarse(layers)


class PlainMean(Thumbnails):
    def __init__(self, layers: list[str]) -> None:
        super().__init__(layers)
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        centred = images / 255 - self.mean
        return tuple(nn.functional.adaptive_avg_pool2d(centred, 4).flatten(1) for _ in self.layers)


class LeftBehind(RightExtractor):
    """The mean of its training images is a plain tensor."""

    def build(self, layers: list[str]) -> nn.Module:
        return PlainMean(layers)


class Rigid(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return super().forward(images.reshape(-1, 3, 32, 32) if images.shape[2] == 32 else images[:, :, 32:])


class OneSize(RightExtractor):
    """Takes one size alone, and says otherwise."""

    sizes = (4, 1024)

    def build(self, layers: list[str]) -> nn.Module:
        return Rigid(layers)


class FlatNetwork(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(nn.functional.avg_pool2d(images / 255, 8).flatten(1) for _ in self.layers)


class OtherDimensionElsewhere(RightExtractor):
    """More features for larger images."""

    sizes = (32, 1024)

    def build(self, layers: list[str]) -> nn.Module:
        return FlatNetwork(layers)


class Backwards(RightExtractor):
    """Largest first."""

    sizes = (1024, 4)


class Certain(Thumbnails):
    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        (grid, _) = super().forward(images)
        return grid, grid.softmax(dim=1)


class Probabilities(RightExtractor):
    """Probabilities where logits should be."""

    logits_layer = "classes"

    def build(self, layers: list[str]) -> nn.Module:
        return Certain(layers)


class Reseeds(RightExtractor):
    """Seeds torch's own stream."""

    def build(self, layers: list[str]) -> nn.Module:
        torch.manual_seed(0)
        return Thumbnails(layers)


class Nameless(RightExtractor):
    """Says not what torch-fidelity knows it by."""

    registered_name = ""


class Maps(Thumbnails):
    """The features of each place, not of the image."""

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(features.unflatten(1, (3, -1)) for features in super().forward(images))


class OfPlaces(RightExtractor):
    """A map for each image."""

    def build(self, layers: list[str]) -> nn.Module:
        return Maps(layers)


WRONG: list[tuple[type, str, str]] = [
    (Unhashed, "identity", "not 64 hexadecimal digits"),
    (OtherDimension, "outputs", "gives 48 features but declares 64"),
    (Training, "outputs", "in training mode"),
    (Centred, "batch-size", "would depend on the batch size"),
    (Random, "repeatable", "no two scores could be compared"),
    (Blind, "severity", "would not see bad samples"),
    (Rehashed, "identity", "sha256() gives another answer when it is called again"),
    (RehashedByInstance, "identity", "sha256() gives another answer when it is called again"),
    (InPlace, "outputs", "forward() changes the images that it is given in place"),
    (WithGradients, "outputs", 'would end with "Can\'t call numpy()"'),
    (InHalves, "outputs", "layer 'grid' is float16, not float32"),
    (LeftBehind, "moves", "every run on a GPU would fail at its first evaluation"),
    (OneSize, "sizes", "it declares sides from 4 to 1024, and for images of 4x4 it raises RuntimeError"),
    (OtherDimensionElsewhere, "sizes", "for images of 64x64 gives features (6, 192), not (6, 48)"),
    (Backwards, "sizes", "not (smallest, largest)"),
    (Probabilities, "outputs", "layer 'classes' gives probabilities"),
    (Reseeds, "streams", "it seeds the global random stream of torch"),
    (Unregistered, "registered", "torch-fidelity does not know 'never-registered'"),
    (Nameless, "registered", "registered_name is empty"),
    (OfPlaces, "outputs", "layer 'grid' has shape (6, 3, 16) for 6 images, not (6, F)"),
]


@pytest.mark.parametrize(("component", "name", "words"), WRONG, ids=[one.__name__ for one, _, _ in WRONG])
def test_a_wrong_component_is_caught_by_name(component: type, name: str, words: str) -> None:
    assert_caught(component, name, words)
