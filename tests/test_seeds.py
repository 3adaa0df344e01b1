"""Random streams: one per use, each a function of the trial's seed and its name, none disturbing another."""

import inspect

import torch

from ganbench import seeds

STREAMS = {name: value for name, value in inspect.getmembers(seeds) if name.isupper() and isinstance(value, str)}


def test_a_stream_is_the_hash_of_seed_and_name() -> None:
    # printf 0/weights | sha256sum | cut -c1-16, halved
    assert seeds.stream_seed(0, "weights") == 133441691874178746
    assert seeds.stream_seed(7, "noise") == 5594294352030921857


def test_every_use_and_every_seed_has_a_stream_of_its_own() -> None:
    assert len(STREAMS) >= 8
    found = {seeds.stream_seed(seed, name) for seed in range(200) for name in STREAMS.values()}
    assert len(found) == 200 * len(STREAMS)
    assert all(0 <= each < 2**63 for each in found)


def test_a_stream_begins_anew_each_time() -> None:
    first, again = seeds.stream(3, seeds.NOISE), seeds.stream(3, seeds.NOISE)
    assert torch.equal(torch.randn(5, generator=first), torch.randn(5, generator=again))
    assert not torch.equal(torch.randn(5, generator=first), torch.randn(5, generator=seeds.stream(3, seeds.DATA)))


def test_drawing_from_one_stream_leaves_the_others_and_torch_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    noise, data = seeds.stream(0, seeds.NOISE), seeds.stream(0, seeds.DATA)
    state = data.get_state()
    torch.randn(1000, generator=noise)
    assert torch.equal(data.get_state(), state)
    assert torch.equal(torch.get_rng_state(), before)
