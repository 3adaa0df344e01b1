"""Steps of several seeds at once, recorded: each seed goes the way it goes when they are not."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks
from ganbench.architectures.pacgan import PacGAN
from ganbench.errors import Diverged
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.zero_centred import R1
from ganbench.provenance import environment
from ganbench.training import recorded
from ganbench.training.batched import train_together, whole_steps
from ganbench.training.batched_model import BatchedModel, Member
from ganbench.training.kept import Kept
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.recorded import WARM_UP, Recorded
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.batches import SEEDS, assert_same, build, ended, members, recipe
from tests.captures import DEVICES, Played, again, refused
from tests.loops import Notes, Paired, assert_bit_equal, assert_close_networks, objective


class Normed(Architecture):
    """Batch norm in both networks: statistics that every step moves."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        def network(inputs: int, outputs: int) -> list[nn.Module]:
            return [nn.Linear(inputs, 8), nn.BatchNorm1d(8), nn.LeakyReLU(0.2), nn.Linear(8, outputs)]

        return Networks(
            nn.Sequential(*network(latent_dim, shape[0])), nn.Sequential(*network(shape[0], 1), nn.Flatten(0))
        )


def go(group: list[Member], settings: Any, capture: Any, every: int = 0) -> dict[Member, Exception | None]:
    errors: dict[Member, Exception | None] = {}
    assert train_together(group, settings, evaluate_every=every, end=ended(errors), capture=capture)
    return errors


CASES: dict[str, tuple[Architecture | None, dict[str, Any], Callable[[], Objective], int]] = {
    "vanilla": (None, {}, lambda: objective(Vanilla()), 0),
    "lsgan, two critic steps, joint": (
        None, {"n_critic": 2, "discriminator_batch": "joint"}, lambda: objective(LSGAN()), 0
    ),
    "wgan": (None, {"optimizer": "rmsprop", "beta1": 0.0}, lambda: objective(WGAN()), 0),
    "wgan-gp": (None, {"beta1": 0.0, "beta2": 0.9}, lambda: objective(WGANGP()), 0),
    "linear, average, penalties that fade": (
        None, {"lr_schedule": "linear", "ema_decay": 0.9, "penalty_final": 0.1}, lambda: objective(WGANGP()), 0
    ),
    "a penalty in one step of four": (None, {"penalty_every": 4}, lambda: objective(Vanilla(), R1()), 10),
    "one on the generator, seldom": (None, {"g_penalty_every": 4}, lambda: objective(Vanilla(), ModeSeeking()), 10),
    "features": (Normed(), {"n_generator": 2, "g_batches": 2}, lambda: objective(Vanilla(), FeatureMatching()), 0),
    "replay": (None, {"replay": 20}, lambda: objective(Vanilla()), 5),
    "two updates of pairs": (None, {"n_generator": 2, "g_batches": 2}, lambda: objective(Paired()), 0),
    "batch norm": (Normed(), {"n_critic": 2}, lambda: objective(Vanilla()), 0),
    "packed maxout": (PacGAN(pack=2, hidden=16, hidden_d=8), {}, lambda: objective(Vanilla()), 0),
}  # fmt: skip
"""How many of 40 steps are not like most comes last."""


@pytest.mark.parametrize("capture", [again, capture_on_cpu])
@pytest.mark.parametrize(("architecture", "settings", "goal", "unlike"), CASES.values(), ids=CASES.keys())
def test_recorded_steps_are_the_steps_themselves(
    architecture: Architecture | None, settings: dict[str, Any], goal: Callable[[], Objective], unlike: int,
    capture: Any, capsys: Any,
) -> None:  # fmt: skip
    chosen = recipe(**settings)
    plain, group, played = members(chosen, goal, architecture), members(chosen, goal, architecture), Played(capture)
    go(plain, chosen, refused, every=15)
    assert capsys.readouterr().out.count("not recorded: operation not permitted") == 1
    assert list(go(group, chosen, played, every=15).values()) == [None] * 3
    assert capsys.readouterr().out == ""
    assert played.times == 1 + 40 - unlike - WARM_UP
    for found, expected in zip(group, plain, strict=True):
        assert_bit_equal(found.state, expected.state)
        assert isinstance(found.observer, Notes)
        assert isinstance(expected.observer, Notes)
        assert found.observer.reports == expected.observer.reports


