"""Streams such as a trial hands out: by their seed, and on a device."""

import torch

from ganbench.testing.trial_streams import stream


def test_a_stream_goes_by_its_seed() -> None:
    first, again, other = (torch.rand(4, generator=stream(seed)) for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_where_nothing_is_drawn_the_stream_is_the_cpus() -> None:
    assert stream(device="meta").device == stream().device == torch.device("cpu")
