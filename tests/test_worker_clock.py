"""A trial's clock: every second after training began is of training or of evaluation, over all attempts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.worker.clock import Clock


@given(
    attempts=st.lists(
        st.tuples(st.integers(0, 9), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=4)),
        min_size=1,
        max_size=4,
    )
)
def test_every_second_is_counted_once(attempts: list[tuple[int, list[tuple[int, int]]]]) -> None:
    """Attempts of a preparation and of rounds of training and evaluation, with hours between that nobody works."""
    now, preparing, training, evaluating = 100.0, 0, 0, 0
    kept: dict[str, float] | None = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ganbench.worker.clock.time.monotonic", lambda: now)
        for preparation, rounds in attempts:
            one = Clock(lambda: None)
            if kept is not None:
                one.load_state_dict(kept)
            now += preparation
            preparing += preparation
            one.start_training()
            for of_training, of_evaluation in rounds:
                now += of_training
                training += of_training
                assert one.trained == training
                with one.evaluating():
                    now += of_evaluation
                    assert one.trained == one.stopped_at == training
                evaluating += of_evaluation
            kept = one.state_dict()
            assert kept == {"seconds": training, "evaluated": evaluating, "elapsed": preparing + training + evaluating}
            now += 3600


def test_what_a_device_has_still_to_do_counts_as_training(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def wait() -> None:
        now[0] += 2

    monkeypatch.setattr("ganbench.worker.clock.time.monotonic", lambda: now[0])
    one = Clock(wait)
    one.start_training()
    with one.evaluating():
        now[0] += 5
    assert (one.trained, one.evaluated) == (2, 5)


def test_an_evaluation_that_fails_lets_training_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("ganbench.worker.clock.time.monotonic", lambda: now[0])
    one = Clock(lambda: None)
    one.start_training()

    def fails() -> None:
        with one.evaluating():
            now[0] += 1
            raise ValueError("NaN")

    with pytest.raises(ValueError, match="NaN"):
        fails()
    now[0] += 4
    assert (one.trained, one.evaluated) == (4, 1)


def test_a_checkpoint_that_knows_no_evaluation_has_none() -> None:
    one = Clock(lambda: None)
    one.load_state_dict({"seconds": 3.0, "elapsed": 8.0})
    assert (one.trained, one.evaluated) == (3.0, 0.0)
    assert one.elapsed >= 8.0