def test_seeds_of_different_steps_are_recorded_each_group_for_itself(float64: None) -> None:
    chosen, played = recipe(), Played(capture_on_cpu)

    def goal() -> Objective:
        return objective(Vanilla())

    group = members(chosen, goal)
    train(group[1].state, goal(), chosen, Notes(stop_after=10), evaluate_every=0)
    go(group, chosen, played)
    assert played.times == (1 + 10 - WARM_UP) + (1 + 30 - WARM_UP)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed)
        train(alone, goal(), chosen, Notes(), evaluate_every=0)
        assert_same(member.state, alone)


class Exploding(Notes):
    """Makes the weights explode after step 12, as nothing does that a step itself would notice."""

    def after_step(self, state: State) -> bool:
        if state.step == 12:
            with torch.no_grad():
                for weight in state.discriminator.parameters():
                    weight.mul_(100.0)
        return False


def test_a_seed_that_diverges_in_a_recorded_step_leaves_the_others_as_they_would_be(float64: None) -> None:
    """Weights that explode: the loss is beyond its limit, which nothing on the host would show."""
    chosen, played = recipe(divergence_limit=100.0), Played(capture_on_cpu)
    group = members(chosen, lambda: objective(LSGAN()))

    group[1].observer = Exploding()
    errors = go(group, chosen, played)
    assert isinstance(errors[group[1]], Diverged)
    assert errors[group[0]] is errors[group[2]] is None
    assert played.times > 20
    for index in (0, 2):
        alone = build(chosen, SEEDS[index])
        train(alone, objective(LSGAN()), chosen, Notes(), evaluate_every=0)
        assert_same(group[index].state, alone)


