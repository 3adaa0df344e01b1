"""Schemes of initial weights: their scale, what they leave alone, and layers with a computed weight."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

from ganbench.errors import UsageError
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
    for norm in ("1", "5"):
        assert (net.get_parameter(f"{norm}.weight") == 1).all()
        assert (net.get_parameter(f"{norm}.bias") == 0).all()


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


@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
@pytest.mark.parametrize("kind", [nn.Linear, nn.Conv2d])
def test_under_weight_normalisation_the_weight_is_what_is_drawn_without_it(scheme: str, kind: Any) -> None:
    arguments = (64, 48) if kind is nn.Linear else (8, 16, 3)
    plain, normalised = kind(*arguments), weight_norm(kind(*arguments))
    for layer in (plain, normalised):
        torch.manual_seed(3)
        initialise(nn.Sequential(layer), scheme, 0.5)
    torch.testing.assert_close(normalised.weight, plain.weight)
    torch.testing.assert_close(normalised.bias, plain.bias)


@pytest.mark.parametrize("separate", [False, True], ids=["stacked", "apart"])
@pytest.mark.parametrize("scheme", [*SCHEMES, "torch"])
def test_an_attentions_matrices_are_drawn_anew(scheme: str, separate: bool) -> None:
    layer = nn.MultiheadAttention(16, 2, kdim=12 if separate else None)
    names = ("q_proj_weight", "k_proj_weight", "v_proj_weight") if separate else ("in_proj_weight",)
    before = [getattr(layer, name).detach().clone() for name in names]
    with torch.no_grad():
        layer.in_proj_bias.fill_(7.0)
    initialise(nn.Sequential(layer), scheme, 0.5)
    assert not any(torch.equal(old, getattr(layer, name)) for old, name in zip(before, names, strict=True))
    assert (layer.in_proj_bias == 0).all()
    assert (layer.out_proj.bias == 0).all()


def test_an_attentions_matrices_are_drawn_one_by_one() -> None:
    layer = nn.MultiheadAttention(16, 2)
    initialise(layer, "orthogonal", 1.0)
    for matrix in layer.in_proj_weight.chunk(3):
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(16), atol=1e-5, rtol=0)


class OneWay(nn.Module):
    """Computes a weight from two tensors, and says nothing of the way back once it has begun."""

    def forward(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return first * second

    def right_inverse(self, weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if hasattr(self, "begun"):
            raise NotImplementedError("there is no way back")
        self.begun = True
        return weight, torch.ones_like(weight)


def one_way(layer: nn.Module) -> nn.Module:
    torch.nn.utils.parametrize.register_parametrization(layer, "weight", OneWay())
    return layer


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize("scheme", ["normal", "torch"])
@pytest.mark.parametrize(
    ("wrap", "reason"),
    [
        (one_way, "there is no way back"),
        (torch.nn.utils.weight_norm, "a hook such as"),
        (lambda _: spectral_norm(nn.MultiheadAttention(4, 2), "in_proj_weight"), "a parametrisation computes it"),
    ],
)
def test_a_weight_that_cannot_be_drawn_is_refused_by_name(wrap: Any, reason: str, scheme: str) -> None:
    net = nn.Sequential(nn.Linear(2, 3), wrap(nn.Linear(3, 4)))
    words = rf"init={scheme} cannot draw the weight of layer '1' \(\w+\): {reason}.*; use --set init=architecture"
    with pytest.raises(UsageError, match=words):
        initialise(net, scheme, 0.5)
    initialise(net, "architecture", 0.5)


@pytest.mark.filterwarnings("ignore:.*spectral_norm:FutureWarning")
def test_torchs_older_spectral_norm_is_drawn_through() -> None:
    layer = torch.nn.utils.spectral_norm(nn.Linear(6, 4))
    before = layer.get_parameter("weight_orig").detach().clone()
    initialise(layer, "normal", 0.5)
    assert not torch.equal(layer.get_parameter("weight_orig"), before)
