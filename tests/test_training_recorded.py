"""A step that is recorded once: it finds each step's samples and noise, and gives up where it would differ.

Without a GPU the recording is played by a function that does the work again; what surrounds it is the same.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.spec import Recipe
from ganbench.training import loop
from ganbench.training import recorded as module
from ganbench.training.loop import plain_step, set_strength, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recordable import obstacle_to_recording
from ganbench.training.recorded import WARM_UP, Recorded
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.captures import Noticed, again, of_another_torch, refused, stale
from tests.loops import (
    Make,
    Paired,
    Peculiar,
    counts,
    objective,
    rebinds,
    recipe,
    state_with,
)


def recorded(state: State, goal: Objective, settings: Recipe, capture: Any = again) -> Recorded:
    step = whole_step(state, goal, settings, capture)
    assert isinstance(step, Recorded)
    return step


def everything(state: State) -> list[Tensor]:
    networks = [*state.generator.state_dict().values(), *state.discriminator.state_dict().values()]
    return [value.clone() for value in [*networks, *(rng.get_state() for rng in state.streams.values())]]


GOALS: dict[str, tuple[dict[str, Any], Callable[[], Loss], dict[str, bool]]] = {
    "vanilla": ({}, Vanilla, {"batch_norm": True}),
    "gradient penalty": ({"n_critic": 3, "beta1": 0.0}, WGANGP, {}),
    "rmsprop": ({"optimizer": "rmsprop", "n_critic": 2}, WGAN, {}),
    "needs real samples": ({"n_critic": 2}, Paired, {}),
    "needs several batches of them": ({"n_critic": 2, "g_batches": 3}, Paired, {}),
    "several updates of the generator": ({"n_generator": 2, "ema_decay": 0.9}, Vanilla, {"batch_norm": True}),
    "several that need several batches": ({"n_critic": 2, "n_generator": 3, "g_batches": 2}, Paired, {}),
    "a batch that does not divide the data": ({"batch_size": 7}, Vanilla, {}),
}


@pytest.mark.parametrize("capture", [again, capture_on_cpu])
@pytest.mark.parametrize(("settings", "loss", "options"), GOALS.values(), ids=GOALS.keys())
def test_recorded_steps_are_the_steps_themselves(
    make_state: Make, settings: dict[str, Any], loss: Callable[[], Loss], options: dict[str, bool], capture: Any
) -> None:
    chosen = recipe(**settings)
    plain, state = make_state(chosen, **options), make_state(chosen, **options)
    work = partial(plain_step, plain, objective(loss()), chosen)
    step = recorded(state, objective(loss()), chosen, capture)
    for _ in range(20):
        assert torch.equal(step(), work())
        assert state.real_images == plain.real_images
        assert all(torch.equal(a, b) for a, b in zip(everything(state), everything(plain), strict=True))
    assert step.given_up == ""


def test_a_recorded_step_reads_the_strength_of_penalties_where_it_lies(
    make_state: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_the_host(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        def replay() -> None:
            with monkeypatch.context() as patch:
                patch.setattr(loop, "penalty_strength", None)
                work()

        return replay

    chosen = recipe(penalty_final=0.1, penalty_decay_steps=15)
    plain, state = make_state(chosen), make_state(chosen)
    work = partial(plain_step, plain, objective(WGANGP()), chosen)
    step = recorded(state, objective(WGANGP()), chosen, without_the_host)
    held = state.penalty_strength
    for number in range(1, 21):
        set_strength(plain, chosen, number)
        set_strength(state, chosen, number)
        assert torch.equal(step(), work())
        assert state.penalty_strength is held
    assert step.given_up == ""
    assert held is not None
    assert held.item() == pytest.approx(0.1)


def test_nothing_is_recorded_before_everything_is_allocated(make_state: Make) -> None:
    chosen, calls = recipe(), []

    def noting(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        calls.append(len(generators))
        return work

    step = recorded(make_state(chosen), objective(Vanilla()), chosen, noting)
    for number in range(1, WARM_UP + 5):
        step()
        assert len(calls) == (number > WARM_UP)


@pytest.mark.parametrize(
    ("capture", "reason"),
    [(stale, "does not compute"), (refused, "not permitted"), (of_another_torch, "no attribute")],
)
def test_what_cannot_be_recorded_goes_on_as_it_was(
    make_state: Make, capsys: pytest.CaptureFixture[str], capture: Any, reason: str
) -> None:
    chosen = recipe()
    plain, state = make_state(chosen), make_state(chosen)
    work = partial(plain_step, plain, objective(Vanilla()), chosen)
    step = recorded(state, objective(Vanilla()), chosen, capture)
    for _ in range(12):
        assert torch.equal(step(), work())
    assert all(torch.equal(a, b) for a, b in zip(everything(state), everything(plain), strict=True))
    assert reason in step.given_up
    assert capsys.readouterr().out.count("steps are not recorded") == 1


def test_without_memory_for_a_copy_of_the_state_steps_go_on_as_they_were(
    make_state: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(subject: Any, parts: Any, draws: Any) -> None:
        raise torch.cuda.OutOfMemoryError("no room for a copy")

    monkeypatch.setattr(module, "Kept", full)
    plain, state = make_state(recipe()), make_state(recipe())
    work = partial(plain_step, plain, objective(Vanilla()), recipe())
    step = recorded(state, objective(Vanilla()), recipe())
    for _ in range(8):
        assert torch.equal(step(), work())
    assert "no room for a copy" in step.given_up


@pytest.mark.parametrize(
    ("also", "reason"), [(rebinds, "new tensors in the places of old ones"), (counts, "Peculiar.calls")]
)
def test_what_a_recording_would_not_repeat_is_not_recorded(
    also: Callable[[Peculiar], object], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, state = (state_with(Peculiar(also), recipe()) for _ in range(2))
    work = partial(plain_step, plain, objective(Vanilla()), recipe())
    step = recorded(state, objective(Vanilla()), recipe(), noticed := Noticed())
    for _ in range(8):
        assert torch.equal(step(), work())
    assert all(torch.equal(a, b) for a, b in zip(everything(state), everything(plain), strict=True))
    assert vars(state.discriminator)["calls"] == vars(plain.discriminator)["calls"]
    assert reason in step.given_up
    assert not noticed.asked
    assert capsys.readouterr().out.count("steps are not recorded") == 1


class Counting(Vanilla):
    """Counts in an attribute."""

    updates = 0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.updates += 1
        return super().generator(fake, real)


class Listing(Vanilla):
    """Counts by the length of a list."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[float] = []

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.updates.append(0.0)
        return super().generator(fake, real)


