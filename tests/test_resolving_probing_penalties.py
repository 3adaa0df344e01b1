"""Penalties on the generator are tried on the networks that they join, before anything trains."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, GeneratorPenalty, Networks
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.pacgan import PacGAN
from ganbench.architectures.resnet import ResNet
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.path_length import PathLength
from ganbench.resolving.probing import check_generator_penalties
from ganbench.spec import Recipe
from tests.cells import component, data
from tests.refusals import refusal


class Made(GeneratorPenalty):
    """What a function makes of its arguments."""

    def __init__(self, function: Callable[[Any, Tensor, Tensor], Any]) -> None:
        self.function = function

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Any:
        return self.function(generator, z, fake)


def named(*penalties: GeneratorPenalty) -> list[Any]:
    return [(component(f"mine{number}"), penalty) for number, penalty in enumerate(penalties)]


NETWORKS: dict[str, tuple[Architecture, Any]] = {
    "points": (MLP(hidden=8, layers=1), data((2,))),
    "packed": (PacGAN(pack=3), data((2,))),
    "images": (DCGAN(width=4), data((1, 16, 16))),
    "classes": (ResNet(width=4, condition="projection"), data((3, 16, 16), classes=10)),
}


@pytest.mark.parametrize(("architecture", "of"), NETWORKS.values(), ids=NETWORKS.keys())
def test_those_that_work_pass_and_leave_the_random_state_as_it_was(architecture: Architecture, of: Any) -> None:
    state = torch.get_rng_state()
    all_of_them = named(ModeSeeking(), PathLength(), Orthogonal())
    check_generator_penalties(all_of_them, component("networks"), architecture, of, Recipe(latent_dim=4))
    assert torch.equal(torch.get_rng_state(), state)


def test_without_any_no_network_is_built() -> None:
    check_generator_penalties([], component("networks"), Architecture(), data((2,)), Recipe())


WRONG: list[tuple[Callable[[Any, Tensor, Tensor], Any], str]] = [
    (lambda g, z, fake: g.modules(), " fails: 'Labelled' object has no attribute 'modules'"),
    (lambda g, z, fake: fake.flatten(1).sum(1), " returns shape (4,) for 4 samples, not a scalar tensor; use .mean()"),
    (lambda g, z, fake: 0.5, " returns a float for 4 samples, not a scalar tensor"),
    (lambda g, z, fake: fake.detach().mean(), " does not depend on the generator (a .detach(), .item() or no_grad?)"),
    (lambda g, z, fake: z.clone().requires_grad_().sum(), " does not depend on the generator"),
    (lambda g, z, fake: g(z.mul_(2)).mean(), " changes the latent points or samples that it is given, of which the"),
    (lambda g, z, fake: g(z).mean() + 0 * fake.detach().zero_().sum(), "; change a copy; run `ganbench plugins check"),
]


@pytest.mark.parametrize(("function", "words"), WRONG)
def test_one_that_would_fail_in_training_is_refused_by_name(
    function: Callable[[Any, Tensor, Tensor], Any], words: str
) -> None:
    architecture, of = NETWORKS["classes"]
    said = refusal(
        check_generator_penalties, named(Made(function)), component("networks"), architecture, of, Recipe(latent_dim=4)
    )
    assert said.startswith("penalty 'mine0'")
    assert words in said
    assert said.endswith("; run `ganbench plugins check ganbench-mine` for details")


class Counting(Made):
    """Has its term from the second update on, and says in its state how many there were."""

    def __init__(self, before: float = 0.0) -> None:
        super().__init__(lambda generator, z, fake: torch.tensor(before) if self.updates < 2 else fake.mean())
        self.updates = 0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Any:
        self.updates += 1
        return super().__call__(generator, z, fake, rng)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}


def test_one_that_counts_its_updates_may_have_no_term_in_the_first() -> None:
    architecture, of = NETWORKS["classes"]
    networks, chosen = component("networks"), Recipe(latent_dim=4)
    check_generator_penalties(named(Counting()), networks, architecture, of, chosen)
    said = refusal(check_generator_penalties, named(Counting(0.5)), networks, architecture, of, chosen)
    assert " does not depend on the generator" in said
    idle = named(Made(lambda g, z, fake: torch.zeros(())))
    assert " does not depend on the generator" in refusal(
        check_generator_penalties, idle, networks, architecture, of, chosen
    )


def test_batches_have_one_sample_where_the_recipe_says_so() -> None:
    class Plain(Architecture):
        def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
            return Networks(nn.Linear(latent_dim, shape[0]), nn.Linear(shape[0], 1))

    architecture, of = Plain(), data((2,))
    alone = Recipe(latent_dim=4, batch_size=1)
    said = refusal(check_generator_penalties, named(ModeSeeking()), component("networks"), architecture, of, alone)
    assert said == (
        "penalty 'mine0' on 1 sample of the generator of architecture 'networks' fails: mode seeking compares two "
        "samples, so that a batch must have 2 or more; run `ganbench plugins check ganbench-mine` for details"
    )
    twice = Recipe(latent_dim=4, batch_size=1, g_batches=2)
    check_generator_penalties(named(ModeSeeking()), component("networks"), architecture, of, twice)
