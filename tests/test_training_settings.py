"""What the settings of a recipe do in the training loop: batches, replay, averages, schedules, precision."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.gradient import GradientPenalty
from ganbench.training.loop import discriminator_update
from ganbench.training.state import State
from tests.loops import Make, Notes, Recording, objective, recipe, run


def first_discriminator_loss(make_state: Make, batch_norm: bool, mode: Any) -> float:
    settings = recipe(discriminator_batch=mode)
    return discriminator_update(make_state(settings, batch_norm=batch_norm), objective(Vanilla()), settings).item()


def test_separate_and_joint_batches_are_one_algorithm_without_batch_norm_and_two_with_it(make_state: Make) -> None:
    plain = [first_discriminator_loss(make_state, False, mode) for mode in ("separate", "joint")]
    assert plain[0] == pytest.approx(plain[1], abs=1e-6)
    normed = [first_discriminator_loss(make_state, True, mode) for mode in ("separate", "joint")]
    assert abs(normed[0] - normed[1]) > 1e-3


def test_replay_brings_earlier_fakes_before_the_discriminator(make_state: Make) -> None:
    settings = recipe(steps=10, replay=8, replay_share=0.5)
    state = make_state(settings)
    made: list[Tensor] = []
    judged: list[Tensor] = []
    state.generator.register_forward_hook(lambda module, inputs, output: made.append(output.detach().clone()))
    state.discriminator.register_forward_pre_hook(lambda module, inputs: judged.append(inputs[0].detach().clone()))
    run(state, settings, objective(Recording()))
    # Per step: real, fake, and the generator's fake. Per step two batches are made, of which the first is for D.
    shown, new = judged[1::3], made[0::2]
    assert len(shown) == len(new) == 10
    assert [torch.equal(a, b) for a, b in zip(shown, new, strict=True)] == [True, True] + [False] * 8
    for step in range(2, 10):
        assert torch.equal(shown[step][:4], new[step][:4])
        earlier = {tuple(point) for batch in new[:step] for point in batch.tolist()}
        assert {tuple(point) for point in shown[step][4:].tolist()} <= earlier
    # The generator is judged by what it makes now.
    assert all(torch.equal(a, b) for a, b in zip(judged[2::3], made[1::2], strict=True))


def first_weight(network: nn.Module) -> Tensor:
    return network.get_parameter("0.weight").detach()


def test_the_average_follows_the_generator(make_state: Make) -> None:
    settings = recipe(steps=3, ema_decay=0.15, ema_start=1)
    state = make_state(settings)
    history: list[Tensor] = []
    notes = Notes(on_step=lambda state: history.append(first_weight(state.generator).clone()))
    run(state, settings, objective(Vanilla()), notes)
    expected = history[0]
    for weight in history[1:]:
        expected = 0.15 * expected + 0.85 * weight
    torch.testing.assert_close(first_weight(state.scored), expected)


def test_the_linear_schedule_reaches_both_optimisers(make_state: Make) -> None:
    settings = recipe(steps=4, lr_schedule="linear", g_lr=0.4, d_lr=0.8)
    rates: list[tuple[float, ...]] = []

    def note(state: State) -> None:
        rates.append(tuple(float(each.param_groups[0]["lr"]) for each in (state.g_optimiser, state.d_optimiser)))

    run(make_state(settings), settings, objective(Vanilla()), Notes(on_step=note))
    assert rates == [pytest.approx(pair) for pair in [(0.4, 0.8), (0.3, 0.6), (0.2, 0.4), (0.1, 0.2)]]


def test_a_rate_that_falls_late_reaches_both_optimisers(make_state: Make) -> None:
    settings = recipe(steps=4, lr_schedule="linear", lr_decay_start=1, g_lr=0.3, d_lr=0.6)
    rates: list[tuple[float, ...]] = []

    def note(state: State) -> None:
        rates.append(tuple(float(each.param_groups[0]["lr"]) for each in (state.g_optimiser, state.d_optimiser)))

    run(make_state(settings), settings, objective(Vanilla()), Notes(on_step=note))
    assert rates == [pytest.approx(pair) for pair in [(0.3, 0.6), (0.3, 0.6), (0.2, 0.4), (0.1, 0.2)]]


def test_losses_are_computed_in_float32_also_where_the_networks_are_not(make_state: Make) -> None:
    loss, settings = Recording(), recipe(steps=3, precision="bfloat16")
    state = make_state(settings)
    run(state, settings, objective(loss, GradientPenalty()))
    assert {output.dtype for output in loss.outputs} == {torch.float32}
    # An output of bfloat16 has eight bits of precision left.
    assert all(torch.equal(output, output.bfloat16().float()) for output in loss.outputs)
    assert all(parameter.dtype == torch.float32 for parameter in state.generator.parameters())
