"""Penalties on the generator, on generators whose samples and slopes are known."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import GeneratorPenalty
from ganbench.architectures.resnet import ResNet
from ganbench.architectures.sagan import SAGAN
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.path_length import PathLength
from tests.critics import D, draw, rng


class Function:
    """A function of latent points (N, L) to samples (N, ...) as a generator, with weights that it may not use."""

    def __init__(self, function: Callable[[Tensor], Tensor], **weights: Tensor) -> None:
        self.function = function
        self.weights = weights

    def __call__(self, z: Tensor) -> Tensor:
        return self.function(z)

    def parameters(self) -> Iterator[Tensor]:
        return iter(self.weights.values())

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return iter(self.weights.items())


def value(penalty: GeneratorPenalty, generator: Any, z: Tensor, seed: int = 0) -> Tensor:
    found = penalty(generator, z, generator(z), rng(seed))
    assert found.shape == ()
    return found


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("shape", [(3,), (1, 4, 5)])
def test_samples_as_far_apart_as_their_points_cost_what_a_stretch_says(n: int, shape: tuple[int, ...]) -> None:
    """G(z) = 4·z, spread over samples of as many dimensions: the quotient is 4."""
    generator = Function(lambda z: (4 * z).view(n, *shape))
    found = value(ModeSeeking(lambda_ms=3.0), generator, draw(n, math.prod(shape)))
    assert found.item() == pytest.approx(3 / (4 + 1e-5))


def test_the_quotient_is_of_the_means_over_all_pairs() -> None:
    """By hand: pairs (0, 2), (1, 3) and back, latent distances 2 and 4, samples' distances 1 and 7."""
    z = torch.tensor([[0.0], [0.0], [2.0], [4.0]], dtype=D)
    samples = torch.tensor([[0.0, 1.0], [0.0, 0.0], [1.0, 2.0], [7.0, 7.0]], dtype=D)
    generator = Function(lambda x: samples if torch.equal(x, z) else samples.roll(2, dims=0))
    assert value(ModeSeeking(), generator, z).item() == pytest.approx(1 / ((1 + 7) / 2 / ((2 + 4) / 2) + 1e-5))


def test_one_generator_for_all_points_costs_much_and_not_infinitely_much() -> None:
    assert value(ModeSeeking(), Function(torch.zeros_like), draw(6, 3)).item() == pytest.approx(1e5)


def test_the_second_of_a_pair_is_made_in_the_place_of_the_first() -> None:
    """As a conditional generator has it, whose i-th point has the i-th label: no pair is of two classes."""
    labels = torch.tensor([0.0, 100.0, 200.0, 300.0], dtype=D)[:, None]
    generator = Function(lambda z: z + labels)
    assert value(ModeSeeking(), generator, draw(4, 1)).item() == pytest.approx(1 / (1 + 1e-5))


def test_a_single_sample_has_no_pair() -> None:
    with pytest.raises(ValueError, match=r"^mode seeking compares two samples, so that a batch must have 2 or more$"):
        value(ModeSeeking(), Function(torch.tanh), draw(1, 3))


def test_a_linear_generator_has_paths_of_the_length_of_its_projected_noise() -> None:
    """G(z) = W·z: J = W everywhere, so ||J^T y|| = ||W^T y|| with the noise that the stream gives."""
    matrix, z, penalty = draw(2, 3, seed=3), draw(5, 3), PathLength(gamma_pl=0.5, decay=0.25)
    found = value(penalty, Function(lambda x: x @ matrix.T), z, seed=4)
    lengths = (torch.randn(5, 2, generator=rng(4), dtype=D) @ matrix).norm(dim=1)
    mean = 0.25 * lengths.mean()
    assert found.item() == pytest.approx((0.5 * (lengths - mean).square().mean()).item())
    assert penalty.state_dict()["mean"].item() == pytest.approx(mean.item())


@pytest.mark.parametrize(("shape", "pixels"), [((3, 4, 5), 20), ((1, 8, 8), 64), ((7,), 1)])
def test_the_noise_is_smaller_where_there_are_more_pixels(shape: tuple[int, ...], pixels: int) -> None:
    """Of images, not of points; channels do not count."""
    z, penalty = draw(4000, math.prod(shape)), PathLength(decay=1.0)
    value(penalty, Function(lambda x: x.view(-1, *shape)), z)
    # ||y||, which has as many dimensions as there are values in a sample, each of variance 1 / pixels.
    assert penalty.state_dict()["mean"].item() == pytest.approx(math.sqrt(math.prod(shape) / pixels), rel=0.06)


