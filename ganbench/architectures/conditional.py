"""Parts of class-conditional networks, for any discriminator that is a :class:`Backbone`."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from ganbench.api import Conditioning

CONDITIONS: dict[str, Conditioning] = {"none": "none", "projection": "labels", "classifier": "classifier"}
"""The values of a parameter ``condition``, and how each lets labels reach the networks."""


class Backbone(nn.Module):
    """A discriminator in two parts, so that a condition can be joined between them."""

    def features(self, x: Tensor) -> Tensor:
        """Samples to the last features: (N, width), or a map (N, width, h, w)."""
        raise NotImplementedError

    def judge(self, features: Tensor) -> Tensor:
        """The last features to raw outputs (N,)."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.features(x))


def pooled(features: Tensor) -> Tensor:
    """Return features (N, width): a map is summed over its positions, as SNGAN's networks do."""
    return features.sum(dim=(2, 3)) if features.dim() == 4 else features


class Projection(nn.Module):
    """The projection discriminator (Miyato & Koyama 2018, arXiv:1802.05637, equation 4): samples (N, ...) and labels
    (N,) to raw outputs (N,), psi(h) + <embedding(label), h>."""

    def __init__(self, backbone: Backbone, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedding = nn.Embedding(classes, width)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        features = self.backbone.features(x)
        agreement: Tensor = (self.embedding(labels) * pooled(features)).sum(1)
        return self.backbone.judge(features) + agreement


class Classifier(nn.Module):
    """AC-GAN's discriminator (Odena, Olah & Shlens 2017, arXiv:1610.09585): samples (N, ...) to raw outputs (N,) and
    class logits (N, classes)."""

    def __init__(self, backbone: Backbone, width: int, classes: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.backbone.features(x)
        return self.backbone.judge(features), self.classifier(pooled(features))


def condition_discriminator(backbone: Backbone, condition: str, width: int, classes: int) -> nn.Module:
    """Return a discriminator that knows of classes, or the backbone itself.

    Args:
        backbone: the discriminator of samples alone.
        condition: a key of :data:`CONDITIONS`.
        width: channels of its features.
        classes: how many; ignored without a condition.
    """
    if condition == "projection":
        return Projection(backbone, width, classes)
    if condition == "classifier":
        return Classifier(backbone, width, classes)
    return backbone


class OneHot(nn.Module):
    """Gives a generator of latents (N, latent_dim + classes) the class as a one-hot vector beside z (Mirza & Osindero
    2014, arXiv:1411.1784)."""

    def __init__(self, generator: nn.Module, classes: int) -> None:
        super().__init__()
        self.generator = generator
        self.classes = classes

    def forward(self, z: Tensor, labels: Tensor) -> Tensor:
        samples: Tensor = self.generator(torch.cat([z, functional.one_hot(labels, self.classes).to(z.dtype)], dim=1))
        return samples


def with_one_hot(generator: nn.Module, classes: int) -> nn.Module:
    """Return the generator with :class:`OneHot` before it, or itself where there are no classes."""
    return OneHot(generator, classes) if classes else generator


class ConditionalBatchNorm2d(nn.Module):
    """Batch norm whose scale and shift are the class's (Dumoulin et al. 2017, arXiv:1610.07629): features (N, C, H, W)
    and labels (N,)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=False)
        self.scale = nn.Parameter(torch.ones(classes, channels))
        self.shift = nn.Parameter(torch.zeros(classes, channels))

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        normed: Tensor = self.norm(x)
        return normed * self.scale[labels][:, :, None, None] + self.shift[labels][:, :, None, None]


def batch_norm(channels: int, classes: int) -> nn.Module:
    """Return a batch norm, conditional where there are classes."""
    return ConditionalBatchNorm2d(channels, classes) if classes else nn.BatchNorm2d(channels)


def normalise(norm: nn.Module, x: Tensor, labels: Tensor | None) -> Tensor:
    """Call what :func:`batch_norm` returned."""
    normed: Tensor = norm(x) if labels is None else norm(x, labels)
    return normed


def normalise_weights(network: nn.Module) -> None:
    """Put spectral normalisation (arXiv:1802.05957) on the weights of every linear, convolutional and embedding layer.

    Call it after the weights are drawn: the first estimate of the singular vectors is made from them.
    """
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.Embedding
    for layer in [layer for layer in network.modules() if isinstance(layer, kinds)]:
        spectral_norm(layer)
