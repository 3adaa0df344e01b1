"""Numbers drawn on the host: as they come, or before a step into one place, they are the same."""

import torch

from ganbench.training.draws import Draws


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
