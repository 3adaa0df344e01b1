"""Which layer an architecture names for penalties on features: right ones, and ones that are wrong on purpose."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Conditioning, Networks
from tests.kit import assert_caught, outcome_of
from tests.kit.architectures import Right, ToImage, ToOutput
from tests.kit.feature_layers import (
    Added,
    Drawn,
    Frozen,
    Hooked,
    InEvalMode,
    InTurn,
    MadeAnew,
    Misspelt,
    OfAnotherBuild,
    OfHidden,
    OfWeights,
    Reset,
)


class Unused(ToOutput):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__(shape)
        self.spare = nn.Identity()
        self.twice = nn.Identity()
        self.pixels = nn.Identity()
        self.count = nn.Identity()
        self.cut = nn.Identity()
        self.logarithm = nn.Identity()
        self.rectified = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        self.twice(self.twice(x))
        self.pixels(x.flatten())
        self.count((x > 0).flatten(1).sum(1))
        self.cut(x.detach())
        self.logarithm(x.log())
        self.rectified(x * 2)
        return super().forward(x)


def of(name: str) -> type[Architecture]:
    """One whose discriminator has layers of all kinds, and which compares what one of them gets."""
    members = {
        "__doc__": "One layer of many.",
        "discriminator": lambda self, shape: Unused(shape),
        "features": lambda self, discriminator: getattr(discriminator, name),
    }
    return type(f"Of{name.title()}", (Right,), members)


class Grouped(ToOutput):
    """Judges pairs, after a layer that each sample passes alone."""

    def forward(self, x: Tensor) -> Tensor:
        hidden = nn.functional.leaky_relu(self.hidden(x.flatten(1)), 0.2)
        judged: Tensor = self.output(hidden.unflatten(0, (-1, 2)).mean(1))
        return judged.squeeze(1)


class Packed(Right):
    """Judges two at once if it is asked to."""

    def __init__(self, *, pack: int = 1) -> None:
        if pack not in (1, 2):
            raise ValueError("pack must be 1 or 2")
        self.pack = pack

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Grouped(shape) if self.pack > 1 else ToOutput(shape)


class PackedBySample(Packed):
    """Compares what single samples pass, which is right if none are packed."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.hidden


class WithLabels(nn.Module):
    """A network as it is, with a table of labels beside it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.table = nn.Embedding(2000, 1)
        self.bias = nn.Identity()

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        found: Tensor = self.network(x)
        shift: Tensor = self.bias(self.table(labels)).view(-1, *[1] * (found.dim() - 1))
        return found + shift


class Conditional(Right):
    """Takes labels if it is asked to."""

    def __init__(self, *, condition: str = "none") -> None:
        if condition not in ("none", "labels"):
            raise ValueError("condition must be none or labels")
        self.condition = condition

    @property
    def conditioning(self) -> Conditioning:
        return "labels" if self.condition == "labels" else "none"

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        return Networks(WithLabels(ToImage(shape, latent_dim)), WithLabels(ToOutput(shape)))


class OfPlain(Conditional):
    """Does not think of its conditional networks."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.output


class OfTheTable(Conditional):
    """Compares labels, if there are any."""

    def features(self, discriminator: Any) -> Any:
        return discriminator.bias if self.condition == "labels" else discriminator.output


class OfAll(Conditional):
    """Finds it in each of its networks; nothing is wrong with it."""

    def features(self, discriminator: Any) -> Any:
        return (discriminator.network if self.condition == "labels" else discriminator).output


WRONG: list[tuple[type[Architecture], str]] = [
    (OfWeights, "features() returns a Parameter, not a layer (nn.Module) of the discriminator; every run with a"),
    (Misspelt, "features() fails (AttributeError: 'ToOutput' object has no attribute 'hiden')"),
    (MadeAnew, "features() returns a layer (Identity) that is not in the discriminator it is given"),
    (OfAnotherBuild, "features() returns a layer (Linear) that is not in the discriminator it is given"),
    (InTurn, "features() returns another layer when it is called again"),
    (Frozen, "features() changes the discriminator (requires_grad of hidden.weight, requires_grad of hidden.bias)"),
    (InEvalMode, "features() changes the discriminator (hidden: its class, mode, hooks)"),
    (Hooked, "features() changes the discriminator (hidden: its class, mode, hooks)"),
    (Reset, "features() changes the discriminator (output.bias)"),
    (Added, "features() changes the discriminator (seen: its class, mode, hooks)"),
    (Drawn, "features() draws random numbers or seeds torch; adding a penalty on features would change"),
    (of("spare"), "the layer whose input are the features is called 0 times in a pass of the discriminator, not once"),
    (of("twice"), "the layer whose input are the features is called 2 times in a pass of the discriminator, not once"),
    (of("pixels"), "raw outputs; let features() of the architecture return one that gets one row for each"),
    (of("count"), "torch.int64, not a tensor of real numbers with a row for each raw output"),
    (of("cut"), "the features do not depend on the samples"),
    (of("rectified"), "what the layer gets is changed in place after that (inplace=True, or a method such as add_?)"),
    (of("logarithm"), "the features are not finite on random samples"),
    (PackedBySample, "with pack = 2: the layer whose input are the features gets shape (8, 64) for 4 raw outputs"),
    (
        OfPlain,
        "with condition = labels: features() fails (AttributeError: 'WithLabels' object has no attribute 'output'",
    ),
    (OfTheTable, "with condition = labels: the features do not depend on the samples"),
]


@pytest.mark.parametrize(("architecture", "words"), WRONG, ids=[one.__name__ for one, _ in WRONG])
def test_a_wrong_layer_is_caught(architecture: type[Architecture], words: str) -> None:
    assert_caught(architecture, "features", words)


@pytest.mark.parametrize("architecture", [Right, OfHidden, Packed, Conditional, OfAll])
def test_a_right_layer_passes(architecture: type[Architecture]) -> None:
    found = outcome_of("features", architecture)
    assert (found.status, found.message) == ("ok", "")


class Shared(nn.Module):
    """Its layers are tables of numbers of its own."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape[0] * shape[1] * shape[2]))

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight


class Twice(ToOutput):
    """Calls its last layer for each half of a picture."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + super().forward(x.flip(-1))


class WithoutLayers(Right):
    """Has no layer that the default would find."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Shared(shape)


class TwoViews(Right):
    """Has one that no penalty could use."""

    def discriminator(self, shape: tuple[int, ...]) -> nn.Module:
        return Twice(shape)


class SaysNone(OfHidden):
    """Says itself that there is none."""

    def features(self, discriminator: Any) -> Any:
        raise ValueError("it has no features")


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        (WithoutLayers, "Shared has no linear layer and no convolution whose input could be its features; define"),
        (TwoViews, "the layer whose input are the features is called 2 times in a pass of the discriminator, not once"),
        (SaysNone, "it has no features; every run with a penalty on features would be refused with this line"),
    ],
)
def test_one_that_has_no_thought_for_features_is_told_what_a_run_would_say(
    architecture: type[Architecture], words: str
) -> None:
    found = outcome_of("features", architecture)
    assert found.status == "skipped"
    assert found.message.startswith(words)
    assert "every run with a penalty on features would be refused" in found.message
