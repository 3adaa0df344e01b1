"""Conditional networks: what labels change, and what they must not."""

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from ganbench.api import Architecture
from ganbench.architectures.conditional import ConditionalBatchNorm2d, OneHot, Projection
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.resnet import ResNet
from tests.networks import require_gradients

SHAPE, CLASSES = (1, 16, 16), 5


def make(name: str, condition: str) -> Architecture:
    if name == "mlp":
        return MLP(hidden=16, condition=condition)
    if name == "dcgan":
        return DCGAN(width=4, norm_d="layer", condition=condition)
    return ResNet(width=4, condition=condition)


NAMES = ("mlp", "dcgan", "resnet")


@pytest.mark.parametrize("name", NAMES)
def test_a_projection_looks_at_samples_and_labels(name: str) -> None:
    torch.manual_seed(0)
    architecture = make(name, "projection")
    assert architecture.conditioning == "labels"
    generator, discriminator = architecture.networks(SHAPE, 8, CLASSES)
    generator.eval()
    discriminator.eval()
    z = torch.randn(1, 8).expand(CLASSES, 8)
    labels = torch.arange(CLASSES)
    if name == "resnet":  # its classes start equal: scale 1, shift 0
        assert torch.allclose(generator(z, labels), generator(z, labels.flip(0)))
        with torch.no_grad():
            for norm in (part for part in generator.modules() if isinstance(part, ConditionalBatchNorm2d)):
                norm.shift.normal_()
    fakes = generator(z, labels)
    assert fakes.shape == (CLASSES, *SHAPE)
    assert len({tuple(fake.flatten().tolist()) for fake in fakes}) == CLASSES
    raw = discriminator(fakes[:1].expand(CLASSES, *SHAPE), labels)
    assert raw.shape == (CLASSES,)
    assert len(set(raw.tolist())) == CLASSES


@pytest.mark.parametrize("name", NAMES)
def test_a_classifier_looks_at_samples_alone(name: str) -> None:
    torch.manual_seed(0)
    architecture = make(name, "classifier")
    assert architecture.conditioning == "classifier"
    generator, discriminator = architecture.networks(SHAPE, 8, CLASSES)
    raw, logits = discriminator(generator(torch.randn(4, 8), torch.tensor([0, 1, 4, 4])))
    assert raw.shape == (4,)
    assert logits.shape == (4, CLASSES)


@pytest.mark.parametrize("condition", ["projection", "classifier"])
@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_learns(name: str, condition: str) -> None:
    torch.manual_seed(0)
    networks = make(name, condition).networks(SHAPE, 8, CLASSES)
    labels = torch.arange(CLASSES).repeat(4)
    fakes = networks.generator(torch.randn(len(labels), 8), labels)
    if condition == "projection":
        networks.discriminator(fakes, labels).square().sum().backward()
    else:
        raw, logits = networks.discriminator(fakes)
        (raw.square().sum() + nn.functional.cross_entropy(logits, labels)).backward()
    require_gradients(networks)


def test_a_projection_is_the_unconditional_output_plus_an_inner_product() -> None:
    torch.manual_seed(0)
    discriminator = ResNet(width=4, spectral_norm=False, condition="projection").networks(SHAPE, 8, 3).discriminator
    assert isinstance(discriminator, Projection)
    x, labels = torch.randn(2, *SHAPE), torch.tensor([2, 0])
    features = discriminator.backbone.features(x).sum((2, 3))
    weights = discriminator.embedding.weight
    by_hand = [discriminator.backbone(x)[i] + weights[y] @ features[i] for i, y in enumerate((2, 0))]
    torch.testing.assert_close(discriminator(x, labels), torch.stack(by_hand))


def test_conditional_batch_norm_is_batch_norm_with_the_classes_own_scale_and_shift() -> None:
    torch.manual_seed(0)
    norm = ConditionalBatchNorm2d(3, 2)
    x, labels = torch.randn(6, 3, 4, 4), torch.tensor([0, 1, 0, 1, 1, 0])
    torch.testing.assert_close(norm(x, labels), nn.BatchNorm2d(3)(x))
    with torch.no_grad():
        norm.scale[1], norm.shift[1] = 2.0, 5.0
    plain = nn.BatchNorm2d(3)(x)
    torch.testing.assert_close(norm(x, labels)[labels == 0], plain[labels == 0])
    torch.testing.assert_close(norm(x, labels)[labels == 1], 2 * plain[labels == 1] + 5)


def test_one_hot_puts_the_class_beside_the_latents() -> None:
    seen = []

    class Note(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            seen.append(z)
            return z

    OneHot(Note(), 3)(torch.tensor([[7.0, 8.0]]), torch.tensor([1]))
    assert seen[0].tolist() == [[7, 8, 0, 1, 0]]


def test_spectral_norm_also_holds_what_knows_of_classes() -> None:
    for condition, part in (("projection", "embedding"), ("classifier", "classifier")):
        network = ResNet(width=4, condition=condition).networks(SHAPE, 8, 3).discriminator
        assert is_parametrized(getattr(network, part), "weight")


def test_without_a_condition_nothing_is_conditional() -> None:
    for name in NAMES:
        architecture = make(name, "none")
        assert architecture.conditioning == "none"
        torch.manual_seed(0)
        direct = architecture.build(SHAPE, 8)
        torch.manual_seed(0)
        chosen = architecture.networks(SHAPE, 8, 10)
        for one, other in zip(direct, chosen, strict=True):
            assert list(one.state_dict()) == list(other.state_dict())
            assert all(torch.equal(value, other.state_dict()[key]) for key, value in one.state_dict().items())


@pytest.mark.parametrize("name", NAMES)
def test_asking_for_the_wrong_networks_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match="build_conditional"):
        make(name, "projection").build(SHAPE, 8)
    with pytest.raises(ValueError, match="data has none"):
        make(name, "projection").networks(SHAPE, 8, 0)
    with pytest.raises(ValueError, match="condition must be one of none, projection, classifier"):
        make(name, "acgan")
