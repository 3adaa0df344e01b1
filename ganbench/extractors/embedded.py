"""The extractors that ship with the package, for machines that can download nothing.

A 16-32-64 convolutional classifier of digits, 23,946 parameters, trained once by :mod:`ganbench.extractors.train`,
with its batch normalisation folded into the convolutions. The weights are shipped and never retrained on a user's
machine: one thread against two already gives other weights and moves an FID by a third. A network's identity is the
SHA-256 of its file, and scores of different files are never compared.
"""

import hashlib
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from safetensors.torch import load
from torch import Tensor, nn
from torch_fidelity.feature_extractor_base import FeatureExtractorBase
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY, register_feature_extractor

from ganbench.api import Extractor
from ganbench.errors import DataError, UsageError

WEIGHTS = Path(__file__).parent / "weights"


class DigitFeatures(FeatureExtractorBase):  # type: ignore[misc]
    """torch-fidelity's view of an embedded network: uint8 images (N, 1, size, size) to ``"64"`` and ``"logits"``.

    Subclasses name their weights. Registered by :func:`ganbench.extractors.register_with_torch_fidelity`, so that
    ``calculate_metrics(feature_extractor="ganbench-digits")`` gives the numbers that ganbench prints.
    """

    size: ClassVar[int] = 0
    weights: ClassVar[str] = ""
    sha256: ClassVar[str] = ""

    def __init__(
        self,
        name: str,
        features_list: list[str],
        feature_extractor_weights_path: str | None = None,
        feature_extractor_internal_dtype: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Load the shipped weights, or those at ``feature_extractor_weights_path``, which are not ganbench's then.

        Raises:
            DataError: the weights are missing, damaged or of another network.
            UsageError: an internal type other than float32 is asked for.
        """
        super().__init__(name, features_list)
        if feature_extractor_internal_dtype not in (None, "float32"):
            raise UsageError(f"{name} computes in float32, not in {feature_extractor_internal_dtype}")
        self.conv1 = nn.Conv2d(1, 16, 3, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.classifier = nn.Linear(64, 10)
        if feature_extractor_weights_path is None:
            data, path = shipped_weights(self.weights, self.sha256), WEIGHTS / self.weights
        else:
            path = Path(feature_extractor_weights_path)
            data = _read(path)
        try:
            self.load_state_dict(load(data))
        except Exception as error:
            raise DataError(f"{path} does not hold the weights of {name}; remove the setting that names it") from error
        self.requires_grad_(False)
        self.eval()

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the requested outputs in the order of ``features_list``: (N, 64) features, (N, 10) logits."""
        if images.dtype != torch.uint8 or images.dim() != 4:
            raise UsageError(f"{self.name} takes uint8 images (N, 1, {self.size}, {self.size})")
        # torch-fidelity opens every image file as RGB; a grey image has three equal channels there.
        if images.shape[1] == 3:
            grey = images[:, :1]
            if not torch.equal(grey.expand_as(images), images):
                raise UsageError(f"{self.name} was trained on grey images and refuses coloured ones")
            images = grey
        if tuple(images.shape[1:]) != (1, self.size, self.size):
            shape = "x".join(str(length) for length in images.shape[1:])
            raise UsageError(f"{self.name} was trained on 1x{self.size}x{self.size} images and refuses {shape}")
        # In place where nobody else looks: on small images every pass over memory counts.
        x = blocked(images.to(torch.float32).div_(127.5).sub_(1))
        # Pooling before the ReLU gives the same as after it, on a quarter of the values.
        x = torch.relu_(torch.max_pool2d(_convolved(x, self.conv1), 2))
        x = torch.relu_(torch.max_pool2d(_convolved(x, self.conv2), 2))
        x = F.adaptive_avg_pool2d(torch.relu_(_convolved(x, self.conv3)), 1)
        x = (x.to_dense() if x.is_mkldnn else x).flatten(1)
        outputs = {"64": x}
        if "logits" in self.features_list:
            outputs["logits"] = self.classifier(x)
        return tuple(outputs[layer] for layer in self.features_list)

    @staticmethod
    def get_provided_features_list() -> tuple[str, ...]:
        return "64", "logits"

    @staticmethod
    def get_default_feature_layer_for_metric(metric: str) -> str:
        return {"isc": "logits", "fid": "64", "kid": "64", "prc": "64"}[metric]

    @staticmethod
    def can_be_compiled() -> bool:
        return False

    @classmethod
    def get_dummy_input_for_compile(cls) -> Tensor:
        return torch.zeros(1, 1, cls.size, cls.size, dtype=torch.uint8)


def _convolved(x: Tensor, layer: nn.Conv2d) -> Tensor:
    # Calling a module instead would cost as much as a hundredth of the whole network's time each.
    return torch.conv2d(x, layer.weight, layer.bias, padding=1)


def blocked(x: Tensor) -> Tensor:
    """Return float32 images (N, C, H, W) in oneDNN's own layout where it computes them, that is on most CPUs.

    From there on no layer reorders what the one before it wrote, which saves a quarter of the time. What comes out is
    the same for every batch size and number of threads, and differs from the plain layout's by rounding.
    """
    return x.to_mkldnn() if x.device.type == "cpu" and torch.backends.mkldnn.is_available() else x


class DigitsFeatures(DigitFeatures):
    """Trained on the train split of the dataset ``digits``."""

    size = 16
    weights = "digits.safetensors"
    sha256 = "dbc800ed3c2ed567d400194df06e48e6edd0099d60371869d8aa07c213bb6874"


class MnistFeatures(DigitFeatures):
    """Trained on the train split of the dataset ``mnist``: 28x28 digits, padded with zeros to 32x32."""

    size = 32
    weights = "mnist.safetensors"
    sha256 = "6e8334f16765eba3e8c062edcd8a25b6852e5cd970b3393aafd0c43d801782df"


class Embedded(Extractor):
    """An extractor whose weights are part of this package."""

    feature_layer = "64"
    logits_layer = "logits"
    dimension = 64
    channels = 1
    batch_size = 500
    network: ClassVar[Any]
    """The feature network's class, which names its file of weights and what that hashes to."""

    def sha256(self) -> str:
        shipped_weights(self.network.weights, self.network.sha256)
        return str(self.network.sha256)

    def files(self) -> tuple[str, ...]:
        return (str(WEIGHTS / self.network.weights),)

    def build(self, layers: list[str]) -> nn.Module:
        if self.registered_name not in FEATURE_EXTRACTORS_REGISTRY:
            register_feature_extractor(self.registered_name, self.network)
        network: nn.Module = self.network(self.registered_name, layers)
        return network


class Digits(Embedded):
    """For the dataset ``digits``; held-out accuracy and real-against-real scores are in ``weights/digits.md``."""

    registered_name = "ganbench-digits"
    domain = "handwritten digits, 1x16x16"
    sizes = (16, 16)
    network = DigitsFeatures


class Mnist(Embedded):
    """For MNIST padded to 32x32; held-out accuracy and real-against-real scores are in ``weights/mnist.md``."""

    registered_name = "ganbench-mnist"
    domain = "MNIST digits, 1x32x32"
    sizes = (32, 32)
    network = MnistFeatures


def shipped_weights(name: str, expected: str) -> bytes:
    """Return the bytes of a shipped weights file.

    Raises:
        DataError: it is missing, or its SHA-256 is not the one it was released with.
    """
    path = WEIGHTS / name
    data = _read(path)
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is damaged: its SHA-256 begins {found[:12]}, expected {expected[:12]}; reinstall ganbench"
        )
    return data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the weights {path}: {error.strerror or error}; reinstall ganbench") from error
