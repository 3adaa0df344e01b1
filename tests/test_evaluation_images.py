"""The one conversion to uint8."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import UsageError
from ganbench.evaluation.images import NonFiniteSamples, match_channels, require_finite, to_uint8

values = st.floats(-4, 4, width=32)


def pixel(value: float) -> int:
    return int(to_uint8(torch.tensor([[value]])).item())


def test_every_level_survives_the_round_trip() -> None:
    levels = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1)
    assert torch.equal(to_uint8(levels.float() / 127.5 - 1), levels)


def test_ends_and_clamping() -> None:
    assert [pixel(value) for value in (-1.0, 1.0, -7.0, 7.0)] == [0, 255, 0, 255]


@given(values, values)
def test_monotone(first: float, second: float) -> None:
    low, high = sorted((first, second))
    assert pixel(low) <= pixel(high)


@given(values)
def test_never_further_than_half_a_level(value: float) -> None:
    assert abs(pixel(value) - (min(1, max(-1, value)) + 1) * 127.5) <= 0.5 + 1e-4


@given(values)
def test_idempotent(value: float) -> None:
    once = pixel(value)
    assert pixel(once / 127.5 - 1) == once


def test_half_precision_is_rounded_in_full_precision() -> None:
    images = torch.linspace(-1, 1, 1001).view(-1, 1, 1, 1).bfloat16()
    assert torch.equal(to_uint8(images), to_uint8(images.float()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_non_finite_samples_are_counted_and_refused(bad: float) -> None:
    images = torch.zeros(5, 1, 4, 4)
    images[1, 0, 2, 3] = images[4, 0, 0, 0] = bad
    with pytest.raises(NonFiniteSamples, match="2 of 5 generated samples are not finite"):
        to_uint8(images)
    with pytest.raises(NonFiniteSamples):
        require_finite(images[4, 0, 0, 0].view(1, 1))


def test_channels() -> None:
    grey, colour = torch.rand(2, 1, 4, 4), torch.rand(2, 3, 4, 4)
    assert match_channels(colour, 3) is colour
    assert torch.equal(match_channels(grey, 3), grey.repeat(1, 3, 1, 1))
    with pytest.raises(UsageError, match="takes 1-channel images, but the samples have 3"):
        match_channels(colour, 1)