def test_the_mean_moves_on_from_where_it_was_and_survives_a_checkpoint() -> None:
    z, generator, penalty = draw(6, 3), Function(lambda x: x * x), PathLength(decay=0.5)
    value(penalty, generator, z)
    first = penalty.state_dict()["mean"].item()
    resumed = PathLength(decay=0.5)
    resumed.load_state_dict(penalty.state_dict())
    assert value(resumed, generator, z, seed=1).item() == value(penalty, generator, z, seed=1).item()
    assert penalty.state_dict()["mean"].item() != first
    assert not penalty.state_dict()["mean"].requires_grad


def test_latent_points_stay_without_gradients() -> None:
    z = draw(4, 3)
    value(PathLength(), Function(torch.tanh), z)
    assert not z.requires_grad


def test_rows_at_right_angles_cost_nothing_whatever_their_lengths() -> None:
    rows = torch.tensor([[3.0, 4.0], [8.0, -6.0]], dtype=D)
    assert value(Orthogonal(), Function(torch.tanh, weight=rows), draw(2, 3)).item() == 0


def test_all_weights_of_two_dimensions_count_by_their_first() -> None:
    """Rows with products 2 and 5, each twice in W W^T; a vector counts nothing."""
    matrix = torch.tensor([[1.0, 1.0], [1.0, 1.0]], dtype=D)
    kernel = torch.tensor([[[[1.0], [2.0]]], [[[1.0], [2.0]]]], dtype=D)
    bias = torch.full((2,), 9.0, dtype=D)
    generator = Function(torch.tanh, weight_of_matrix=matrix, weight_of_bias=bias, weight_of_kernel=kernel)
    found = value(Orthogonal(beta=0.1), generator, draw(2, 3))
    assert found.item() == pytest.approx(0.1 * (2 * 2.0**2 + 2 * 5.0**2))


@pytest.mark.parametrize("architecture", [ResNet, SAGAN])
def test_the_scales_of_classes_may_be_alike(architecture: Any) -> None:
    """As they are at first: ones for each class, which would cost a thousand times as much as all weights."""
    generators = [
        architecture(width=8, condition=condition).networks((1, 16, 16), 8, 10).generator
        for condition in ("none", "projection")
    ]
    plain, conditional = (Orthogonal()(one, draw(2, 8), draw(2, 8), rng(0)).item() for one in generators)
    assert conditional == pytest.approx(plain, rel=0.5)


def test_its_gradient_is_twice_what_the_authors_add() -> None:
    weight = draw(4, 6).requires_grad_()
    value(Orthogonal(beta=0.5), Function(torch.tanh, weight=weight), draw(2, 3)).backward()
    w = weight.detach()
    assert weight.grad is not None
    torch.testing.assert_close(weight.grad, 0.5 * 2 * (2 * (w @ w.T * (1 - torch.eye(4, dtype=D))) @ w))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ModeSeeking(lambda_ms=-1), "lambda_ms=-1 must not be negative"),
        (lambda: PathLength(gamma_pl=-0.5), "gamma_pl=-0.5 must not be negative"),
        (lambda: PathLength(decay=0), "decay=0 must be above 0 and at most 1"),
        (lambda: PathLength(decay=1.5), "decay=1.5 must be above 0 and at most 1"),
        (lambda: Orthogonal(beta=-1), "beta=-1 must not be negative"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(make: Callable[[], object], words: str) -> None:
    with pytest.raises(ValueError, match=f"^{words}$"):
        make()


@pytest.mark.parametrize("penalty", [ModeSeeking(), PathLength(), Orthogonal()])
def test_the_generator_learns_from_them(penalty: GeneratorPenalty) -> None:
    network = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2)).to(D)
    value(penalty, network, draw(6, 3)).backward()
    slopes = [weight.grad for weight in network.parameters() if weight.grad is not None]
    assert len(slopes) >= 2
    assert all(bool((slope != 0).any()) for slope in slopes[:1])
