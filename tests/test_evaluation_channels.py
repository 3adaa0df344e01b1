"""Grey and colour: the conversions are PIL's, and what cannot be converted is one line."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganbench.errors import DataError
from ganbench.evaluation.channels import (
    recolourable,
    require_channels,
    unlike,
    with_channels,
    with_channels_in_range,
)
from ganbench.evaluation.images import NonFiniteSamples, to_uint8

COLOUR = torch.randint(0, 256, (40, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_grey_is_pils_and_colour_is_grey_three_times() -> None:
    grey = with_channels(COLOUR, 1)
    for image, found in zip(COLOUR, grey, strict=True):
        expected = np.asarray(Image.fromarray(image.permute(1, 2, 0).numpy()).convert("L"))
        assert np.array_equal(found[0].numpy(), expected)
    again = with_channels(grey, 3)
    assert again.shape == COLOUR.shape
    assert torch.equal(again, grey.expand_as(COLOUR))
    assert with_channels(COLOUR, 3) is COLOUR
    assert torch.equal(with_channels(again, 1), grey)


def test_what_a_generator_makes_is_converted_as_its_levels() -> None:
    made = COLOUR.float() / 127.5 - 1
    assert torch.equal(to_uint8(with_channels_in_range(made, 1)), with_channels(COLOUR, 1))
    assert torch.equal(to_uint8(with_channels_in_range(made[:, :1], 3)), with_channels(COLOUR[:, :1], 3))
    assert with_channels_in_range(made, 3) is made
    made[3, 0, 0, 0] = torch.nan
    with pytest.raises(NonFiniteSamples, match="1 of 40"):
        with_channels_in_range(made, 1)


def test_the_hint_is_given_where_channels_alone_differ() -> None:
    assert recolourable((1, 16, 16), (3, 16, 16))
    assert not recolourable((1, 16, 16), (3, 32, 32))
    assert not recolourable((2, 16, 16), (3, 16, 16))
    assert unlike((1, 8, 8), (3, 8, 8)) == "1x8x8, but the reference has 3x8x8; make them colour with --channels 3"
    assert unlike((3, 8, 8), (1, 8, 8)).endswith("; make them grey with --channels 1")
    assert unlike((3, 8, 8), (3, 9, 9)) == "3x8x8, but the reference has 3x9x9"


def test_the_reference_is_not_changed() -> None:
    require_channels(0, (2,))
    require_channels(3, (3, 8, 8))
    with pytest.raises(DataError, match="the reference contains points of 2 numbers"):
        require_channels(1, (2,))
    with pytest.raises(DataError, match=r"--channels 1: the reference's images have 3.*\[channels=grey\]"):
        require_channels(1, (3, 8, 8))
