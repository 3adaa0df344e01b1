"""Schemes of initial weights: their scale, what they leave alone, and layers with a computed weight."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganbench.training.initialisation import SCHEMES, initialise


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(64, 128),
        nn.BatchNorm1d(128),
        nn.Unflatten(1, (8, 4, 4)),
        nn.Conv2d(8, 32, 3),
        nn.ConvTranspose2d(32, 16, 4),
        nn.GroupNorm(1, 16),
        nn.Conv2d(16, 4, 1, bias=False),
    )


def weights(net: nn.Module) -> list[Any]:
    return [layer for layer in net.modules() if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d)]


def snapshot(net: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in net.parameters()]


def test_the_architectures_own_is_left_alone() -> None:
    net = network()
    before = snapshot(net)
    initialise(net, "architecture", 0.02)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
def test_every_weight_is_drawn_anew_and_normalisation_keeps_its_start(scheme: str) -> None:
    net = network()
    before = [layer.weight.detach().clone() for layer in weights(net)]
    with torch.no_grad():
        for layer in weights(net):
            if layer.bias is not None:
                layer.bias.fill_(7.0)
    initialise(net, scheme, 0.5)
    assert not any(torch.equal(a, layer.weight) for a, layer in zip(before, weights(net), strict=True))
    for layer in weights(net):
        if layer.bias is not None:
            assert layer.bias.abs().max() < (1 if scheme == "torch" else 1e-12)
    for norm in (net[1], net[5]):
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()


def test_normal() -> None:
    net = network()
    initialise(net, "normal", 0.02)
    for layer in weights(net)[:3]:
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert layer.weight.mean().item() == pytest.approx(0, abs=0.002)


def test_xavier() -> None:
    layer = nn.Linear(64, 128)
    initialise(layer, "xavier", 2.0)
    bound = 2.0 * math.sqrt(6 / (64 + 128))
    assert layer.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)


def test_orthogonal() -> None:
    layer = nn.Linear(64, 32)
    initialise(layer, "orthogonal", 3.0)
    torch.testing.assert_close(layer.weight @ layer.weight.T, 9.0 * torch.eye(32), atol=1e-4, rtol=0)


def test_kaiming() -> None:
    layer = nn.Linear(200, 300)
    initialise(layer, "kaiming", 0.02)
    assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / (1 + 0.2**2) / 200), rel=0.05)


def test_the_same_stream_draws_the_same_weights() -> None:
    first, second = network(), network()
    for net in (first, second):
        torch.manual_seed(5)
        initialise(net, "normal", 0.02)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
def test_an_embedding_has_no_bias(scheme: str) -> None:
    table = nn.Embedding(10, 8)
    before = table.weight.detach().clone()
    initialise(nn.Sequential(table), scheme, 0.5)
    assert not torch.equal(table.weight, before)


@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
@pytest.mark.parametrize("layer", [nn.Linear(64, 48), nn.Conv2d(8, 16, 3)], ids=["linear", "conv"])
def test_under_spectral_normalisation_the_original_is_drawn(scheme: str, layer: Any) -> None:
    layer = spectral_norm(type(layer)(*((64, 48) if isinstance(layer, nn.Linear) else (8, 16, 3))))
    original = layer.parametrizations.weight.original
    before = original.detach().clone()
    initialise(nn.Sequential(layer), scheme, 1.0)
    assert layer.parametrizations.weight.original is original
    assert not torch.equal(original, before)


@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
def test_the_estimate_of_the_largest_singular_value_fits_the_new_weights(scheme: str) -> None:
    """Estimated from the old weights, the first passes would use a critic several times steeper than it should be."""
    torch.manual_seed(0)
    layer = nn.Linear(64, 48)
    nn.init.normal_(layer.weight, 0, 0.02)
    spectral_norm(layer)
    initialise(nn.Sequential(layer), scheme, 1.0)
    layer.eval()
    assert torch.linalg.matrix_norm(layer.weight, 2).item() == pytest.approx(1, abs=0.1)
