"""Parameters of components: read from constructors, merged with what was given, each of its default's type."""

import math
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.parameters import defaults, merge


class Sample:
    def __init__(
        self, count: int = 3, rate: float = 0.5, on: bool = False, mode: str = "a", path: str = ""
    ) -> None: ...


class NoDefault:
    def __init__(self, count: int) -> None: ...


class OddDefault:
    def __init__(self, sizes: tuple[int, ...] = (1, 2)) -> None: ...


class Follower:
    def __init__(self, settings: object, file: str = "") -> None: ...


class Plain: ...


def refusal(function: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_defaults() -> None:
    assert defaults("loss", Sample) == {"count": 3, "rate": 0.5, "on": False, "mode": "a", "path": ""}
    assert defaults("loss", Plain) == {}


@pytest.mark.parametrize(("cls", "name"), [(NoDefault, "count"), (OddDefault, "sizes")])
def test_a_parameter_without_a_usable_default_is_refused(cls: type[Any], name: str) -> None:
    assert f"has a parameter '{name}' whose default is not" in refusal(defaults, "loss", cls)


@pytest.mark.parametrize(
    ("key", "value", "merged"),
    [
        ("rate", 1, 1.0),
        ("rate", 0.25, 0.25),
        ("count", 4, 4),
        ("count", 4.0, 4),
        ("count", 10**18 + 1, 10**18 + 1),
        ("on", True, True),
        ("mode", "b", "b"),
        ("mode", 32, "32"),
        ("mode", True, "true"),
    ],
)
def test_a_value_takes_the_type_of_its_default(key: str, value: Any, merged: Any) -> None:
    found = merge("loss", "sample", Sample, {key: value})
    assert found == defaults("loss", Sample) | {key: merged}
    assert type(found[key]) is type(merged)


def test_a_text_is_what_was_typed_also_where_that_looks_like_a_number() -> None:
    given, texts = {"mode": 1.1, "rate": 1.1, "path": 7}, {"mode": "1.10", "rate": "1.10", "path": "007"}
    found = merge("loss", "sample", Sample, given, texts)
    assert found == defaults("loss", Sample) | {"mode": "1.10", "rate": 1.1, "path": "007"}


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("count", 1.5, "a whole number below 2^63"),
        ("count", True, "a whole number below 2^63"),
        ("count", "3", "a whole number below 2^63"),
        ("count", math.inf, "a whole number below 2^63"),
        ("count", math.nan, "a whole number below 2^63"),
        ("count", 2**63, "a whole number below 2^63"),
        ("count", 1e26, "a whole number below 2^63"),
        ("rate", True, "a finite number"),
        ("rate", 10**400, "a finite number"),
        ("rate", "fast", "a finite number"),
        ("rate", math.nan, "a finite number"),
        ("rate", math.inf, "a finite number"),
        ("on", 1, "true or false"),
        ("on", "yes", "true or false"),
    ],
)
def test_a_value_of_another_type_is_refused(key: str, value: Any, wanted: str) -> None:
    message = refusal(merge, "loss", "sample", Sample, {key: value})
    assert message == f"loss 'sample': {key}={value} must be {wanted}"


def test_an_unknown_parameter_is_answered_with_the_closest() -> None:
    assert refusal(merge, "loss", "sample", Sample, {"cuont": 1}).endswith("did you mean 'count'?")
    assert refusal(merge, "loss", "plain", Plain, {"x": 1}) == "loss 'plain' has no parameter 'x'; it takes none"


def test_what_is_not_the_users_is_left_out() -> None:
    assert defaults("tracker", Follower) == {"file": ""}
    assert merge("tracker", "follower", Follower, {"file": "x"}) == {"file": "x"}
    assert "no parameter 'settings'" in refusal(merge, "tracker", "follower", Follower, {"settings": 1})
    assert "has a parameter 'settings' whose default is not" in refusal(defaults, "loss", Follower)