def test_a_recording_is_let_go_before_the_next_one_is_made() -> None:
    """On a GPU it holds the memory of a whole step of all seeds, which the next one needs."""

    class Recording:
        def __init__(self, work: Callable[[], Tensor]) -> None:
            self.work = work

        def __call__(self) -> object:
            return self.work()

    chosen = recipe(divergence_limit=100.0)
    group = members(chosen, lambda: objective(LSGAN()))
    earlier: list[weakref.ref[Recording]] = []

    def capture(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        assert [ref() for ref in earlier] == [None] * len(earlier)
        recording = Recording(work)
        earlier.append(weakref.ref(recording))
        return recording

    group[1].observer = Exploding()
    gc.disable()
    try:
        train_together(group, chosen, evaluate_every=0, end=lambda member, error: None, capture=capture)
    finally:
        gc.enable()
    assert len(earlier) == 2


class Particular(Vanilla):
    """Raises while it is recorded."""

    recording = False

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        if Particular.recording:
            raise RuntimeError("not while it is recorded")
        return super().generator(fake, real)


def test_the_peak_of_one_group_outlasts_the_recording_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    for name in ("keep_peak", "give_back"):
        monkeypatch.setattr(environment, name, lambda device, name=name: told.append(f"{name} {device}"))
    group = members(recipe(divergence_limit=100.0), lambda: objective(LSGAN()))
    group[1].observer = Exploding()
    go(group, recipe(divergence_limit=100.0), capture_on_cpu)
    assert told == ["give_back cpu", "keep_peak cpu"] * 2


def test_what_fails_only_while_it_is_recorded_ends_no_seed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def capture(work: Callable[[], Tensor], generators: list[torch.Generator]) -> Callable[[], object]:
        with monkeypatch.context() as patch:
            patch.setattr(Particular, "recording", True)
            work()
        return work

    chosen = recipe()
    group = members(chosen, lambda: objective(Vanilla()))
    plain = members(chosen, lambda: objective(Vanilla()))
    group[1].objective = objective(Particular())
    assert list(go(group, chosen, capture).values()) == [None] * 3
    assert "steps are not recorded: not while it is recorded" in capsys.readouterr().out
    go(plain, chosen, refused)
    for found, expected in zip(group, plain, strict=True):
        assert_bit_equal(found.state, expected.state)


def test_what_fails_only_while_a_step_is_tried_ends_no_seed(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """As where there is too little memory beside the copy of all weights that is held meanwhile."""

    class Trying(Kept):
        def after(self, work: Callable[[], Tensor]) -> list[Tensor]:
            with monkeypatch.context() as patch:
                patch.setattr(Particular, "recording", True)
                return super().after(work)

    monkeypatch.setattr(recorded, "Kept", Trying)
    chosen = recipe()
    group = members(chosen, lambda: objective(Vanilla()))
    group[1].objective = objective(Particular())
    assert list(go(group, chosen, capture_on_cpu).values()) == [None] * 3
    assert "steps are not recorded: not while it is recorded" in capsys.readouterr().out
    assert [member.state.step for member in group] == [chosen.steps] * 3


class Speechless(R1):
    """Cannot say what it remembers, which an observer finds out when it saves the state."""

    def state_dict(self) -> dict[str, Any]:
        raise ValueError("mine alone")


def test_a_penalty_that_cannot_say_what_it_remembers_ends_no_other_seed(capsys: Any) -> None:
    chosen = recipe()
    group = members(chosen, lambda: objective(Vanilla()))
    group[1].objective = goal = objective(Vanilla(), Speechless())
    group[1].observer = Notes(on_step=lambda state: state.step == 10 and goal.state_dict())
    errors = go(group, chosen, capture_on_cpu)
    assert errors[group[0]] is errors[group[2]] is None
    assert str(errors[group[1]]) == "mine alone"
    assert group[1].state.step == 10
    assert "steps are not recorded: mine alone" in capsys.readouterr().out


class Counting(Vanilla):
    """Fails at its twentieth update."""

    def __init__(self) -> None:
        super().__init__()
        self.updates = 0

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.updates += 1
        if self.updates == 20:
            raise ValueError("mine alone")
        return super().generator(fake, real)


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        (lambda: objective(Counting()), "Counting.updates changes on the host"),
        (lambda: objective(Vanilla(), LeCam()), "a penalty that remembers"),
    ],
    ids=["a loss that counts", "a penalty that remembers"],
)
def test_what_one_seed_keeps_on_the_host_is_noticed(own: Callable[[], Objective], reason: str, capsys: Any) -> None:
    chosen = recipe()
    group = members(chosen, lambda: objective(Vanilla()))
    group[2].objective = own()
    errors = go(group, chosen, again)
    assert errors[group[0]] is errors[group[1]] is None
    assert reason in capsys.readouterr().out
    if reason.startswith("Counting"):
        assert str(errors[group[2]]) == "mine alone"
        assert group[2].state.step == 19


def test_on_a_cpu_only_what_pays_is_recorded() -> None:
    chosen = recipe()
    with BatchedModel(members(chosen, lambda: objective(Vanilla())), chosen) as model:
        assert isinstance(whole_steps(model, 100), Recorded)
        assert not isinstance(whole_steps(model, 99), Recorded)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("architecture", "settings", "goal", "unlike"), CASES.values(), ids=CASES.keys())
def test_on_a_gpu(
    architecture: Architecture | None, settings: dict[str, Any], goal: Callable[[], Objective], unlike: int,
    device: str, capsys: Any, float64: None,
) -> None:  # fmt: skip
    chosen = recipe(**settings)
    plain, group = (members(chosen, goal, architecture, torch.device(device)) for _ in range(2))
    go(plain, chosen, refused)
    capsys.readouterr()
    go(group, chosen, None)
    assert "not recorded" not in capsys.readouterr().out
    for found, expected in zip(group, plain, strict=True):
        assert_close_networks(found.state, expected.state)
