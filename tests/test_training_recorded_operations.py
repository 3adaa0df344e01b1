"""A recording holds a whole step of everything there is: nothing that later steps need is done in Python alone.

The recording is a CPU's. What decides whether a step can be done again is the same for a CUDA graph: which tensors it
writes, which numbers are in it, and what it draws.
"""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench import plugins
from ganbench.api import Samples
from ganbench.spec import Recipe
from ganbench.training.loop import set_strength, whole_step
from ganbench.training.objective import Objective
from ganbench.training.optimisers import set_rate
from ganbench.training.recorded import WARM_UP
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu
from tests.loops import assert_bit_equal, objective, recipe
from tests.test_training_devices import IMAGES, names

STEPS = WARM_UP + 4
REMEMBERING = ("lecam", "path-length")
"""Penalties whose steps are not recorded."""
PENALTIES = [name for name in names("penalty") if name not in REMEMBERING]


def build(settings: Recipe, architecture: str, shape: tuple[int, ...]) -> State:
    drawn = torch.rand(32, *shape, generator=torch.Generator().manual_seed(3))
    named = [] if settings.augment == "none" else settings.augment.split("+")
    return State(
        architecture=plugins.build("architecture", architecture),
        samples=Samples(data=(255 * drawn).to(torch.uint8) if len(shape) == 3 else 2 * drawn - 1),
        recipe=settings,
        seed=0,
        device=torch.device("cpu"),
        augmentations=[plugins.build("augmentation", each) for each in named],
    )


def go(state: State, goal: Objective, settings: Recipe, *, recorded: bool) -> list[Tensor]:
    """Train for some steps as :func:`ganbench.training.loop.train` does; return their losses."""
    step = whole_step(state, goal, settings, capture_on_cpu if recorded else None)
    losses = []
    while state.step < STEPS:
        set_rate(state.d_optimiser, settings.d_lr, settings, state.step + 1)
        set_rate(state.g_optimiser, settings.g_lr, settings, state.step + 1)
        set_strength(state, settings, state.step + 1)
        losses.append(step())
        if state.average is not None:
            state.average.update(state.generator, state.step + 1)
        state.step += 1
    return losses


def assert_recorded(
    capsys: pytest.CaptureFixture[str],
    loss: str = "vanilla",
    architecture: str = "mlp[hidden=16]",
    shape: tuple[int, ...] = (2,),
    penalties: tuple[str, ...] = (),
    **settings: Any,
) -> None:
    """A trial whose steps are recorded goes, to the bit, the way of one whose steps are not."""
    chosen = recipe(**{"batch_size": 4, "latent_dim": 8, **settings})
    states, losses = [], []
    for recorded in (False, True):
        goal = objective(plugins.build("loss", loss), *(plugins.build("penalty", each) for each in penalties))
        states.append(build(chosen, architecture, shape))
        losses.append(go(states[-1], goal, chosen, recorded=recorded))
    assert all(torch.equal(own, other) for own, other in zip(*losses, strict=True))
    assert_bit_equal(*states)
    assert "not recorded" not in capsys.readouterr().out


@pytest.mark.parametrize("loss", names("loss"))
def test_every_loss(loss: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_recorded(capsys, loss)


@pytest.mark.parametrize("penalty", PENALTIES)
def test_every_penalty(penalty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_recorded(capsys, "hinge", "mlp[hidden=16]", (1, 16, 16), penalties=(penalty,))


@pytest.mark.slow
@pytest.mark.parametrize("architecture", IMAGES)
def test_every_architecture(architecture: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Buffers of batch and spectral norms are written where they are."""
    assert_recorded(capsys, "wgan-gp", architecture, IMAGES[architecture])


@pytest.mark.parametrize(
    "settings",
    [
        {"n_critic": 3, "n_generator": 2},
        {"loss": "wgan-gp", "penalty_every": 3},
        {"loss": "wgan-gp", "penalty_final": 0.1, "penalty_decay_steps": 6},
        {"penalties": ("mode-seeking",), "g_penalty_every": 3},
        {"n_critic_boost": 4, "boost_first": 1, "boost_every": 3},
        {"ema_decay": 0.9},
        {"precision": "bfloat16"},
        {"discriminator_batch": "joint"},
        {"architecture": "dcgan[width=8]", "shape": (1, 16, 16), "mirror": 0.5, "augment": "translation"},
        {"architecture": "pacgan[pack=3]"},
        {"optimizer": "rmsprop"},
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "beta1": 0.0},
    ],
    ids=str,
)
def test_parts_of_a_recipe(settings: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert_recorded(capsys, **settings)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_a_rate_that_changes(schedule: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert_recorded(capsys, lr_schedule=schedule)
