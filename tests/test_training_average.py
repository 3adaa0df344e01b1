"""The moving average of the generator's weights, by hand."""

import pytest
import torch
from torch import nn

from ganbench.training.average import Average


def constant(value: float) -> nn.Linear:
    layer = nn.Linear(2, 1)
    fill(layer, value)
    return layer


def fill(layer: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.fill_(value)


def value_of(average: Average) -> float:
    values = torch.cat([parameter.flatten() for parameter in average.module.parameters()])
    assert values.max() == values.min()
    return values[0].item()


def test_the_formula() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.25, 0)
    # The decay is 2/11, 1/4 (of 3/12, the same), then 1/4 (not 4/13).
    expected = 1.0
    for step, (weight, decay) in enumerate([(2.0, 2 / 11), (3.0, 0.25), (5.0, 0.25)], start=1):
        fill(generator, weight)
        average.update(generator, step)
        expected = decay * expected + (1 - decay) * weight
        assert value_of(average) == pytest.approx(expected)


def test_nothing_is_left_of_the_first_weights() -> None:
    """With a constant decay of 0.999 it were 61 % after 500 steps, and 13.5 % after 2,000."""
    generator = constant(1.0)
    average = Average(generator, 0.999, 0)
    fill(generator, 0.0)
    for step in range(1, 501):
        average.update(generator, step)
    assert value_of(average) < 1e-12


def test_in_the_end_the_decay_is_what_was_asked_for() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.999, 0)
    average.update(generator, 8990)
    fill(generator, 0.0)
    average.update(generator, 8991)
    assert value_of(average) == pytest.approx(0.999, abs=1e-6)


def test_before_the_start_the_weights_are_copied() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.1, 2)
    for step, (weight, expected) in enumerate([(5.0, 5.0), (7.0, 7.0), (8.0, 7.9), (8.0, 7.99)], start=1):
        fill(generator, weight)
        average.update(generator, step)
        assert value_of(average) == pytest.approx(expected)


def test_the_average_is_a_copy_that_nobody_trains() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.9, 0)
    fill(generator, 9.0)
    assert value_of(average) == 1.0
    assert not any(parameter.requires_grad for parameter in average.module.parameters())
    assert all(parameter.requires_grad for parameter in generator.parameters())


def test_buffers_are_copied_not_averaged() -> None:
    generator = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    average = Average(generator, 0.9, 0)
    generator(torch.tensor([[0.0, 1.0], [4.0, 9.0], [1.0, 1.0]]))
    average.update(generator, 1)
    mine, theirs = dict(average.module.named_buffers()), dict(generator.named_buffers())
    assert mine["1.num_batches_tracked"].item() == 1
    for name, buffer in theirs.items():
        assert torch.equal(mine[name], buffer)
        assert mine[name].data_ptr() != buffer.data_ptr()


def test_updating_keeps_no_graph() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.9, 0)
    average.update(generator, 1)
    assert all(parameter.grad_fn is None for parameter in average.module.parameters())
