"""What a step finds is put back, and what it leaves on the host is noticed."""

import math
import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganbench.losses.vanilla import Vanilla
from ganbench.training.kept import Kept
from ganbench.training.loop import plain_step
from ganbench.training.optimisers import optimiser_tensors
from ganbench.training.state import State
from tests.loops import Odd, Peculiar, Slotted, counts, objective, rebinds, recipe, state_with


def adds_a_buffer(network: Peculiar) -> None:
    network.register_buffer(f"latest{len(network._buffers)}", torch.ones(()))


def draws(network: Peculiar) -> None:
    random.random()


def draws_by_torch(network: Peculiar) -> None:
    torch.rand(())


def draws_by_numpy(network: Peculiar) -> None:
    np.random.rand()


def moves_in_place(network: Peculiar) -> None:
    with torch.no_grad():
        network.ema.add_(0.001)


def begun(also: Callable[[Peculiar], object]) -> tuple[State, Callable[[], Tensor]]:
    """A trial whose first step is done, and its step."""
    state = state_with(Peculiar(also), recipe())
    state.batches.indices.stage(1)
    step = partial(plain_step, state, objective(Vanilla()), recipe())
    step()
    return state, step


def host_streams() -> tuple[object, list[int]]:
    """Where Python's and numpy's own random numbers are."""
    return random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()


def content(state: State) -> dict[str, Tensor]:
    networks = {"g": state.generator, "d": state.discriminator}
    return {
        f"{player}.{name}": value.clone()
        for player, network in networks.items()
        for name, value in network.state_dict().items()
    }


CASES: dict[Callable[[Peculiar], object], str] = {
    moves_in_place: "",
    draws_by_torch: "",  # what follows a recorded step is compared, the streams too
    rebinds: "new tensors in the places of old ones",
    adds_a_buffer: "new tensors in the places of old ones",
    counts: "Peculiar.calls changes on the host",
    draws: "Python's own random numbers",
    draws_by_numpy: "numpy's random numbers",
}


@pytest.mark.parametrize(("also", "reason"), CASES.items(), ids=lambda each: getattr(each, "__name__", ""))
def test_what_a_step_leaves_on_the_host_is_noticed_and_undone(also: Callable[[Peculiar], object], reason: str) -> None:
    state, step = begun(also)
    network = state.discriminator
    assert isinstance(network, Peculiar)
    before, ema, calls = content(state), network.ema, network.calls
    of_host, of_torch = host_streams(), torch.get_rng_state()
    kept = Kept(state, draws=[state.batches.indices])
    assert kept.moved() == ""
    kept.after(step)
    assert reason in kept.moved()
    assert bool(reason) == bool(kept.moved())
    kept.restore()
    assert network.ema is ema
    assert network.calls == calls
    assert host_streams() == of_host
    assert torch.equal(torch.get_rng_state(), of_torch)
    now = content(state)
    assert all(torch.equal(now[name], value) for name, value in before.items())


class Counting:
    """A part of an objective that counts."""

    def __init__(self) -> None:
        self.updates = 0


def test_a_part_that_counts_is_noticed() -> None:
    state, step = begun(moves_in_place)
    part = Counting()

    def counting() -> Tensor:
        part.updates += 1
        return step()

    kept = Kept(state, [part], [state.batches.indices])
    kept.after(counting)
    assert kept.moved() == "Counting.updates changes on the host"
    kept.restore()
    assert part.updates == 0


def test_parts_that_show_nothing_and_values_that_equal_nothing_do_not_matter() -> None:
    state, step = begun(moves_in_place)
    part = Counting()
    vars(part).update(nothing=math.nan, odd=Odd(), more=[0])
    kept = Kept(state, [part, Slotted(), Odd(), Counting, None], [state.batches.indices])
    kept.after(step)
    assert kept.moved() == ""


def test_buffers_of_a_penalty_that_is_a_network_are_put_back() -> None:
    state, _ = begun(moves_in_place)
    penalty = nn.BatchNorm1d(2)
    kept = Kept(state, [penalty])

    def looking() -> Tensor:
        found: Tensor = penalty(torch.ones(4, 2)).sum()
        return found

    kept.after(looking)
    kept.restore()
    assert int(penalty.get_buffer("num_batches_tracked")) == 0


def test_what_the_optimisers_remember_is_put_back() -> None:
    """Adam's moments and its count of updates: a step that was tried must not count as one."""
    state, step = begun(moves_in_place)
    optimisers = (state.g_optimiser, state.d_optimiser)
    held = [tensor for optimiser in optimisers for tensor in optimiser_tensors(optimiser)]
    before = [tensor.clone() for tensor in held]
    kept = Kept(state, draws=[state.batches.indices])
    kept.after(step)
    assert not all(torch.equal(*pair) for pair in zip(held, before, strict=True))
    kept.restore()
    assert len(held) > 10
    assert all(torch.equal(*pair) for pair in zip(held, before, strict=True))
