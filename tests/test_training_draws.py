"""Numbers drawn on the host: as they come, or before a step into one place, they are the same."""

from unittest.mock import Mock, call

import pytest
import torch

from ganbench.training.draws import Draws, sent
from tests.captures import DEVICES


def draws(bound: int = 1000, seed: int = 0) -> Draws:
    rng = torch.Generator().manual_seed(seed)
    return Draws(lambda: torch.randint(bound, (3,), generator=rng), bound)


def take(stream: Draws, count: int) -> list[list[int]]:
    return [stream.next().tolist() for _ in range(count)]


def test_a_step_that_is_not_staged_draws_on_and_the_next_is_staged_in_the_same_place() -> None:
    plain, stream = draws(), draws()
    found: list[list[int]] = []
    places = set()
    for staged, count in ((True, 2), (False, 5), (False, 1), (True, 2)):
        if staged:
            stream.stage(count)
            assert stream._staged is not None
            places.add(stream._staged.data_ptr())
        else:
            stream.unstage()
        found += take(stream, count)
    assert found == take(plain, 10)
    assert len(places) == 1


def test_what_was_staged_can_be_taken_again() -> None:
    stream = draws()
    stream.stage(2)
    first = take(stream, 2)
    stream.rewind()
    assert take(stream, 2) == first
    stream.stage(2)  # begins with the first of them by itself
    take(stream, 1)
    stream.stage(2)
    assert take(stream, 2) == take(draws(), 6)[4:]


def test_others_are_other_numbers_in_the_same_place_for_a_while() -> None:
    stream = draws(bound=7)
    stream.stage(2)
    place, own = stream._staged, take(stream, 2)
    with stream.others():
        assert take(stream, 2) == [[(number + 1) % 7 for number in row] for row in own]
        assert stream._staged is place
    assert take(stream, 2) == own


def test_what_a_gpu_gets_is_pinned_so_that_the_host_goes_on() -> None:
    drawn = Mock()
    found = sent(drawn, torch.device("cuda:1"))
    assert drawn.mock_calls == [call.pin_memory(), call.pin_memory().to(torch.device("cuda:1"), non_blocking=True)]
    assert found is drawn.pin_memory().to()
    assert sent(torch.arange(3), torch.device("cpu")).tolist() == [0, 1, 2]


@pytest.mark.parametrize("device", DEVICES)
def test_what_a_gpu_gets_is_what_was_drawn_however_much_it_has_to_do(device: str) -> None:
    """While it computes, the host draws on, perhaps into the memory that is still to be copied from."""
    side = 4096 if device == "cuda" else 8
    busy = torch.randn(side, side, device=device)
    for _ in range(20):
        busy = (busy @ busy).clamp(-1, 1)
    found = [sent(torch.full((64,), number), torch.device(device)) for number in range(1000)]
    assert [int(each[0]) for each in found] == list(range(1000))