@pytest.mark.parametrize("loss", [Counting, Listing])
def test_a_loss_that_counts_is_not_recorded(make_state: Make, loss: Callable[[], Loss]) -> None:
    counting = loss()
    step = recorded(make_state(recipe()), objective(counting), recipe(), noticed := Noticed())
    for _ in range(WARM_UP + 2):
        step()
    assert step.given_up == f"{loss.__name__}.updates changes on the host"
    assert not noticed.asked
    updates = vars(counting)["updates"]
    assert (updates if isinstance(updates, int) else len(updates)) == WARM_UP + 2  # nothing was tried


@pytest.mark.parametrize(
    ("settings", "remembers", "word"),
    [
        ({}, False, ""),
        ({"lr_schedule": "linear"}, False, ""),
        ({"lr_schedule": "cosine", "adam_eps": 1e-3}, False, ""),
        ({"replay": 8}, False, ""),
        ({"augment": "translation", "ada_target": 0.6}, False, ""),
        ({}, True, "remembers"),
        ({"optimizer": "sgd", "lr_schedule": "linear"}, False, "sgd"),
        ({"optimizer": "rmsprop", "lr_schedule": "cosine"}, False, "rmsprop"),
    ],
)
def test_what_is_decided_on_the_host_is_not_recorded(settings: dict[str, Any], remembers: bool, word: str) -> None:
    chosen = recipe(**settings)
    reason = obstacle_to_recording(chosen, remembers=remembers)
    assert word in reason
    assert bool(reason) == bool(word)


