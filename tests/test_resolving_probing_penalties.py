"""Penalties on outputs and on the generator are tried on what training gives them, before anything trains."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import components, plugins
from ganbench.api import Architecture, FeaturePenalty, GeneratorPenalty, Networks
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.pacgan import PacGAN
from ganbench.architectures.resnet import ResNet
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.path_length import PathLength
from ganbench.resolving.probing_penalties import check_generator_penalties, check_output_penalties
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
    all_of_them = named(ModeSeeking(), FeatureMatching(), PathLength(), Orthogonal())
    found = check_generator_penalties(all_of_them, component("networks"), architecture, of, Recipe(latent_dim=4))
    assert torch.equal(torch.get_rng_state(), state)
    assert found == [1, 1, 1, 0]  # calls of the generator


def test_without_any_no_network_is_built() -> None:
    assert check_generator_penalties([], component("networks"), Architecture(), data((2,)), Recipe()) == []


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


class Compared(FeaturePenalty):
    """What a function makes of its arguments."""

    def __init__(self, function: Callable[[Tensor, Tensor], Any]) -> None:
        self.function = function

    def on_features(self, real: Tensor, fake: Tensor) -> Any:
        return self.function(real, fake)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda real, fake: real.nothing, " fails: 'Tensor' object has no attribute 'nothing'"),
        (lambda real, fake: fake.mean(1), " returns shape (4,) for 4 samples, not a scalar tensor; use .mean()"),
        (lambda real, fake: (real - fake.detach()).mean(), " does not depend on the generator (a .detach(), .item()"),
        (lambda real, fake: fake.mean() + real.add_(1).mean(), " changes the features that it is given, of which the"),
        (lambda real, fake: fake.mean() + 0 * fake.detach().zero_().mean(), "; change a copy; run `ganbench plugins"),
    ],
)
def test_one_on_features_that_would_fail_in_training_is_refused_by_name(
    function: Callable[[Tensor, Tensor], Any], words: str
) -> None:
    networks, given = NETWORKS["classes"], (component("networks"), Recipe(latent_dim=4))
    said = refusal(check_generator_penalties, named(Compared(function)), given[0], *networks, given[1])
    assert said.startswith("penalty 'mine0'")
    assert words in said
    assert said.endswith("; run `ganbench plugins check ganbench-mine` for details")


def test_features_are_tried_on_as_many_real_samples_which_have_no_gradient() -> None:
    seen: list[tuple[Any, ...]] = []

    def note(real: Tensor, fake: Tensor) -> Tensor:
        seen.append((tuple(real.shape), tuple(fake.shape), real.requires_grad, fake.requires_grad))
        return fake.mean()

    for name in ("points", "packed", "classes"):
        check_generator_penalties(named(Compared(note)), component("networks"), *NETWORKS[name], Recipe(latent_dim=4))
    assert seen == [((4, width), (4, width), False, True) for width in (8, 200, 4)]


class Judge(nn.Module):
    """A discriminator of points with a layer that it may call, or call twice, or call with other rows."""

    def __init__(self, times: int, rows: int = 1) -> None:
        super().__init__()
        self.times, self.rows = times, rows
        self.hidden, self.output = nn.Conv1d(1, 3, 1), nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        raw = x.sum(1)
        for _ in range(self.times):
            raw = raw + self.output(x.repeat(self.rows, 1))[: len(x)].squeeze(1)
        return raw


class Beside(nn.Module):
    """A discriminator of points that shows a layer what a function makes of them."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function
        self.output, self.beside = nn.Linear(2, 1), Layer()

    def forward(self, x: Tensor) -> Tensor:
        self.beside(*self.function(x))
        raw: Tensor = self.output(x).squeeze(1)
        return raw


class Layer(nn.Module):
    """Takes anything."""

    def forward(self, *given: Any) -> None:
        pass


class OfPoints(Architecture):
    kinds = ("vector",)

    def __init__(self, discriminator: nn.Module, layer: Any = None) -> None:
        self.discriminator, self.layer = discriminator, layer

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(nn.Linear(latent_dim, shape[0]), self.discriminator)

    def features(self, discriminator: nn.Module) -> Any:
        return self.layer or super().features(discriminator)


