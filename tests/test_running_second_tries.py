"""Which trials are tried a second time, and when."""

from ganbench.running.second_tries import SecondTries


def test_each_is_tried_once_all_others_have_ended_one_after_the_other() -> None:
    tries = SecondTries()
    assert tries.next(set()) is None
    tries.wait("a", "killed")
    tries.wait("b", "killed")
    assert tries.next({"a", "b", "c"}) is None, "c still runs"
    assert tries.next({"a", "b"}) == "a"
    assert tries.next({"a", "b"}) is None, "a runs again"
    assert list(tries) == ["b"]
    assert tries.had("a")
    assert not tries.had("b")
    assert tries.next({"b"}) == "b"


def test_one_that_is_another_runs_now_keeps_nobody_waiting() -> None:
    tries = SecondTries()
    tries.wait("a", "killed")
    tries.wait("b", "killed")
    tries.forget("a")
    assert "a" not in tries
    assert tries.next({"b"}) == "b"


def test_where_none_is_tried_any_more_it_is_told_how_they_ended() -> None:
    tries = SecondTries()
    tries.wait("a", "killed")
    assert tries.give_up() == {"a": "killed"}
    assert list(tries) == []
