"""A training step away from the CPU mixes no devices, and waits for nothing, without a GPU at hand.

One that can be recorded there copies nothing to the device or from it, either.
"""

from typing import Any

import pytest
import torch
from packaging.version import Version
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException

from ganbench import plugins
from ganbench.api import Samples
from ganbench.losses.hinge import Hinge
from ganbench.schedule import usual
from ganbench.spec import Recipe
from ganbench.training.loop import centre_adaptation, plain_step
from ganbench.training.recordable import drawn_on_the_host, obstacle_to_recording
from ganbench.training.state import State
from tests.elsewhere import ELSEWHERE, AtHome, elsewhere
from tests.loops import objective

IMAGES = {"dcgan": (1, 16, 16), "infogan": (1, 28, 28), "mlp": (1, 16, 16), "resnet": (3, 32, 32), "sagan": (3, 16, 16),
          "sndcgan": (3, 16, 16), "upsample": (1, 16, 16), "vgg": (3, 16, 16)}  # fmt: skip


def names(kind: str) -> list[str]:
    """What ganbench itself offers of a kind."""
    return sorted(entry.name for entry in plugins.load().registry.entries(kind) if entry.distribution == "ganbench")


def step(
    loss: Any = "vanilla",
    architecture: str = "dcgan",
    shape: tuple[int, ...] = (1, 16, 16),
    penalties: tuple[Any, ...] = (),
    **settings: Any,
) -> Tensor:
    """Do a step there, one like most; return its losses."""
    recipe = Recipe(**({"batch_size": 4, "latent_dim": 8, "steps": 4} | settings))
    loss = plugins.build("loss", loss) if isinstance(loss, str) else loss
    goal = objective(loss, *(plugins.build("penalty", each) if isinstance(each, str) else each for each in penalties))
    named = [] if recipe.augment == "none" else recipe.augment.split("+")
    with elsewhere():
        state = State(
            architecture=plugins.build("architecture", architecture),
            samples=Samples(
                data=torch.zeros(32, *shape, dtype=torch.uint8 if len(shape) == 3 else torch.float32),
                labels=torch.zeros(32, dtype=torch.int64),
                classes=("a", "b", "c"),
            ),
            recipe=recipe,
            seed=0,
            device=ELSEWHERE,
            augmentations=[plugins.build("augmentation", each) for each in named],
        )
        assert state.penalty_strength is None or state.penalty_strength.device == ELSEWHERE  # a recorded step reads it
        if state.adaptation is None:  # otherwise it looks for the doubt's level on the CPU, by its values
            centre_adaptation(state, goal.loss, recipe)
        remembers = any(penalty.state_dict() for penalty in goal.penalties)
        if obstacle_to_recording(recipe, remembers=remembers):
            return plain_step(state, goal, recipe)
        while not (state.settled and usual(recipe, state.step + 1)):
            plain_step(state, goal, recipe)
            state.step += 1
        for draws, count in drawn_on_the_host(state, recipe, goal):
            draws.stage(count)
        with AtHome():
            return plain_step(state, goal, recipe)


def need_moves() -> None:
    if Version(torch.__version__) < Version("2.7"):
        pytest.skip("torch 2.6 moves no tensor to a device that is only pretended")


def assert_there(losses: Tensor) -> None:
    assert losses.device == ELSEWHERE


@pytest.mark.parametrize("loss", names("loss"))
def test_every_loss(loss: str) -> None:
    assert_there(step(loss))


@pytest.mark.parametrize("penalty", names("penalty"))
def test_every_penalty(penalty: str) -> None:
    if penalty == "lecam":
        need_moves()
    assert_there(step("hinge", penalties=(penalty,)))


@pytest.mark.parametrize("architecture", IMAGES)
def test_every_architecture(architecture: str) -> None:
    assert_there(step("wgan-gp", architecture, IMAGES[architecture]))


@pytest.mark.parametrize("condition", ["projection", "classifier"])
@pytest.mark.parametrize("architecture", IMAGES)
def test_every_architecture_with_class_labels(architecture: str, condition: str) -> None:
    assert_there(step("hinge", f"{architecture}[condition={condition}]", IMAGES[architecture], penalties=("gp",)))


@pytest.mark.parametrize("architecture", ["mlp", "pacgan[pack=3]"])
def test_points(architecture: str) -> None:
    assert_there(step("wgan-gp", architecture, (2,)))


@pytest.mark.parametrize("architecture", ["pacdcgan[pack=3]", "dcgan5x5[pack=3]"])
@pytest.mark.parametrize("loss", ["hinge", "wgan"])
def test_packed_images(loss: str, architecture: str) -> None:
    assert_there(step(loss, architecture, replay=4))


@pytest.mark.parametrize(
    "settings",
    [
        {"n_critic": 3},
        {"n_critic": 3, "replay": 4},
        {"n_critic_boost": 3, "boost_first": 1},
        {"n_generator": 2},
        {"loss": "wgan-gp", "penalty_every": 3},
        {"loss": "wgan-gp", "penalty_final": 0.1},
        {"mirror": 0.5, "g_batches": 2},
        {"augment": "translation"},
        {"augment": "translation", "ada_target": 0.6},
        {"discriminator_batch": "joint"},
        {"smoothing_real": 0.1},
        {"latent": "uniform"},
        {"lr_schedule": "linear"},
        {"lr_schedule": "cosine", "adam_eps": 1e-6},
    ],
    ids=str,
)
def test_every_part_of_the_recipe(settings: dict[str, Any]) -> None:
    assert_there(step(**settings))


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [
        ("resnet[condition=projection]", {"mirror": 0.5, "g_batches": 2, "n_generator": 2}),
        ("dcgan[condition=classifier]", {"augment": "translation", "ada_target": 0.6}),
        ("pacdcgan[pack=3]", {"replay": 4}),
    ],
)
def test_features_of_real_samples(architecture: str, settings: dict[str, Any]) -> None:
    assert_there(step("vanilla", architecture, penalties=("feature-matching",), **settings))


def test_every_architecture_is_here() -> None:
    assert {*IMAGES, "dcgan5x5", "pacdcgan", "pacgan"} == set(names("architecture"))


class Mixing(Hinge):
    """Labels on the CPU."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real * torch.ones(len(real)), fake)


class Waiting(Hinge):
    """Asks for a value."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real, fake) * (1.0 if real.mean() > 0 else 2.0)


class Making(Hinge):
    """Takes a number to the device."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().discriminator(real, fake) * torch.tensor(2.0, device=real.device)


class Fetching(Hinge):
    """Takes its outputs to the CPU."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.latest = real.detach().cpu()
        return super().discriminator(real, fake)


@pytest.mark.parametrize("loss", [Making, Fetching])
def test_a_copy_between_devices_is_noticed(loss: type[Hinge]) -> None:
    need_moves()
    with pytest.raises(RuntimeError, match="of a tensor on the CPU"):
        step(loss())


def test_a_mixture_of_devices_is_noticed() -> None:
    with pytest.raises(RuntimeError, match=r"two (different )?devices"):
        step(Mixing(), replay=4)


def test_waiting_is_noticed() -> None:
    with pytest.raises(DataDependentOutputException):
        step(Waiting())