@pytest.mark.parametrize(
    ("architecture", "words"),
    [
        (OfPoints(nn.Flatten(0)), "cannot be had: Flatten has no linear layer and no convolution whose input could be"),
        (OfPoints(Judge(0)), "cannot be had: the layer whose input are the features is called 0 times in a pass of"),
        (OfPoints(Judge(2)), "is called 2 times in a pass of the discriminator, not once; let features() of the"),
        (OfPoints(Judge(1), "output"), "cannot be had: features() of the architecture returns a str, not a layer"),
        (OfPoints(Judge(1, 3)), " has features of shape (12, 2) for 4 raw outputs; let features() of the architecture"),
    ],
)
def test_a_discriminator_without_features_is_refused_by_its_name(architecture: Architecture, words: str) -> None:
    given = component("networks"), architecture, data((2,)), Recipe(latent_dim=4)
    check_generator_penalties(named(ModeSeeking()), *given)
    said = refusal(check_generator_penalties, named(FeatureMatching()), *given)
    assert "the discriminator of architecture 'networks'" in said
    assert words in said


def test_a_classifier_of_one_class_is_not_taken_for_what_makes_the_raw_outputs() -> None:
    given = component("networks"), MLP(condition="classifier"), data((2,), classes=1), Recipe(latent_dim=4)
    assert "both have one output" in refusal(check_generator_penalties, named(FeatureMatching()), *given)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: [x.long()], "the features gets a tensor of 2 dimensions, torch.int64, not a tensor of real numbers"),
        (lambda x: [torch.fft.fft(x)], " gets a tensor of 2 dimensions, torch.complex64, not a tensor of real numbers"),
        (lambda x: [x.mean()], " gets a tensor of 0 dimensions, torch.float32, not a tensor of real numbers with a"),
        (lambda x: [(x, x)], " gets a tuple, not a tensor of real numbers with a row for each raw output; let feat"),
        (lambda x: [], " gets nothing, not a tensor of real numbers with a row for each raw output; let features() of"),
        (lambda x: [x / 0], " has features that are not finite, on random samples or on fakes; let features() of the"),
    ],
)
def test_a_layer_that_gets_no_features_is_the_architectures_mistake_and_not_the_penaltys(
    function: Callable[[Tensor], Any], words: str
) -> None:
    network = Beside(function)
    given = component("networks"), OfPoints(network, network.beside), data((2,)), Recipe(latent_dim=4)
    said = refusal(check_generator_penalties, named(FeatureMatching()), *given)
    assert "the discriminator of architecture 'networks'" in said
    assert "penalty" not in said
    assert words in said


def test_an_architectures_own_layer_is_the_one_that_is_tried() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 1), nn.Flatten(0))
    architecture = OfPoints(network, network[0])
    seen: list[Tensor] = []
    term = Compared(lambda real, fake: seen.append(real) or fake.mean())  # type: ignore[func-returns-value]
    check_generator_penalties(named(term), component("networks"), architecture, data((2,)), Recipe(latent_dim=4))
    assert seen[0].shape == (4, 2)


def test_those_on_outputs_that_losses_carry_pass() -> None:
    registry = plugins.load().registry
    for name in registry.names("loss"):
        loss = components.load_class(registry.find("loss", name))()
        own = [(component(name), loss.penalty)] if loss.penalty is not None else []
        for recipe in (Recipe(), Recipe(batch_size=1)):
            check_output_penalties(own, recipe)


def test_one_on_outputs_that_draws_leaves_the_random_state_as_it_was() -> None:
    state, penalty = torch.get_rng_state(), LeCam()
    penalty.on_outputs = lambda real, fake: (real - fake).mean() * torch.rand(())  # type: ignore[method-assign]
    check_output_penalties([(component("drawing"), penalty)], Recipe())
    assert torch.equal(torch.get_rng_state(), state)


class Unreduced(LeCam):
    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real - fake).square()


def test_a_penalty_on_outputs_that_is_no_scalar_is_refused() -> None:
    mine, recipe = component("mine"), Recipe(batch_size=6)
    message = refusal(check_output_penalties, [(mine, LeCam()), (mine, Unreduced())], recipe)
    assert "on_outputs() of penalty 'mine' returns shape (6,) for 6 raw outputs, not a scalar tensor" in message
