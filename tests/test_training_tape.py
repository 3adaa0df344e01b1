"""What a tape notes is done again to the last bit, and what it cannot see is refused."""

import copy
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, one_hot

from ganbench.training.tape import capture_on_cpu

Make = Callable[[], tuple[Callable[[], Tensor], list[Tensor]]]
"""Makes work that goes on from where it has led, and the tensors that it changes."""


def follows(make: Make, times: int = 3) -> None:
    """Assert that a replay goes on as the work does that was noted."""
    (plain, expected), (noted, found) = make(), make()
    torch.manual_seed(1)
    for _ in range(times + 1):
        plain()
    torch.manual_seed(1)
    again = capture_on_cpu(noted, [])
    for _ in range(times):
        again()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def training(network: nn.Module, optimise: Callable[..., torch.optim.Optimizer], *shape: int) -> Make:
    """Work that trains a copy of a network on noise."""
    state = {name: value.clone() for name, value in network.state_dict().items()}

    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        torch.manual_seed(0)
        own = copy.deepcopy(network)
        own.load_state_dict(state)
        optimiser = optimise(own.parameters())
        losses = torch.zeros(())

        def work() -> Tensor:
            optimiser.zero_grad(set_to_none=True)
            loss = own(torch.randn(6, *shape)).square().mean()
            loss.backward()
            optimiser.step()
            return losses.copy_(loss.detach())

        work()  # so that an optimiser has all that it remembers
        return work, [*own.state_dict().values(), losses]

    return make


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "layers": (lambda: nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1)), (4,)),
    "batch norm": (lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 1)), (4,)),
    "spectral norm": (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 8)), (4,)),
    "the old spectral norm": (lambda: nn.utils.spectral_norm(nn.Linear(4, 8)), (4,)),
    "convolutions": (lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.ConvTranspose2d(4, 1, 2)), (2, 6, 6)),
    "attention": (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True), (5, 8)),
    "a recurrent one": (lambda: First(nn.GRU(4, 3, batch_first=True)), (5, 4)),
}


class First(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x)[0]
        return found


@pytest.mark.parametrize(("build", "shape"), NETWORKS.values(), ids=NETWORKS.keys())
def test_networks_train_on_as_they_do(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    follows(training(build(), lambda weights: torch.optim.Adam(weights, fused=True), *shape))


@pytest.mark.parametrize(
    "optimise",
    [
        lambda weights: torch.optim.Adam(weights, lr=torch.tensor(0.01, dtype=torch.float64), fused=True),
        lambda weights: torch.optim.RMSprop(weights, foreach=True),
        lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, fused=True),
    ],
    ids=["Adam with a rate that can change", "RMSprop", "SGD"],
)
def test_optimisers_go_on_as_they_do(optimise: Any) -> None:
    torch.manual_seed(0)
    follows(training(nn.Linear(4, 2), optimise, 4))


def test_second_derivatives_and_generators_of_ones_own() -> None:
    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        weight, rng = torch.full((3, 3), 0.5, requires_grad=True), torch.Generator().manual_seed(3)
        found = torch.zeros(3, 3)

        def work() -> Tensor:
            x = torch.rand(2, 3, generator=rng).requires_grad_()
            (slope,) = torch.autograd.grad(linear(x, weight).tanh().sum(), x, create_graph=True)
            (of_weight,) = torch.autograd.grad(slope.square().sum(), weight)
            return found.add_(of_weight)

        return work, [found]

    follows(make)


def test_bfloat16() -> None:
    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        torch.manual_seed(0)
        layer, found = nn.Linear(8, 8), torch.zeros(4, 8)

        def work() -> Tensor:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                y = layer(layer(torch.randn(4, 8)))
            y.float().square().mean().backward()
            assert layer.weight.grad is not None
            with torch.no_grad():
                layer.weight -= 0.1 * layer.weight.grad
            layer.zero_grad(set_to_none=True)
            return found.copy_(y.detach())

        return work, [layer.weight, found]

    follows(make)


def test_parts_views_and_changes_in_place() -> None:
    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        held, pairs = torch.arange(12.0).view(3, 4), torch.arange(6.0)

        def work() -> Tensor:
            first, *_ = held.t().contiguous().split(2)
            low, high = torch.aminmax(held, dim=1)
            held[1].add_(first.sum() + low.sum() - high.sum())
            torch.mul(pairs, 0.5, out=pairs)
            pairs[::2].copy_(torch.cat([held[0, :2], torch.tensor([3.0])]))
            halved: Tensor = held.view(-1).mul_(0.5)
            return halved

        return work, [held, pairs]

    follows(make)


def test_one_hot_vectors_of_given_classes() -> None:
    labels = torch.tensor([[2, 0], [1, 1]])

    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        own, found = labels.clone(), torch.zeros(2, 2, 3, dtype=torch.int64)

        def work() -> Tensor:
            own.add_(1).remainder_(3)
            turned = one_hot(own.t(), num_classes=3).view(2, 6).view(2, 2, 3)
            return found.add_(one_hot(own, 3)).add_(turned)

        return work, [own, found]

    follows(make)
    with pytest.raises(RuntimeError, match="a number is read from a tensor"):
        capture_on_cpu(lambda: one_hot(labels), [])


def test_the_graph_of_the_noted_work_is_given_back() -> None:
    layer, seen = nn.Linear(4, 4), []

    def work() -> Tensor:
        y = layer(torch.randn(2, 4))
        seen.append(weakref.ref(y))
        y.sum().backward()
        layer.zero_grad(set_to_none=True)
        losses: Tensor = y.detach()
        return losses

    again = capture_on_cpu(work, [])
    gc.collect()
    assert seen[0]() is None
    assert again() is None
    assert layer.weight.grad is None


MEAN = [torch.zeros(())]


def reads_a_number() -> Tensor:
    x = torch.randn(3)
    return x * x.sum().item()


def asks_whether() -> Tensor:
    x = torch.randn(3)
    return x if x.sum() > 0 else -x


def counts_what_is_large() -> Tensor:
    return torch.randn(9).nonzero().sum()


def takes_what_is_large() -> Tensor:
    x = torch.randn(9)
    return x[x > 0]


def replaces_what_it_reads() -> Tensor:
    MEAN[0] = 0.9 * MEAN[0] + torch.randn(())
    return torch.zeros(())


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        (reads_a_number, "a number is read from a tensor"),
        (asks_whether, "a number is read from a tensor"),
        (counts_what_is_large, "a shape depends on the numbers"),
        (takes_what_is_large, "a shape depends on the numbers"),
        (replaces_what_it_reads, "in whose place another one is put"),
    ],
)
def test_what_a_replay_would_not_repeat_is_refused(work: Callable[[], Tensor], reason: str) -> None:
    with pytest.raises(RuntimeError, match=reason):
        capture_on_cpu(work, [])


def test_what_changes_by_mask_or_by_number_is_not() -> None:
    def make() -> tuple[Callable[[], Tensor], list[Tensor]]:
        x = torch.zeros(5)

        def work() -> Tensor:
            noise = torch.randn(5)
            x[noise > 0] = 2.0
            return x.add_(noise[torch.randperm(5)])

        return work, [x]

    follows(make)


def test_an_error_of_the_work_comes_through() -> None:
    def fails() -> Tensor:
        raise ValueError("of its own")

    with pytest.raises(ValueError, match="of its own"):
        capture_on_cpu(fails, [])
    assert torch.utils._python_dispatch._get_current_dispatch_mode() is None
