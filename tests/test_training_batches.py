"""Real batches: shuffled epochs, the range the networks see, and taking up again in the middle."""

import pytest
import torch
from torch import Tensor

from ganbench.training.batches import Batches, Mirror, to_network_range


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


def test_several_batches_come_as_one_with_their_labels() -> None:
    labels = torch.arange(10) * 100
    apart, together = (Batches(numbers(10), 3, torch.Generator().manual_seed(0), labels) for _ in range(2))
    expected = [number for batch in take(apart, 4) for number in batch]
    assert together.next(4)[:, 0].int().tolist() == expected
    assert together.labels is not None
    assert together.labels.tolist() == [100 * number for number in expected]
    assert take(apart, 1) == take(together, 1)


def test_several_batches_are_taken_from_those_that_were_staged() -> None:
    plain, staged = batches(10, 3), batches(10, 3)
    for _ in range(3):
        staged.indices.stage(3)
        position = staged.state_dict()["position"]
        first = staged.next()
        assert torch.equal(first, plain.next())
        staged.indices.rewind()
        assert torch.equal(staged.next(), first)
        assert torch.equal(staged.next(2), plain.next(2))
        assert position == staged.state_dict()["position"] == plain.state_dict()["position"]


def test_images_are_mirrored_left_to_right_each_by_its_own_draw() -> None:
    images = torch.rand(400, 3, 4, 5)
    shown = Mirror(0.25, torch.Generator().manual_seed(0))(images)
    turned = [torch.equal(image, own.flip(2)) for image, own in zip(shown, images, strict=True)]
    kept = [torch.equal(image, own) for image, own in zip(shown, images, strict=True)]
    assert [a != b for a, b in zip(turned, kept, strict=True)] == [True] * 400
    assert 70 < sum(turned) < 130
    assert torch.equal(Mirror(1.0, torch.Generator())(images), images.flip(3))


def test_mirroring_leaves_the_order_of_the_data_as_it_is() -> None:
    images = torch.arange(20, dtype=torch.float32).view(20, 1, 1, 1).expand(20, 1, 2, 2).clone()
    plain = Batches(images, 4, torch.Generator().manual_seed(0))
    mirrored = Batches(images, 4, torch.Generator().manual_seed(0), mirror=Mirror(0.5, torch.Generator()))
    assert all(torch.equal(plain.next(), mirrored.next()) for _ in range(12))


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


def test_what_is_mirrored_is_drawn_from_its_own_stream() -> None:
    images = torch.arange(60.0).view(30, 1, 1, 2)
    before = torch.get_rng_state()
    one, again, other = (Mirror(0.5, torch.Generator().manual_seed(seed))(images) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)
