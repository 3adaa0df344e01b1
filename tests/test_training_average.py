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
    average = Average(generator, 0.9, 0)
    for step, (weight, expected) in enumerate([(2.0, 1.1), (3.0, 1.29), (3.0, 1.461)], start=1):
        fill(generator, weight)
        average.update(generator, step)
        assert value_of(average) == pytest.approx(expected)


def test_before_the_start_the_weights_are_copied() -> None:
    generator = constant(1.0)
    average = Average(generator, 0.9, 2)
    for step, (weight, expected) in enumerate([(5.0, 5.0), (7.0, 7.0), (8.0, 7.1), (8.0, 7.19)], start=1):
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
