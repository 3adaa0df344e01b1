"""Optimisers: first steps by hand, the learning rate over time, and going on on another device."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, Optimizer, RMSprop

from ganbench.losses.wgan import WGAN
from ganbench.spec import Recipe
from ganbench.training.optimisers import OPTIMISERS, build_optimiser, load_weight_state, optimiser_tensors, set_rate
from tests.loops import Notes, assert_bit_equal, objective, run


def one_weight() -> nn.Linear:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 1.0)
    return layer


def steps(recipe: Recipe, gradients: list[float], rate: float = 0.1) -> list[float]:
    layer = one_weight()
    optimiser = build_optimiser(layer, rate, recipe)
    values = []
    for gradient in gradients:
        layer.weight.grad = torch.tensor([[gradient]])
        optimiser.step()
        values.append(layer.weight.item())
    return values


def test_every_name_of_a_recipe_has_an_optimiser() -> None:
    kinds: dict[str, type[Optimizer]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}
    assert set(OPTIMISERS) == set(kinds)
    for name, kind in kinds.items():
        assert isinstance(build_optimiser(one_weight(), 0.1, Recipe(optimizer=name)), kind)


def test_gradient_descent_with_momentum() -> None:
    # 1 - 0.1·2; then a velocity of 0.5·2 + 2 = 3
    assert steps(Recipe(optimizer="sgd", beta1=0.5), [2.0, 2.0]) == pytest.approx([0.8, 0.5])
    assert steps(Recipe(optimizer="sgd", beta1=0.0), [2.0, 2.0]) == pytest.approx([0.8, 0.6])


def test_rmsprop() -> None:
    # v = 0.01·4, so the step is 0.1·2/0.2; then v = 0.99·0.04 + 0.01·4 = 0.0796
    found = steps(Recipe(optimizer="rmsprop", beta1=0.0, beta2=0.99), [2.0, 2.0])
    assert found == pytest.approx([0.0, -0.2 / math.sqrt(0.0796)], abs=1e-5)
    # With momentum the first velocity, 2/0.2, goes on by half.
    found = steps(Recipe(optimizer="rmsprop", beta1=0.5, beta2=0.99), [2.0, 2.0])
    assert found == pytest.approx([0.0, -0.1 * (0.5 * 10 + 2 / math.sqrt(0.0796))], abs=1e-5)
    # 0.99 is torch's own; of a recipe with another beta2, v = 0.1·4.
    found = steps(Recipe(optimizer="rmsprop", beta1=0.0, beta2=0.9), [2.0])
    assert found == pytest.approx([1 - 0.2 / math.sqrt(0.4)], abs=1e-5)


def test_adam() -> None:
    # m = 0.5·2, corrected 2; v = 0.1·4, corrected 4: a step of 0.1·2/2. Then m = 0.5·1 - 0.5·1 = 0.
    assert steps(Recipe(beta1=0.5, beta2=0.9), [2.0, -1.0]) == pytest.approx([0.9, 0.9], abs=1e-6)
    assert steps(Recipe(beta1=0.0, beta2=0.9), [2.0, 2.0]) == pytest.approx([0.9, 0.8], abs=1e-6)
    # v = 0.9·0.4 + 0.1·16 = 1.96, corrected by 1 - 0.81.
    second = 0.9 - 0.4 / math.sqrt(1.96 / 0.19)
    assert steps(Recipe(beta1=0.0, beta2=0.9), [2.0, 4.0]) == pytest.approx([0.9, second], abs=1e-6)


def test_adams_epsilon_is_added_to_the_root() -> None:
    # m and v corrected are 2 and 4, so the step is 0.1 * 2 / (2 + 2).
    assert steps(Recipe(beta1=0.5, beta2=0.9, adam_eps=2.0), [2.0]) == pytest.approx([0.95])
    (group,) = build_optimiser(one_weight(), 0.1, Recipe()).param_groups
    assert group["eps"] == Adam(one_weight().parameters()).defaults["eps"] == 1e-8


def test_an_update_is_one_pass_over_all_weights() -> None:
    """Each form rounds in its own way, so a published number belongs to one."""
    for name, form in (("adam", "fused"), ("rmsprop", "foreach"), ("sgd", "fused")):
        (group,) = build_optimiser(one_weight(), 0.1, Recipe(optimizer=name)).param_groups
        assert group[form] is True
        assert not group.get("capturable")


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_on_a_gpu_updates_can_be_recorded_and_a_rate_that_changes_is_read_from_the_device(
    schedule: Any, monkeypatch: pytest.MonkeyPatch, float64: None
) -> None:
    """In float32, the one type that the fused update takes there, whatever the default is."""
    monkeypatch.setattr("ganbench.training.optimisers._on_gpu", lambda weights: True)
    for name in ("adam", "rmsprop"):
        recipe = Recipe(optimizer=name, lr_schedule=schedule, steps=4)
        (group,) = build_optimiser(one_weight(), 0.25, recipe).param_groups
        assert group["capturable"] is True
        assert isinstance(group["lr"], Tensor) is (name == "adam" and schedule != "constant")
        assert getattr(group["lr"], "dtype", torch.float32) is torch.float32
        assert float(group["lr"]) == 0.25


@pytest.mark.parametrize(
    ("name", "beta1", "count"), [("adam", 0.5, 3), ("rmsprop", 0.5, 3), ("sgd", 0.5, 1), ("sgd", 0.0, 0)]
)
def test_what_an_optimiser_remembers_in_tensors(name: Any, beta1: float, count: int) -> None:
    """Of each weight: the two moments and the step, the mean square, the velocity and the step, or the velocity."""
    layer = nn.Linear(3, 2)
    optimiser = build_optimiser(layer, 0.1, Recipe(optimizer=name, beta1=beta1))
    assert optimiser_tensors(optimiser) == []
    for parameter in layer.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step()
    found = optimiser_tensors(optimiser)
    assert all(isinstance(each, Tensor) for each in found)
    assert len(found) == 2 * count


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_a_network_without_weights_is_refused_as_torch_does(name: Any) -> None:
    with pytest.raises(ValueError, match="empty parameter list"):
        build_optimiser(nn.Identity(), 0.1, Recipe(optimizer=name))


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_the_rate_is_linear_from_the_first_step_towards_zero(name: Any) -> None:
    recipe = Recipe(optimizer=name, lr_schedule="linear", steps=4)
    optimiser = build_optimiser(one_weight(), 0.4, recipe)
    rates = []
    for step in (1, 2, 3, 4):
        set_rate(optimiser, 0.4, recipe, step)
        rates.append(float(optimiser.param_groups[0]["lr"]))
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_the_rate_may_fall_late(name: Any) -> None:
    """As chainer's ``LinearShift`` of (rate, 0) over steps 2 to 6 does, which counts the steps that are done."""
    recipe = Recipe(optimizer=name, lr_schedule="linear", lr_decay_start=2, steps=6)
    optimiser = build_optimiser(one_weight(), 0.4, recipe)
    rates = []
    for step in range(1, 7):
        set_rate(optimiser, 0.4, recipe, step)
        rates.append(float(optimiser.param_groups[0]["lr"]))
    assert rates == pytest.approx([0.4, 0.4, 0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_the_rate_may_fall_on_half_a_cosine(name: Any) -> None:
    recipe = Recipe(optimizer=name, lr_schedule="cosine", steps=4)
    optimiser = build_optimiser(one_weight(), 0.4, recipe)
    rates = []
    for step in (1, 2, 3, 4):
        set_rate(optimiser, 0.4, recipe, step)
        rates.append(float(optimiser.param_groups[0]["lr"]))
    assert rates == pytest.approx([0.4, 0.2 + 0.1 * math.sqrt(2), 0.2, 0.2 - 0.1 * math.sqrt(2)])


@pytest.mark.parametrize("start", [3, 4, 5])
def test_a_rate_that_would_fall_after_the_last_step_stays(start: int) -> None:
    recipe = Recipe(lr_schedule="linear", lr_decay_start=start, steps=4)
    optimiser = build_optimiser(one_weight(), 0.4, recipe)
    for step in (1, 4):
        set_rate(optimiser, 0.4, recipe, step)
        assert optimiser.param_groups[0]["lr"] == 0.4


def test_a_constant_rate_stays() -> None:
    recipe = Recipe(steps=4)
    optimiser = build_optimiser(one_weight(), 0.4, recipe)
    set_rate(optimiser, 0.4, recipe, 4)
    assert optimiser.param_groups[0]["lr"] == 0.4


def settings(optimiser: Optimizer) -> list[dict[str, Any]]:
    return [{key: value for key, value in group.items() if key != "params"} for group in optimiser.param_groups]


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_what_another_devices_optimiser_remembers_is_taken_up_without_its_settings(name: Any) -> None:
    recipe = Recipe(optimizer=name, lr_schedule="linear", steps=4)
    layers = [one_weight() for _ in range(2)]
    first, second = (build_optimiser(layer, 0.4, recipe) for layer in layers)
    built = settings(second)

    def update(layer: nn.Linear, optimiser: Optimizer, step: int) -> float:
        set_rate(optimiser, 0.4, recipe, step)
        layer.weight.grad = torch.tensor([[2.0 * step]])
        optimiser.step()
        return layer.weight.item()

    update(layers[0], first, 1)
    written = copy.deepcopy(first.state_dict())
    for group in written["param_groups"]:
        group.update(lr=torch.tensor(0.4), capturable=True, fused=False, foreach=False)
    layers[1].load_state_dict(layers[0].state_dict())
    load_weight_state(second, written)
    assert settings(second) == built
    assert update(layers[1], second, 2) == update(layers[0], first, 2)


@pytest.mark.parametrize("name", sorted(OPTIMISERS))
def test_what_is_remembered_in_another_memory_layout_belongs_to_the_same_elements(name: Any) -> None:
    """As on another device, or of another version, where the networks ran in the plain layout."""
    recipe = Recipe(optimizer=name, beta1=0.5)
    images = torch.randn(2, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    layers = [nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)]
    plain, other = (build_optimiser(layer, 0.01, recipe) for layer in layers)

    def update(layer: nn.Conv2d, optimiser: Optimizer) -> None:
        optimiser.zero_grad()
        layer(images).square().mean().backward()
        optimiser.step()

    for _ in range(2):
        update(layers[0], plain)
    layers[1].load_state_dict(layers[0].state_dict())
    load_weight_state(other, copy.deepcopy(plain.state_dict()))
    weight = layers[1].weight
    strides = {value.stride() for value in other.state[weight].values() if value.dim()}
    assert strides == {weight.stride()} != {layers[0].weight.stride()}
    update(layers[0], plain)
    update(layers[1], other)
    torch.testing.assert_close(layers[1].weight, layers[0].weight)


def test_a_gpus_rmsprop_goes_on_on_a_cpu(make_state: Any) -> None:
    recipe = Recipe(optimizer="rmsprop", beta1=0.3, steps=6, batch_size=8, latent_dim=4)
    whole, first, second = (make_state(recipe) for _ in range(3))
    goal = objective(WGAN())
    run(whole, recipe, goal)
    run(first, recipe, goal, Notes(stop_after=3))
    written = first.state_dict()
    for player in ("g_optimiser", "d_optimiser"):
        for group in written[player]["param_groups"]:
            group["capturable"] = True
    second.load_state_dict(written)
    run(second, recipe, goal)
    assert_bit_equal(whole, second)


def test_a_rate_that_lies_on_the_device_is_changed_where_it_lies() -> None:
    """A recorded step reads it there."""
    optimiser = Adam(one_weight().parameters(), lr=torch.tensor(0.4))
    (held,) = (group["lr"] for group in optimiser.param_groups)
    for step, rate in ((1, 0.4), (3, 0.2), (4, 0.1)):
        set_rate(optimiser, 0.4, Recipe(lr_schedule="linear", steps=4), step)
        assert optimiser.param_groups[0]["lr"] is held
        assert held.item() == pytest.approx(rate)
