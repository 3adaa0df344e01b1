"""Repeating, interrupting and evaluating on the way change no bit of what training makes."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import seeds
from ganbench.api import Loss, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.augmentations.translation import Translation
from ganbench.evaluation.sampling import sample
from ganbench.losses.lsgan import LSGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.spec import Recipe
from ganbench.training import checkpoint
from ganbench.training.kept import DRAWN
from ganbench.training.state import State
from tests.captures import DEVICES
from tests.loops import (
    Make,
    Notes,
    Paired,
    assert_bit_equal,
    assert_close_networks,
    differ,
    flat,
    objective,
    recipe,
    run,
    weights,
)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(make_state: Make) -> None:
    settings = recipe(ema_decay=0.9, replay=16)
    states = []
    for seed in (0, 0, 1):
        torch.rand(7)  # whatever was drawn before has no part in it
        states.append(make_state(settings, seed=seed, dropout=True))
        run(states[-1], settings, objective(WGANGP()))
    assert_bit_equal(states[0], states[1])
    assert differ(weights(states[0].generator), weights(states[2].generator))


RESUMED: dict[str, tuple[dict[str, Any], Loss, dict[str, bool]]] = {
    "adam": ({}, Vanilla(), {}),
    "rmsprop and clipped weights": ({"optimizer": "rmsprop", "beta1": 0.3, "n_critic": 3}, WGAN(), {}),
    "sgd": ({"optimizer": "sgd", "beta1": 0.9, "d_lr": 0.01}, LSGAN(), {}),
    "sgd without momentum": ({"optimizer": "sgd", "beta1": 0.0}, LSGAN(), {}),
    "average": ({"ema_decay": 0.9, "ema_start": 5}, Vanilla(), {}),
    "replay": ({"replay": 20, "replay_share": 0.4}, Vanilla(), {}),
    "replay not yet full": ({"replay": 100}, Vanilla(), {}),
    "gradient penalty": ({"n_critic": 2, "beta1": 0.0, "beta2": 0.9}, WGANGP(), {}),
    "a penalty in one step of four": ({"penalty_every": 4, "n_critic": 2}, WGANGP(), {}),
    "penalties that fade": ({"penalty_final": 0.1, "penalty_decay_steps": 15}, WGANGP(), {}),
    "linear rates": ({"lr_schedule": "linear"}, Vanilla(), {}),
    "linear rates, later": ({"lr_schedule": "linear", "lr_decay_start": 6}, Vanilla(), {}),
    "cosine rates": ({"lr_schedule": "cosine", "lr_decay_steps": 12, "lr_final": 0.2, "adam_eps": 1e-3}, Vanilla(), {}),
    "batch norm": ({"discriminator_batch": "joint"}, Vanilla(), {"batch_norm": True}),
    "dropout": ({}, Vanilla(), {"dropout": True}),
    "bfloat16": ({"precision": "bfloat16"}, Vanilla(), {}),
    "needs real samples": ({}, Paired(), {}),
    "several updates of the generator": ({"n_generator": 3, "n_critic": 2, "ema_decay": 0.9}, Paired(), {}),
    "boosted steps": (
        {"n_critic": 2, "n_critic_boost": 7, "boost_first": 3, "boost_every": 5, "replay": 30},
        WGANGP(),
        {},
    ),
    "a batch that does not divide the data": ({"batch_size": 7}, Vanilla(), {}),
}


@pytest.mark.parametrize(("settings", "loss", "options"), RESUMED.values(), ids=RESUMED.keys())
def test_stopping_and_going_on_changes_no_bit(
    make_state: Make, tmp_path: Path, settings: dict[str, Any], loss: Loss, options: dict[str, bool]
) -> None:
    chosen = recipe(**settings)
    whole = make_state(chosen, **options)
    assert run(whole, chosen, objective(loss)) is True

    # Five batches are an epoch: after nine steps of one to three updates, none of them ends with one.
    first = make_state(chosen, **options)
    assert run(first, chosen, objective(loss), Notes(stop_after=9)) is False
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": first.state_dict()})

    second = make_state(chosen, seed=9, **options)
    torch.rand(17)
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    assert second.step == 9
    assert run(second, chosen, objective(loss)) is True
    assert_bit_equal(whole, second)


def pictured(settings: Recipe, condition: str, seed: int) -> State:
    """The state of a conditional trial on 40 images of two classes, mirrored and augmented."""
    rng = torch.Generator().manual_seed(5)
    images = torch.randint(0, 256, (40, 1, 16, 16), generator=rng, dtype=torch.uint8)
    return State(
        architecture=DCGAN(width=4, condition=condition),
        samples=Samples(data=images, labels=torch.arange(40) % 2), recipe=settings, seed=seed,
        device=torch.device("cpu"), augmentations=[Translation()],
    )  # fmt: skip


@pytest.mark.parametrize("condition", ["projection", "classifier"])
def test_every_stream_and_memory_of_a_trial_on_images_is_taken_up(condition: str) -> None:
    """Mirroring, augmentation, its adaptation, labels, replay and the average, each with draws of its own."""
    chosen = recipe(
        steps=9, mirror=0.5, augment="translation", ada_target=0.1, ada_images=100, ema_decay=0.9, ema_start=2,
        replay=20, d_lr=3e-3,
    )  # fmt: skip
    whole, first, second = (pictured(chosen, condition, seed) for seed in (0, 0, 9))
    run(whole, chosen, objective(Vanilla()))
    run(first, chosen, objective(Vanilla()), Notes(stop_after=6))
    before = flat(first.state_dict())
    second.load_state_dict(first.state_dict())
    taken = flat(second.state_dict())
    for name, value in before.items():
        assert torch.equal(value, taken[name]) if isinstance(value, Tensor) else value == taken[name], name
    assert second.adaptation is not None
    assert second.adaptation.p.item() > 0
    run(second, chosen, objective(Vanilla()))
    assert_bit_equal(whole, second)


def test_going_on_draws_on_from_torchs_own_stream(make_state: Make, tmp_path: Path) -> None:
    chosen = recipe()
    run(make_state(chosen, dropout=True), chosen, objective(Vanilla()))
    wanted = torch.rand(3)
    first = make_state(chosen, dropout=True)
    run(first, chosen, objective(Vanilla()), Notes(stop_after=9))
    kept = copy.deepcopy(first.state_dict())
    second = make_state(chosen, seed=9, dropout=True)
    second.load_state_dict(kept)
    run(second, chosen, objective(Vanilla()))
    assert torch.equal(torch.rand(3), wanted)


def test_what_a_gpu_wrote_goes_on_on_a_cpu(make_state: Make, tmp_path: Path) -> None:
    """The data order as it was; noise, of which the two have other generators, from numbers not drawn before."""
    chosen = recipe(replay=16)
    first, second = make_state(chosen), make_state(chosen)
    run(first, chosen, objective(WGANGP()), Notes(stop_after=9))
    written = copy.deepcopy(first.state_dict())
    for name in DRAWN:
        written["streams"][name] = torch.zeros(16, dtype=torch.uint8)  # a seed and an offset
    written["cuda"] = torch.zeros(16, dtype=torch.uint8)
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": written})
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    assert second.step == 9
    for name, rng in second.streams.items():
        as_it_was = torch.equal(rng.get_state(), first.streams[name].get_state())
        assert as_it_was is (name in (seeds.DATA, seeds.REPLAY, seeds.LABELS, seeds.COMPARED)), name
    unused = torch.rand(3, generator=seeds.stream(0, seeds.NOISE))
    assert not torch.equal(torch.rand(3, generator=second.streams[seeds.NOISE]), unused)
    assert run(second, chosen, objective(WGANGP()))


@pytest.mark.parametrize("options", [{}, {"batch_norm": True, "dropout": True}])
def test_evaluating_on_the_way_changes_no_bit(make_state: Make, options: dict[str, bool]) -> None:
    def score(state: State) -> None:
        sample(
            state.scored, n=30, latent_dim=4, latent="normal", rng=seeds.stream(0, seeds.EVALUATION),
            device=state.device,
        )  # fmt: skip

    chosen = recipe(ema_decay=0.9, replay=16)
    plain = make_state(chosen, **options)
    run(plain, chosen, objective(WGANGP()))
    own = torch.get_rng_state()
    for every in (1, 7):
        watched = make_state(chosen, **options)
        run(watched, chosen, objective(WGANGP()), Notes(on_evaluate=score), every)
        assert torch.equal(torch.get_rng_state(), own)
        assert_bit_equal(plain, watched)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("device", DEVICES)
def test_going_on_on_another_kind_of_device(make_state: Make, device: str, backwards: bool, tmp_path: Path) -> None:
    chosen = recipe(replay=16, lr_schedule="linear")
    first, second = (make_state(chosen, device=each) for each in ((device, "cpu") if backwards else ("cpu", device)))
    run(first, chosen, objective(WGANGP()), Notes(stop_after=9))
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": first.state_dict()})
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    assert run(second, chosen, objective(WGANGP()))


@pytest.mark.parametrize("device", DEVICES)
def test_stopping_and_going_on_on_a_gpu(make_state: Make, device: str, tmp_path: Path, float64: None) -> None:
    chosen = recipe(ema_decay=0.9, replay=16)
    whole = make_state(chosen, device=device)
    run(whole, chosen, objective(WGANGP()))
    first = make_state(chosen, device=device)
    run(first, chosen, objective(WGANGP()), Notes(stop_after=9))
    checkpoint.save(tmp_path / "checkpoint.pt", "t", {"state": first.state_dict()})
    second = make_state(chosen, seed=9, device=device)
    second.load_state_dict(checkpoint.load(tmp_path / "checkpoint.pt", "t")["state"])
    run(second, chosen, objective(WGANGP()))
    assert_close_networks(whole, second)
