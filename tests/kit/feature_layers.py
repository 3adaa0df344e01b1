"""Architectures whose features() names a layer of the discriminator, one rightly and the others not."""

from typing import Any

import torch
from torch import nn

from tests.kit.architectures import Right, ToOutput


class OfHidden(Right):
    """Compares samples."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hidden


class OfWeights(OfHidden):
    """Returns no layer."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hidden.weight


class Misspelt(OfHidden):
    """Has another name for it."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hiden


class MadeAnew(OfHidden):
    """Makes one."""

    def features(self, discriminator: Any) -> Any:
        return nn.Identity()


class OfAnotherBuild(OfHidden):
    """Keeps the layer when it builds."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        network = ToOutput(shape)
        self.layer = network.hidden
        return network

    def features(self, discriminator: Any) -> Any:
        return self.layer


class InTurn(OfHidden):
    """Returns now one and now another."""

    count = 0

    def features(self, discriminator: Any) -> Any:
        self.count += 1
        return (discriminator.hidden, discriminator.output)[self.count % 2]


class Frozen(OfHidden):
    """Switches learning off."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hidden.requires_grad_(False)


class InEvalMode(OfHidden):
    """Switches a layer to eval mode."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hidden.eval()


class Hooked(OfHidden):
    """Leaves a hook."""

    def features(self, discriminator: Any) -> Any:
        discriminator.hidden.register_forward_hook(lambda *given: None)
        return discriminator.hidden


class Reset(OfHidden):
    """Sets a weight."""

    def features(self, discriminator: Any) -> Any:
        nn.init.zeros_(discriminator.output.bias)
        return discriminator.output


class Added(OfHidden):
    """Puts a layer of its own into the discriminator."""

    def features(self, discriminator: Any) -> Any:
        discriminator.seen = nn.Identity()
        return discriminator.hidden


class Drawn(OfHidden):
    """Draws."""

    def features(self, discriminator: Any) -> Any:
        torch.rand(1)
        return discriminator.hidden
