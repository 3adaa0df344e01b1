"""Which seeds can be trained as one batched model, found out before anything changes."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Networks, Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.architectures.pacgan import PacGAN
from ganbench.losses.vanilla import Vanilla
from ganbench.provenance import environment
from ganbench.training.batchable import judges_each_alone, obstacle_to_batching
from ganbench.training.batched import discriminator_updates
from ganbench.training.batched_model import BatchedModel
from ganbench.training.stacked import Stacked
from ganbench.training.state import State
from tests.batches import SEEDS, build, members, recipe
from tests.loops import objective
from tests.networks import Again

pytestmark = pytest.mark.usefixtures("float64")


class Dropping(Architecture):
    """Draws random numbers of its own."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        critic = nn.Sequential(nn.Linear(shape[0], 8), nn.Dropout(0.5), nn.Linear(8, 1), nn.Flatten(0))
        return Networks(nn.Linear(latent_dim, shape[0]), critic)


def test_what_cannot_be_batched_is_noticed_before_anything_changes() -> None:
    chosen = recipe()
    assert obstacle_to_batching(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    states = [build(chosen, seed, Dropping()) for seed in SEEDS]
    before = copy.deepcopy([state.generator.state_dict() for state in states])
    drawn = torch.get_rng_state()
    assert "random" in obstacle_to_batching(Dropping(), states, chosen)
    assert torch.equal(torch.get_rng_state(), drawn)
    for state, weights in zip(states, before, strict=True):
        assert all(torch.equal(value, weights[name]) for name, value in state.generator.state_dict().items())


class SavesMemory(Architecture):
    kinds = ("vector",)

    def __init__(self, *layers: type[nn.Linear]) -> None:
        self.inner, self.outer = layers

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(self.inner(latent_dim, 2), nn.Sequential(self.outer(2, 1), nn.Flatten(0)))


@pytest.mark.parametrize("layers", [(Again, nn.Linear), (nn.Linear, Again), (nn.Linear, nn.Linear)])
def test_what_does_its_forward_pass_again_in_the_backward_pass_is_not_batched(layers: list[type[nn.Linear]]) -> None:
    chosen, network = recipe(), SavesMemory(*layers)
    states = [build(chosen, seed, network) for seed in SEEDS]
    obstacle = obstacle_to_batching(network, states, chosen)
    owner = "Again" if layers[0] is Again else "Sequential"
    assert obstacle.startswith(f"{owner} has no batched backward pass") if Again in layers else not obstacle
    assert all(weight.grad is None for state in states for part in state.networks for weight in part.parameters())


def test_networks_that_take_labels_are_not_batched() -> None:
    chosen, network = recipe(), DCGAN(width=4, condition="projection")
    images = Samples(data=torch.zeros(40, 1, 16, 16, dtype=torch.uint8), labels=torch.arange(40) % 2)
    states = [
        State(architecture=network, samples=images, recipe=chosen, seed=seed, device=torch.device("cpu"))
        for seed in SEEDS
    ]
    assert obstacle_to_batching(network, states, chosen) == "its networks take class labels"


class Replacing(nn.Module):
    """Puts a new buffer in the old one's place, which a batched call does not see."""

    count: Tensor

    def __init__(self, buffer: Tensor) -> None:
        super().__init__()
        self.register_buffer("count", buffer)

    def forward(self, x: Tensor) -> Tensor:
        self.count = self.count + 1
        return x


class Odd(Architecture):
    kinds = ("vector",)

    def __init__(self, buffer: Tensor) -> None:
        self._buffer = buffer

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        critic = nn.Sequential(nn.Linear(shape[0], 1), nn.Flatten(0))
        generator = nn.Sequential(nn.Linear(latent_dim, shape[0]), Replacing(self._buffer.clone()))
        return Networks(generator, critic)


@pytest.mark.parametrize("buffer", [torch.ones(()), torch.tensor(100_000)], ids=["a share", "a count"])
def test_what_would_be_computed_otherwise_is_not_batched(buffer: Tensor) -> None:
    """A count by one too small is another count, however large it is."""
    chosen, network = recipe(), Odd(buffer)
    assert "something else" in obstacle_to_batching(network, [build(chosen, seed, network) for seed in SEEDS], chosen)


class Times(nn.Module):
    """Takes float64 into a network of float32, and makes it as large or small as is wanted."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self._factor = factor
        self.register_buffer("nothing", torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        return self._factor * x.float()


class Scaled(Architecture):
    kinds = ("vector",)

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        generator = nn.Sequential(Times(self._factor), nn.Linear(latent_dim, shape[0], dtype=torch.float32))
        critic = nn.Sequential(nn.Linear(shape[0], 1, dtype=torch.float32), nn.Flatten(0))
        return Networks(generator, critic)


@pytest.mark.parametrize("factor", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize(
    ("precision", "share", "same"),
    [("float32", 8e-4, True), ("float32", 1.2e-3, False), ("bfloat16", 0.04, True), ("bfloat16", 0.06, False)],
)
def test_outputs_may_differ_by_a_share_of_their_size(
    factor: float, precision: str, share: float, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = Stacked.__call__
    monkeypatch.setattr(Stacked, "__call__", lambda stacked, x: call(stacked, x) * (1 + share))
    chosen, network = recipe(precision=precision), Scaled(factor)
    found = obstacle_to_batching(network, [build(chosen, seed, network) for seed in SEEDS], chosen)
    assert found == ("" if same else "Sequential computes something else when it is batched")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_both_ways_are_compared_in_the_precision_of_training_without_tf32_and_gradients(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[tuple[str, bool, bool]] = []
    call = Stacked.__call__

    def noting(stacked: Stacked, x: Tensor) -> Tensor:
        arithmetic = environment.float32_arithmetic(torch.device("cuda"))
        found.append((arithmetic.partition(", ")[2], torch.is_autocast_enabled("cpu"), torch.is_grad_enabled()))
        return call(stacked, x)

    monkeypatch.setattr(Stacked, "__call__", noting)
    chosen = recipe(precision=precision)
    assert obstacle_to_batching(MLP(), [build(chosen, seed) for seed in SEEDS], chosen) == ""
    low = precision == "bfloat16"  # and then whether they can be differentiated is tried
    assert found == [("convolutions ieee", low, False), ("convolutions ieee", low, True)] * 2


class Spread(nn.Module):
    """Tells a discriminator how much its batch varies, in each sample's features."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, x.std(0).mean().expand(len(x), 1)], 1)


class Gate(nn.Module):
    """Adds what a layer makes of samples, times a weight that is zero at first."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.layer(x)
        return x + self.gate * added


class Counting(nn.Module):
    """Counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


class CountingInBuffer(nn.Module):
    """Counts its calls in what is saved with its weights."""

    calls: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return x


class Faint(nn.Module):
    """Adds a millionth of how much a batch varies."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1e-6 * x.std(0)


class InFloat32(nn.Module):
    """Computes in float32 whatever it is given."""

    def forward(self, x: Tensor) -> Tensor:
        return x @ torch.ones(x.shape[1], 8, dtype=torch.float32)


def critic(*layers: nn.Module, features: int = 8) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Linear(features, 1), nn.Flatten(0)).float()


def silent(critic: nn.Sequential) -> nn.Sequential:
    for weight in critic[-2].parameters():
        nn.init.zeros_(weight)
    return critic


ALONE = {
    "linear": critic(nn.Linear(2, 8)),
    "layer norm": critic(nn.Linear(2, 8), nn.LayerNorm(8)),
    "maxout in packs": PacGAN(pack=2).build((2,), 4).discriminator,
}
NOT_ALONE = {
    "batch norm": critic(nn.Linear(2, 8), nn.BatchNorm1d(8)),
    "batch norm that keeps nothing": critic(nn.Linear(2, 8), nn.BatchNorm1d(8, track_running_stats=False)),
    "spectral norm": critic(nn.utils.parametrizations.spectral_norm(nn.Linear(2, 8))),
    "the spread of a batch": critic(nn.Linear(2, 7), Spread()),
    "a layer that is zero at first": critic(nn.Linear(2, 8), Gate(nn.BatchNorm1d(8, track_running_stats=False))),
    "outputs that are zero at first": silent(critic(nn.Linear(2, 7), Spread())),
    "a count of calls": critic(nn.Linear(2, 8), Counting()),
    "a count of calls in a buffer": critic(nn.Linear(2, 8), CountingInBuffer()),
    "the spread of a batch, faintly": critic(nn.Linear(2, 8), Faint()),
    "a type of its own": critic(InFloat32()),
    "a size of its own": critic(nn.Linear(2, 8), nn.Unflatten(0, (1, 6)), nn.Flatten(0, 1)),
}


@pytest.mark.parametrize(
    ("discriminator", "expected"),
    [(each, True) for each in ALONE.values()] + [(each, False) for each in NOT_ALONE.values()],
    ids=[*ALONE, *NOT_ALONE],
)
def test_a_discriminator_that_judges_each_sample_alone_is_told_and_left_as_it_is(
    discriminator: nn.Module, expected: bool
) -> None:
    before = copy.deepcopy(discriminator.state_dict())
    real, fake = torch.rand(6, 2, dtype=torch.float32), torch.randn(6, 2, dtype=torch.float32)
    assert judges_each_alone(discriminator, real, fake) is expected
    for name, value in discriminator.state_dict().items():
        assert value.dtype == before[name].dtype
        assert torch.equal(value, before[name])


class Normed(Architecture):
    """Batch norm in the discriminator."""

    kinds = ("vector",)

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(nn.Linear(latent_dim, shape[0]), critic(nn.Linear(shape[0], 8), nn.BatchNorm1d(8)).double())


def test_such_a_discriminator_is_called_once_for_real_and_fake_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    call = Stacked.__call__

    def noted(self: Stacked, x: Tensor, **options: bool) -> Tensor:
        sizes.append(x.shape[1])
        return call(self, x, **options)

    monkeypatch.setattr(Stacked, "__call__", noted)
    chosen = recipe()
    for architecture, expected in ((MLP(hidden=4), [8, 16]), (Normed(), [8, 8, 8])):
        sizes.clear()
        with BatchedModel(members(chosen, lambda: objective(Vanilla()), architecture), chosen) as model:
            discriminator_updates(model)
        assert sizes == expected
