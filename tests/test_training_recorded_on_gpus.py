"""Where recorded steps are done: on the trial's own card, and on a real one as they are without recording."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGANGP
from ganbench.training.loop import plain_step, set_strength, train, whole_step
from ganbench.training.optimisers import set_rate
from ganbench.training.recorded import WARM_UP, Recorded
from tests.captures import DEVICES, Cards, refused
from tests.loops import Make, Notes, assert_close_networks, objective, recipe


def test_steps_of_a_second_card_are_done_and_recorded_there(make_state: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cards, state, seen = Cards(monkeypatch), make_state(recipe()), []
    defaults, asides = dict(cards.stream), []

    def look(what: str) -> None:
        seen.append((what, cards.current, cards.stream[1] is defaults[1]))
        asides.extend([] if cards.stream[1] is defaults[1] else [cards.stream[1]])

    def work() -> Tensor:
        look("a step")
        with monkeypatch.context() as patch:  # its tensors are on the CPU, and so is the noise
            patch.setattr(state, "device", torch.device("cpu"))
            return plain_step(state, objective(Vanilla()), recipe())

    def capture(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        look("recording")
        return work

    state.device = torch.device("cuda:1")
    step = Recorded(state, work, draws=[(state.batches.indices, 1)], seen=8, capture=capture)
    for _ in range(WARM_UP + 2):
        step()
    assert step.given_up == ""
    # The fourth step: as it is, recorded, replayed, as it is again, replayed; the fifth: replayed.
    aside, replayed = ("a step", 1, False), ("a step", 1, True)
    recording = [aside, ("recording", 1, False), replayed, aside, replayed]
    assert seen == [*[aside] * WARM_UP, *recording, replayed]
    assert (cards.current, cards.stream) == (0, defaults)
    # On one stream, each time after all that was done before, and before all that is done after.
    (own,) = set(asides)
    assert vars(own)["waits"] == [defaults[1]] * len(asides)
    assert vars(defaults[1])["waits"] == [own] * len(asides)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("loss", [Vanilla, WGANGP])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_recorded_steps_on_a_gpu(
    make_state: Make, loss: Callable[[], Loss], schedule: str, device: str, capsys: Any, float64: None
) -> None:
    chosen = recipe(lr_schedule=schedule, steps=50, penalty_final=0.1)
    state, plain = make_state(chosen, device=device), make_state(chosen, device=device)
    train(state, objective(loss()), chosen, Notes(), evaluate_every=0)
    assert "not recorded" not in capsys.readouterr().out
    work = whole_step(plain, objective(loss()), chosen, refused)
    for step in range(1, 51):
        set_rate(plain.d_optimiser, chosen.d_lr, chosen, step)
        set_rate(plain.g_optimiser, chosen.g_lr, chosen, step)
        set_strength(plain, chosen, step)
        work()
    assert_close_networks(state, plain)
