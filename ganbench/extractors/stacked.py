"""Extractors for stacked digits: an embedded network looks at each channel by itself."""

from typing import Any, ClassVar

import torch
from torch import Tensor
from torch_fidelity.feature_extractor_base import FeatureExtractorBase

from ganbench.errors import UsageError
from ganbench.extractors.embedded import DigitFeatures, DigitsFeatures, Embedded, MnistFeatures

CHANNELS = 3


def joint_logits(logits: Tensor) -> Tensor:
    """Return logits (N, K³) of three classes at once from those of each channel (N, 3, K), up to a constant.

    The channels are classified independently: the probability of a triple is the product of three, its logit the sum.
    The index is the three classes read as a number in base K, the first channel first.
    """
    first, second, third = logits.unbind(dim=1)
    return (first[:, :, None, None] + second[:, None, :, None] + third[:, None, None, :]).flatten(1)


class StackedFeatures(FeatureExtractorBase):  # type: ignore[misc]
    """torch-fidelity's view: uint8 images (N, 3, size, size) to ``"192"``, three times 64, and ``"logits"`` (N, 1000).

    The weights are those of the embedded network for one channel.
    """

    single: ClassVar[type[DigitFeatures]]
    weights: ClassVar[str]
    sha256: ClassVar[str]

    def __init__(
        self,
        name: str,
        features_list: list[str],
        feature_extractor_weights_path: str | None = None,
        feature_extractor_internal_dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name, features_list)
        self.channel = self.single(
            name, ["64", "logits"], feature_extractor_weights_path, feature_extractor_internal_dtype
        )
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the requested outputs in the order of ``features_list``."""
        size = self.single.size
        if images.dtype != torch.uint8 or tuple(images.shape[1:]) != (CHANNELS, size, size):
            raise UsageError(f"{self.name} takes uint8 images (N, {CHANNELS}, {size}, {size})")
        features, logits = self.channel(images.reshape(-1, 1, size, size))
        outputs = {"192": features.reshape(len(images), -1)}
        if "logits" in self.features_list:
            outputs["logits"] = joint_logits(logits.view(len(images), CHANNELS, -1))
        return tuple(outputs[layer] for layer in self.features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return "192", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return {"isc": "logits", "fid": "192", "kid": "192", "prc": "192"}[metric]

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @classmethod
    def get_dummy_input_for_compile(cls) -> Tensor:
        return torch.zeros(1, CHANNELS, cls.single.size, cls.single.size, dtype=torch.uint8)


class StackedDigitsFeatures(StackedFeatures):
    single = DigitsFeatures
    weights, sha256 = DigitsFeatures.weights, DigitsFeatures.sha256


class StackedMnistFeatures(StackedFeatures):
    single = MnistFeatures
    weights, sha256 = MnistFeatures.weights, MnistFeatures.sha256


class Stacked(Embedded):
    """What the two have in common. Their identity is that of the network for one channel."""

    feature_layer = "192"
    logits_layer = "logits"
    dimension = 192
    channels = CHANNELS


class StackedDigits(Stacked):
    """For the dataset ``stacked-digits``: the network of ``digits`` on each channel, 1,000 classes."""

    registered_name = "ganbench-stacked-digits"
    domain = "three handwritten digits, 3x16x16"
    sizes = (16, 16)
    network = StackedDigitsFeatures


class StackedMnist(Stacked):
    """For the dataset ``stacked-mnist``: the network of ``mnist`` on each channel, 1,000 classes."""

    registered_name = "ganbench-stacked-mnist"
    domain = "three MNIST digits, 3x32x32"
    sizes = (32, 32)
    network = StackedMnistFeatures