def test_an_obstacle_that_shows_later_is_heeded(make_state: Make, capsys: pytest.CaptureFixture[str]) -> None:
    chosen, state = recipe(), make_state(recipe())
    calls: list[int] = []
    step = Recorded(
        state, partial(plain_step, state, objective(Vanilla()), chosen), draws=[(state.batches.indices, 1)], seen=8,
        capture=again, obstacle=lambda: "a penalty that remembers" if len(calls) >= WARM_UP else "",
    )  # fmt: skip
    for number in range(8):
        calls.append(number)
        step()
    assert step.given_up == "a penalty that remembers"
    assert capsys.readouterr().out.count("a penalty that remembers") == 1


def test_a_step_that_never_comes_out_twice_the_same_may_be_recorded() -> None:
    before, noise = [torch.zeros(8), torch.zeros(8)], torch.Generator().manual_seed(0)

    def run(shift: float = 0.0) -> list[Tensor]:
        """Adam's first step: where the gradient is rounding its sign is a coin's."""
        of_rounding = 2e-4 * torch.randint(0, 2, (8,), generator=noise).mul(2).sub(1)
        return [torch.full((8,), 2e-4) + shift, of_rounding.float()]

    assert module._difference(before, run(), run(), run()) == ""
    assert "does not compute" in module._difference(before, run(shift=1e-4), run(), run())


def test_a_recording_that_is_off_by_far_more_than_the_step_itself_is_not_taken() -> None:
    before, once, again = [torch.zeros(8)], [torch.full((8,), 1e-3)], [torch.full((8,), 1e-3 + 1e-6)]
    assert module._difference(before, [torch.full((8,), 1e-3 + 4e-5)], once, again) == ""
    assert "does not compute" in module._difference(before, [torch.full((8,), 1e-3 + 4e-4)], once, again)


def test_a_loss_that_is_not_finite_is_no_difference() -> None:
    bad, good = [torch.tensor([math.nan, 1.0])], [torch.ones(2)]
    assert module._difference([torch.zeros(2)], bad, bad, bad) == ""
    assert module._difference([torch.zeros(2)], good, bad, bad) != ""


@pytest.mark.parametrize("obstacle", ["a penalty that remembers", ""])
def test_memory_that_only_the_recording_needed_is_given_back_and_no_peak(
    make_state: Make, monkeypatch: pytest.MonkeyPatch, obstacle: str
) -> None:
    state, done = make_state(recipe()), []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: done.append(f"emptied {state.device}"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: done.append(f"reset {device}"))
    step = Recorded(
        state, partial(plain_step, state, objective(Vanilla()), recipe()), draws=[(state.batches.indices, 1)], seen=8,
        capture=again, obstacle=lambda: obstacle,
    )  # fmt: skip
    tidy = step._tidy

    def there() -> None:
        assert all(weight.grad is not None for weight in state.generator.parameters())
        state.device = torch.device("cuda:1")
        tidy()
        assert all(weight.grad is None for weight in state.generator.parameters())
        state.device = torch.device("cpu")

    monkeypatch.setattr(step, "_tidy", there)
    for _ in range(WARM_UP + 3):
        step()
    assert done == ["emptied cuda:1", "reset cuda:1"]


def test_the_reason_is_the_error_that_came_first() -> None:
    first = RuntimeError("a copy to the host")
    last = RuntimeError("capture invalidated")
    last.__context__ = first
    assert module._first_cause(last) == "a copy to the host"
