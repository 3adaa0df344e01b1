"""Real batches: shuffled epochs, the range the networks see, and taking up again in the middle."""

import pytest
import torch
from torch import Tensor

from ganbench.training.batches import Batches, to_network_range


def numbers(n: int) -> Tensor:
    return torch.arange(n, dtype=torch.float32).unsqueeze(1)


def batches(n: int, size: int, seed: int = 0) -> Batches:
    return Batches(numbers(n), size, torch.Generator().manual_seed(seed))


def take(stream: Batches, count: int) -> list[list[int]]:
    return [stream.next()[:, 0].int().tolist() for _ in range(count)]


@pytest.mark.parametrize(("n", "size"), [(10, 3), (12, 4), (5, 5), (7, 1), (9, 5)])
def test_an_epoch_shows_no_sample_twice(n: int, size: int) -> None:
    stream = batches(n, size)
    orders = []
    for _ in range(4):
        seen = [number for batch in take(stream, n // size) for number in batch]
        assert len(set(seen)) == len(seen) == n // size * size
        assert set(seen) <= set(range(n))
        orders.append(seen)
    assert orders[0] != orders[1]


def test_what_an_epoch_leaves_out_changes() -> None:
    stream = batches(10, 9)
    left_out = {(set(range(10)) - set(batch)).pop() for batch in take(stream, 60)}
    assert len(left_out) == 10


def test_the_order_is_a_function_of_the_stream() -> None:
    assert take(batches(50, 7), 20) == take(batches(50, 7), 20)
    assert take(batches(50, 7), 20) != take(batches(50, 7, seed=1), 20)


def test_drawing_elsewhere_does_not_change_the_order() -> None:
    plain = take(batches(50, 7), 20)
    disturbed = batches(50, 7)
    found = []
    for _ in range(20):
        torch.rand(3)
        found += take(disturbed, 1)
    assert found == plain


def test_levels_become_the_range_the_networks_see() -> None:
    levels = to_network_range(torch.arange(256, dtype=torch.uint8))
    assert levels.dtype == torch.float32
    assert (levels[0].item(), levels[255].item()) == (-1.0, 1.0)
    assert levels[51].item() == pytest.approx(-0.6)
    assert torch.equal(levels.add(1).mul(127.5).round().to(torch.uint8), torch.arange(256, dtype=torch.uint8))


def test_vectors_stay_as_they_are() -> None:
    points = torch.tensor([[3.0, -7.5]])
    assert torch.equal(to_network_range(points), points)


def test_the_data_are_not_changed() -> None:
    data = torch.randint(0, 256, (6, 1, 2, 2), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    before = data.clone()
    stream = Batches(data, 6, torch.Generator().manual_seed(0))
    batch = stream.next()
    batch.zero_()
    assert torch.equal(data, before)
    points = numbers(6)
    Batches(points, 6, torch.Generator().manual_seed(0)).next().zero_()
    assert torch.equal(points, numbers(6))


@pytest.mark.parametrize("taken", [0, 1, 3, 4, 7])
def test_going_on_gives_the_same_batches(taken: int) -> None:
    rng = torch.Generator().manual_seed(0)
    stream = Batches(numbers(10), 3, rng)
    take(stream, taken)
    position, noise = stream.state_dict(), rng.get_state()
    expected = take(stream, 10)

    other = torch.Generator().manual_seed(99)
    again = Batches(numbers(10), 3, other)
    take(again, 2)
    other.set_state(noise)
    again.load_state_dict(position)
    assert take(again, 10) == expected
