"""A history of earlier fakes, followed by hand."""

import pytest
import torch
from torch import Tensor

from ganbench.training.replay import Replay


def fakes(start: int, n: int = 4) -> Tensor:
    return torch.arange(start, start + n, dtype=torch.float32).unsqueeze(1)


def values(batch: Tensor) -> list[int]:
    return batch[:, 0].int().tolist()


def replay(size: int, share: float, seed: int = 0, pack: int = 1) -> Replay:
    return Replay(size, share, torch.Generator().manual_seed(seed), pack)


def kept(history: Replay) -> list[int]:
    return values(history.state_dict()["kept"])


def test_the_history_fills_with_the_first_part_of_each_batch() -> None:
    history = replay(4, 0.5)
    assert values(history.mix(fakes(0))) == [0, 1, 2, 3]
    assert kept(history) == [0, 1]
    assert values(history.mix(fakes(4))) == [4, 5, 6, 7]
    assert kept(history) == [0, 1, 4, 5]


@pytest.mark.parametrize(("share", "batch", "drawn"), [(0.29, 100, 29), (0.3, 5, 2), (0.1, 4, 0)])
def test_a_share_is_of_whole_fakes_as_many_as_are_nearest_to_it(share: float, batch: int, drawn: int) -> None:
    """0.29 of 100 is a little less than 29 to a computer."""
    history = replay(50, share)
    for start in range(0, 100 * batch, batch):
        mixed = values(history.mix(fakes(start, batch)))
    assert sum(value < start for value in mixed) == drawn


def test_a_full_history_replaces_the_last_part_of_a_batch_and_takes_in_the_first() -> None:
    history = replay(4, 0.5)
    history.mix(fakes(0))
    history.mix(fakes(4))
    mixed = values(history.mix(fakes(8)))
    assert mixed[:2] == [8, 9]
    old = set(mixed[2:])
    assert len(old) == 2
    assert old < {0, 1, 4, 5}
    assert set(kept(history)) == ({0, 1, 4, 5} - old) | {8, 9}


def test_everything_kept_is_an_earlier_fake_and_the_size_holds() -> None:
    history = replay(7, 0.25)
    for start in range(0, 400, 8):
        batch = history.mix(fakes(start, 8))
        assert len(batch) == 8
        assert set(values(batch)[:6]) == set(range(start, start + 6))
        assert len(kept(history)) <= 7
        assert all(number < start + 8 for number in kept(history))
    assert len(set(kept(history))) == 7


def test_old_fakes_do_come_back() -> None:
    history = replay(50, 0.5)
    ages = []
    for start in range(0, 4000, 10):
        batch = values(history.mix(fakes(start, 10)))
        ages += [start - number for number in batch if number < start]
    assert len(ages) > 1500
    # One in ten of 50 leaves at each step: the mean age is about ten steps of ten.
    assert 60 < sum(ages) / len(ages) < 160


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_a_share_of_less_than_half_a_sample_is_none(share: float) -> None:
    history = replay(4, share)
    for start in range(0, 40, 4):
        assert values(history.mix(fakes(start))) == list(range(start, start + 4))
    assert history.state_dict()["kept"] is None


def test_a_history_smaller_than_the_share() -> None:
    history = replay(1, 1.0)
    assert values(history.mix(fakes(0))) == [0, 1, 2, 3]
    assert values(history.mix(fakes(4))) == [4, 5, 6, 0]
    assert values(history.mix(fakes(8))) == [8, 9, 10, 4]


def test_a_share_of_all() -> None:
    history = replay(4, 1.0)
    history.mix(fakes(0))
    assert sorted(values(history.mix(fakes(4)))) == [0, 1, 2, 3]
    assert sorted(kept(history)) == [4, 5, 6, 7]


def test_groups_are_kept_and_drawn_whole() -> None:
    """Three groups of two in a batch, of which a third is drawn; four groups are kept."""
    history = replay(4, 1 / 3, pack=2)
    made, drawn = [], []
    for start in range(0, 240, 6):
        batch = values(history.mix(fakes(start, 6)))
        made += [(first, first + 1) for first in range(start, start + 6, 2)]
        groups = list(zip(batch[::2], batch[1::2], strict=True))
        assert set(groups) <= set(made)
        assert groups[:2] == made[-3:-1]
        drawn += [group for group in groups if group[0] < start]
        kept_groups = list(zip(kept(history)[::2], kept(history)[1::2], strict=True))
        assert set(kept_groups) <= set(made)
        assert not set(kept_groups) & set(drawn)
    assert len(kept_groups) == 4
    assert len(drawn) == len(set(drawn)) == 40 - 4


def test_a_history_of_groups_goes_on_from_a_checkpoint() -> None:
    history = replay(2, 1.0, pack=2)
    history.mix(fakes(0))
    again = replay(2, 1.0, pack=2)
    again.load_state_dict(history.state_dict())
    assert values(again.mix(fakes(4))) in ([0, 1, 2, 3], [2, 3, 0, 1])
    assert values(again.mix(fakes(8))) in ([4, 5, 6, 7], [6, 7, 4, 5])


def test_what_is_kept_is_a_copy_without_gradient() -> None:
    history = replay(2, 0.5)
    batch = fakes(0).requires_grad_()
    history.mix(batch * 1.0)
    again = fakes(4)
    history.mix(again)
    again.fill_(-1)
    assert not history.state_dict()["kept"].requires_grad
    assert kept(history) == [4, 5]


def test_going_on_gives_the_same_batches() -> None:
    rng = torch.Generator().manual_seed(0)
    history = Replay(6, 0.5, rng)
    for start in range(0, 40, 4):
        history.mix(fakes(start))
    state, noise = history.state_dict()["kept"].clone(), rng.get_state()
    expected = [values(history.mix(fakes(start))) for start in range(40, 80, 4)]

    other = torch.Generator()
    again = Replay(6, 0.5, other)
    again.load_state_dict({"kept": state})
    other.set_state(noise)
    assert [values(again.mix(fakes(start))) for start in range(40, 80, 4)] == expected


@pytest.mark.parametrize("size", [4, 6], ids=["full", "not yet full"])
def test_going_on_elsewhere_than_on_the_cpu(size: int) -> None:
    """The meta device stands for a GPU: it, too, refuses to mix with a tensor that a checkpoint left on the CPU."""
    history = replay(size, 0.5)
    history.load_state_dict({"kept": fakes(0)})
    assert history.mix(fakes(4).to("meta")).device.type == "meta"
    assert history.state_dict()["kept"].device.type == "meta"
