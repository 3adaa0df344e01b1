"""How labels reach the networks while they train.

In a discriminator update the i-th fake has the label of the i-th real sample. So both batches have the same classes,
and a point between a real sample and its fake, as gradient penalties take it, has one label.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganbench.api import Conditioning
from ganbench.training.features import features_at


class Judgement(NamedTuple):
    """A discriminator's raw outputs (N,), class logits (N, classes) where it classifies, and features (N, F) where they
    were asked for."""

    raw: Tensor
    classes: Tensor | None
    features: Tensor | None = None


def generate(generator: nn.Module, latents: Tensor, labels: Tensor | None) -> Tensor:
    """Return samples for latents (N, latent_dim), of the classes asked for where the generator is conditional."""
    fakes: Tensor = generator(latents) if labels is None else generator(latents, labels)
    return fakes


def judge(
    discriminator: nn.Module,
    x: Tensor,
    labels: Tensor | None,
    conditioning: Conditioning,
    layer: nn.Module | None = None,
) -> Judgement:
    """Return what the discriminator makes of samples (N, ...); its features are what a ``layer`` of it gets."""
    if layer is not None:
        with features_at(layer) as found:
            judgement = judge(discriminator, x, labels, conditioning)
        return judgement._replace(features=found.only())
    if conditioning == "labels":
        return Judgement(discriminator(x, labels), None)
    if conditioning == "classifier":
        return Judgement(*discriminator(x))
    return Judgement(discriminator(x), None)


def judge_both(
    discriminator: nn.Module,
    real: Tensor,
    fake: Tensor,
    labels: Tensor | None,
    conditioning: Conditioning,
    *,
    joint: bool,
) -> tuple[Judgement, Judgement]:
    """Return the judgements of real and fake, from two forward passes or, ``joint``, from one concatenated batch."""
    if not joint:
        return judge(discriminator, real, labels, conditioning), judge(discriminator, fake, labels, conditioning)
    twice = None if labels is None else labels.repeat(2)
    both = judge(discriminator, torch.cat([real, fake]), twice, conditioning)
    r, f = both.raw.chunk(2)
    if both.classes is None:
        return Judgement(r, None), Judgement(f, None)
    r_classes, f_classes = both.classes.chunk(2)
    return Judgement(r, r_classes), Judgement(f, f_classes)


class Critic:
    """A conditional discriminator as penalties get it: samples alone to raw outputs (N,), and its weights."""

    def __init__(self, discriminator: nn.Module, labels: Tensor, conditioning: Conditioning) -> None:
        self._discriminator = discriminator
        self._labels = labels
        self._conditioning = conditioning

    def __call__(self, x: Tensor) -> Tensor:
        """Judge samples of which the i-th has the i-th label; several batches in a row take the labels in turn."""
        labels = self._labels.repeat(len(x) // len(self._labels))
        return judge(self._discriminator, x, labels, self._conditioning).raw

    def parameters(self) -> Iterator[Tensor]:
        """Its weights."""
        return self._discriminator.parameters()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Its weights with their names."""
        return self._discriminator.named_parameters()


class Labelled:
    """A conditional generator as penalties get it: latent points alone to samples (N, ...), and its weights."""

    def __init__(self, generator: nn.Module, labels: Tensor) -> None:
        self._generator = generator
        self._labels = labels

    def __call__(self, z: Tensor) -> Tensor:
        """Make samples of which the i-th has the i-th label; several batches in a row take the labels in turn."""
        return generate(self._generator, z, self._labels.repeat(len(z) // len(self._labels)))

    def parameters(self) -> Iterator[Tensor]:
        """Its weights."""
        return self._generator.parameters()

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        """Its weights with their names."""
        return self._generator.named_parameters()


def classification(judgement: Judgement, labels: Tensor | None) -> Tensor:
    """AC-GAN's term (Odena, Olah and Shlens 2017, arXiv:1610.09585, equation 3): the cross-entropy of the labels."""
    assert judgement.classes is not None
    assert labels is not None
    return cross_entropy(judgement.classes.float(), labels)
