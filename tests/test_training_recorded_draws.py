"""Recorded steps that take what the host draws, and change what is neither weights nor moments: labels, a history of
fakes, adaptive augmentation."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import Samples
from ganbench.architectures.mlp import MLP
from ganbench.augmentations.translation import Translation
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.spec import Recipe
from ganbench.training import batches
from ganbench.training.loop import train, whole_step
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.captures import DEVICES, Played, again, refused
from tests.loops import Notes, Paired, assert_bit_equal, assert_close_networks, flat, objective, recipe

HISTORY: dict[str, Any] = {"replay": 30, "replay_share": 0.5}
"""Filled by the first eight updates of the discriminator, four at a time."""
ADAPTIVE: dict[str, Any] = {"augment": "translation", "ada_target": 0.1, "ada_images": 200}


def vanilla() -> Objective:
    return objective(Vanilla())


def paired() -> Objective:
    return objective(Paired())


def compared() -> Objective:
    return objective(Vanilla(), FeatureMatching())


CASES: dict[str, tuple[str, dict[str, Any], Callable[[], Objective], int]] = {
    "labels": ("projection", {}, vanilla, 0),
    "labels of several updates": ("classifier", {"n_generator": 2, "g_batches": 2, "n_critic": 2}, vanilla, 0),
    "labels of real samples": ("projection", {"n_critic": 2}, paired, 0),
    "a history": ("none", HISTORY, vanilla, 8),
    "a history that fills within a step": ("none", {"n_critic": 3, **HISTORY}, vanilla, 3),
    # Full after step 7, which is boosted, as are 13, 19 and 25.
    "a history beside boosted steps": ("none", {**HISTORY, "n_critic_boost": 3, "boost_every": 6}, vanilla, 10),
    "adaptive augmentation": ("none", ADAPTIVE, vanilla, 0),
    "adaptive augmentation of several updates": ("none", {"n_critic": 3, **ADAPTIVE}, vanilla, 0),
    "all of them": ("projection", {**HISTORY, **ADAPTIVE, "ema_decay": 0.9, "mirror": 0.5}, vanilla, 8),
    "real samples whose features are compared": ("none", {"n_generator": 2, "g_batches": 2}, compared, 0),
    "such, with labels and augmentation": ("classifier", {"mirror": 0.5, **ADAPTIVE}, compared, 0),
}
"""Condition, settings and what the players minimise, and how many of 30 steps are not like most: a history fills, or
they are boosted."""


def make(condition: str, settings: Recipe, device: str = "cpu", seed: int = 0) -> State:
    rng = torch.Generator().manual_seed(1)
    data = torch.randint(0, 256, (40, 1, 8, 8), generator=rng, dtype=torch.uint8)
    labels = torch.randint(0, 3, (40,), generator=rng)
    return State(
        architecture=MLP(hidden=16, layers=2, condition=condition),
        samples=Samples(data=data, labels=labels, classes=("a", "b", "c")),
        recipe=settings,
        seed=seed,
        device=torch.device(device),
        augmentations=[] if settings.augment == "none" else [Translation()],
    )


def go(state: State, goal: Objective, settings: Recipe, capture: Any, notes: Notes | None = None) -> Notes:
    notes = notes or Notes()
    train(state, goal, settings, notes, evaluate_every=0, one_step=whole_step(state, goal, settings, capture))
    return notes


@pytest.mark.parametrize("capture", [again, capture_on_cpu])
@pytest.mark.parametrize(("condition", "settings", "goal", "unlike"), CASES.values(), ids=CASES.keys())
def test_recorded_steps_are_the_steps_themselves(
    condition: str, settings: dict[str, Any], goal: Callable[[], Objective], unlike: int, capture: Any, capsys: Any
) -> None:
    chosen = recipe(steps=30, **settings)
    plain, state, played = make(condition, chosen), make(condition, chosen), Played(capture)
    expected = go(plain, goal(), chosen, refused)
    assert capsys.readouterr().out.count("not recorded: operation not permitted") == 1
    found = go(state, goal(), chosen, played)
    assert capsys.readouterr().out == ""
    assert found.reports == expected.reports
    assert_bit_equal(plain, state)
    assert played.times == 1 + 30 - unlike - WARM_UP  # the first of them is compared, and then done


@pytest.mark.parametrize(
    "name",
    [
        "labels of several updates",
        "a history",
        "adaptive augmentation",
        "all of them",
        "such, with labels and augmentation",
    ],
)
@pytest.mark.parametrize("stop", [3, 13])
def test_an_interrupted_trial_goes_on_the_same_way(name: str, stop: int) -> None:
    condition, settings, goal, _ = CASES[name]
    chosen = recipe(steps=30, **settings)
    whole, first, second = (make(condition, chosen, seed=seed) for seed in (0, 0, 9))
    go(whole, goal(), chosen, refused)
    go(first, goal(), chosen, capture_on_cpu, Notes(stop_after=stop))
    saved = first.state_dict()
    before = flat({part: saved[part] for part in ("replay", "adaptation")})
    second.load_state_dict(saved)
    go(second, goal(), chosen, capture_on_cpu)
    assert_bit_equal(whole, second)
    # What changes in place is not the checkpoint itself.
    after = flat({part: saved[part] for part in ("replay", "adaptation")})
    assert before.keys() == after.keys()
    assert all(torch.equal(*map(torch.as_tensor, (after[name], before[name]))) for name in before)


def test_all_that_a_step_changes_is_put_back_when_a_recording_is_not_taken() -> None:
    chosen = recipe(steps=30, **HISTORY, **ADAPTIVE)

    def wrong(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        def twice() -> None:
            work()
            work()

        return twice

    plain, state = make("none", chosen), make("none", chosen)
    go(plain, objective(Vanilla()), chosen, refused)
    go(state, objective(Vanilla()), chosen, wrong)
    assert_bit_equal(plain, state)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", CASES)
def test_on_a_gpu(name: str, device: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, float64: None) -> None:
    monkeypatch.setattr(batches, "to_network_range", lambda data: data.double().div(127.5).sub(1.0))
    condition, settings, goal, _ = CASES[name]
    chosen = recipe(steps=40, **settings)
    plain, state = make(condition, chosen, device), make(condition, chosen, device)
    go(plain, goal(), chosen, refused)
    capsys.readouterr()
    train(state, goal(), chosen, Notes(), evaluate_every=0)
    assert "not recorded" not in capsys.readouterr().out
    assert_close_networks(state, plain)
