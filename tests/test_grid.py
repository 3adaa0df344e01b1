"""The grammar of components: what is read, what is refused, and in which words."""

import contextlib
import json
import math
import re
from typing import Any

import pytest

from ganbench.errors import UsageError
from ganbench.grid import MAX_TRIALS, parse_component, parse_loss, parse_scalar
from tests.grammar import REGISTRY, parameters
from tests.refusals import refusal

# Components


def test_a_bare_name() -> None:
    (request,) = parse_component("loss", " hinge ", REGISTRY)
    assert (request.kind, request.name, request.distribution, request.version) == ("loss", "hinge", "ganbench", "1")
    assert (request.target, request.parameters) == ("m:A", {})


def test_parameters_keep_their_types() -> None:
    (found,) = parameters("loss", "hinge[a=1, b=1.5 ,c=true,d=False,e=batch,f=-2e-3,g=a:b]")
    assert found == {"a": 1, "b": 1.5, "c": True, "d": False, "e": "batch", "f": -0.002, "g": "a:b"}
    assert [type(value) for value in found.values()] == [int, float, bool, bool, str, float, str]


def test_numbers_that_would_be_written_otherwise_keep_their_text() -> None:
    """A parameter may be a text, such as the name of a folder, which only its component knows."""
    (request,) = parse_component("loss", "hinge[a=1.10, b= 007 ,c=2024_05_01,d=1e3,e=1.5,f=12,g=True,h=x]", REGISTRY)
    assert request.parameters == {
        "a": 1.1, "b": 7, "c": 20240501.0, "d": 1000.0, "e": 1.5, "f": 12, "g": True, "h": "x"
    }  # fmt: skip
    assert request.texts == {"a": "1.10", "b": "007", "c": "2024_05_01", "d": "1e3"}


def test_spaces_around_names_keys_and_values_are_no_part_of_them() -> None:
    (request,) = parse_component("loss", "hinge [ a = 1 , b = batch , c = tRue ]", REGISTRY)
    assert (request.name, request.parameters) == ("hinge", {"a": 1, "b": "batch", "c": True})


def test_empty_brackets_are_no_parameters() -> None:
    assert parameters("loss", "hinge[]") == [{}]
    assert parameters("loss", "hinge[a=1,]") == [{"a": 1}]


def test_alternatives_multiply_in_the_order_of_typing() -> None:
    assert parameters("architecture", "dcgan[width=16|32,norm_d=batch|none]") == [
        {"width": 16, "norm_d": "batch"},
        {"width": 16, "norm_d": "none"},
        {"width": 32, "norm_d": "batch"},
        {"width": 32, "norm_d": "none"},
    ]


def test_a_distribution_before_the_name() -> None:
    (request,) = parse_component("loss", "ganbench-rpgan:rpgan[tau=2]", REGISTRY)
    assert (request.distribution, request.name, request.parameters) == ("ganbench-rpgan", "rpgan", {"tau": 2})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("folder:/data/my pictures", {"path": "/data/my pictures"}),
        ("folder:C:/images", {"path": "C:/images"}),
        ("folder:0042", {"path": "0042"}),
        ("folder:a+b[size=32]", {"path": "a+b", "size": 32}),
        ("ganbench:folder:/data", {"path": "/data"}),
        ("ganbench-lmdb:lmdb:/x:y", {"file": "/x:y"}),
        ("folder[path=/data]", {"path": "/data"}),
        ("folder", {}),
    ],
)
def test_an_argument_after_a_colon(text: str, expected: dict[str, Any]) -> None:
    assert parameters("dataset", text) == [expected]


def test_an_argument_given_twice_is_refused() -> None:
    assert "'path' is given twice" in refusal(parse_component, "dataset", "folder:/a[path=/b]", REGISTRY)


def test_a_path_of_bytes_that_are_no_characters_is_refused_and_shown() -> None:
    message = refusal(parse_component, "dataset", "folder:ph\udcffotos[size=32]", REGISTRY)
    assert message.startswith(
        r"dataset 'folder:ph\udcffotos[size=32]' contains bytes that are no characters here; rename"
    )


def test_a_component_without_argument_takes_none() -> None:
    message = refusal(parse_component, "dataset", "digits:/x", REGISTRY)
    words = "write parameters in brackets, as in digits[key=value]"
    assert message == f"dataset 'digits' takes nothing after a ':' (in 'digits:/x'); {words}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hinge[a]", "'a' in 'hinge[a]' must be key=value"),
        ("hinge[=1]", "'=1' in"),
        ("hinge[a=]", "'a=' in"),
        ("hinge[a b=1]", "'a b=1' in"),
        ("hinge[1a=1]", "'1a=1' in"),
        ("hinge[a=1,a=2]", "'a' is given twice"),
        ("hinge[a=1", "bracket"),
        ("hinge[a=1]x", "has more text after its closing bracket"),
        ("hinge[a=1", "'hinge[a=1' has no closing bracket"),
        ("hinge[a=1|nan]", "a in 'hinge[a=1|nan]': 'nan' is not a finite number"),
        ("hinge[a= |1]", "'a= |1' in 'hinge[a= |1]' must be key=value"),
        ("hing", "did you mean 'hinge'?"),
        ("hing[a=1]", "did you mean 'hinge'?"),
        ("", "no loss ''"),
        ("[a=1]", "'[a=1]' has no name before its brackets"),
        ("nobody:hinge", "no loss 'nobody:hinge'"),
        ("hinge[a=1|]", "a=1|"),
        ("hinge[a=|1]", "a=|1"),
    ],
)
def test_what_cannot_be_read_is_refused_and_shown(text: str, message: str) -> None:
    assert message in refusal(parse_component, "loss", text, REGISTRY)


def test_too_many_alternatives_are_refused_before_they_are_made() -> None:
    many = "|".join(str(number) for number in range(1000))
    text = f"hinge[a={many},b={many},c={many}]"
    assert "at most 100000" in refusal(parse_component, "loss", text, REGISTRY)


def test_too_many_pairs_of_loss_and_penalty_are_refused() -> None:
    many = "|".join(str(number) for number in range(math.isqrt(MAX_TRIALS) + 1))
    assert "at most 100000" in refusal(parse_loss, f"hinge[a={many}]+r1[g={many}]", REGISTRY)


# Scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-3", -3),
        ("+3", 3),
        ("007", 7),
        ("1.0", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("TRUE", True),
        ("false", False),
        ("yes", "yes"),
        (" batch ", "batch"),
        ("0x10", "0x10"),
        ("99999999999999999999", 10**20 - 1),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = parse_scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(UsageError, match=re.escape("'99999999999999999999...' has too many digits")):
        parse_scalar("9" * 5000)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_finite_number_is_refused_or_can_be_written_down(value: str) -> None:
    """A plan is a JSON file: a number that JSON does not have must not get as far as there."""
    with contextlib.suppress(UsageError):
        for request in parse_component("loss", f"hinge[a={value}]", REGISTRY):
            json.dumps(request.model_dump(mode="json"), allow_nan=False)
