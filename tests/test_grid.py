"""The grammar of components and seeds: what is read, what round-trips, what is refused, and in which words."""

import contextlib
import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import UsageError
from ganbench.grid import (
    MAX_TRIALS,
    parse_augment,
    parse_axis,
    parse_component,
    parse_loss,
    parse_losses,
    parse_scalar,
    parse_seeds,
    split_list,
    split_outside_brackets,
)
from ganbench.registry import Entry, Registry


def _registry() -> Registry:
    registry = Registry()
    for kind, name, argument, distribution in [
        ("loss", "hinge", "", "ganbench"),
        ("loss", "wgan-gp", "", "ganbench"),
        ("loss", "rpgan", "", "ganbench-rpgan"),
        ("penalty", "r1", "", "ganbench"),
        ("penalty", "gp", "", "ganbench"),
        ("augmentation", "translation", "", "ganbench"),
        ("augmentation", "color", "", "ganbench-diffaugment"),
        ("architecture", "dcgan", "", "ganbench"),
        ("dataset", "digits", "", "ganbench"),
        ("dataset", "folder", "path", "ganbench"),
        ("dataset", "lmdb", "file", "ganbench-lmdb"),
    ]:
        registry.add(
            Entry(
                kind=kind,
                name=name,
                target="m:A",
                summary="",
                paper="",
                argument=argument,
                distribution=distribution,
                version="1",
            )
        )
    return registry


REGISTRY = _registry()


def parameters(kind: str, text: str) -> list[dict[str, Any]]:
    return [dict(request.parameters) for request in parse_component(kind, text, REGISTRY)]


def refusal(function: Any, *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Components


def test_a_bare_name() -> None:
    (request,) = parse_component("loss", " hinge ", REGISTRY)
    assert (request.kind, request.name, request.distribution, request.version) == ("loss", "hinge", "ganbench", "1")
    assert (request.target, request.parameters) == ("m:A", {})


def test_parameters_keep_their_types() -> None:
    (found,) = parameters("loss", "hinge[a=1, b=1.5 ,c=true,d=False,e=batch,f=-2e-3,g=a:b]")
    assert found == {"a": 1, "b": 1.5, "c": True, "d": False, "e": "batch", "f": -0.002, "g": "a:b"}
    assert [type(value) for value in found.values()] == [int, float, bool, bool, str, float, str]


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


def test_a_component_without_argument_takes_none() -> None:
    assert "no dataset 'digits:/x'" in refusal(parse_component, "dataset", "digits:/x", REGISTRY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hinge[a]", "'a' in 'hinge[a]' is not key=value"),
        ("hinge[=1]", "'=1' in"),
        ("hinge[a=]", "'a=' in"),
        ("hinge[a b=1]", "'a b=1' in"),
        ("hinge[1a=1]", "'1a=1' in"),
        ("hinge[a=1,a=2]", "'a' is given twice"),
        ("hinge[a=1", "bracket"),
        ("hinge[a=1]x", "goes on after its closing bracket"),
        ("hing", "did you mean 'hinge'?"),
        ("hing[a=1]", "did you mean 'hinge'?"),
        ("", "no loss ''"),
        ("[a=1]", "no loss ''"),
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
        ("99999999999999999999", 1e20),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    found = parse_scalar(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_what_is_no_finite_number_is_refused_or_can_be_written_down(value: str) -> None:
    """A plan is a JSON file: a number that JSON does not have must not get as far as there."""
    with contextlib.suppress(UsageError):
        for request in parse_component("loss", f"hinge[a={value}]", REGISTRY):
            json.dumps(request.model_dump(mode="json"), allow_nan=False)


# Losses with penalties


def test_a_loss_with_penalties_and_alternatives() -> None:
    requests = parse_loss("hinge[m=1|2] + r1[gamma=0.1] + gp", REGISTRY)
    assert [request.loss.parameters for request in requests] == [{"m": 1}, {"m": 2}]
    assert [[(p.name, p.parameters) for p in request.penalties] for request in requests] == [
        [("r1", {"gamma": 0.1}), ("gp", {})]
    ] * 2


def test_a_plus_inside_brackets_belongs_to_the_value() -> None:
    (request,) = parse_loss("hinge[a=x+y]", REGISTRY)
    assert request.loss.parameters == {"a": "x+y"}
    assert request.penalties == ()


def test_a_recipes_augmentations_are_in_their_order() -> None:
    requests = parse_augment("translation[shift=0.25] + ganbench-diffaugment:color", REGISTRY)
    assert [(one.kind, one.name, one.parameters) for one in requests] == [
        ("augmentation", "translation", {"shift": 0.25}),
        ("augmentation", "color", {}),
    ]
    assert parse_augment("none", REGISTRY) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("blur", "there is no augmentation 'blur'; there are: color, translation"),
        ("cutout", "no augmentation 'cutout'; it comes with the package ganbench-diffaugment; there are: color, trans"),
        ("", "must be none, or augmentations joined by '+'"),
        ("color+", "must be none, or augmentations joined by '+'"),
        ("none+color", "there is no augmentation 'none'"),
        ("color+color[a=1]", "names 'color' twice"),
        ("color[a=1|2]", "has no alternatives with '|'"),
    ],
)
def test_a_policy_that_is_none_is_refused(text: str, words: str) -> None:
    assert words in refusal(parse_augment, text, REGISTRY)


@pytest.mark.parametrize("text", ["hinge+", "+r1", "hinge++r1", "+", ""])
def test_an_empty_part_is_refused(text: str) -> None:
    assert "empty part" in refusal(parse_loss, text, REGISTRY)


def test_a_penalty_is_no_loss_and_a_loss_no_penalty() -> None:
    assert "no loss 'r1'" in refusal(parse_loss, "r1", REGISTRY)
    assert "no penalty 'hinge'" in refusal(parse_loss, "hinge+hinge", REGISTRY)


# Lists


def test_lists_split_at_commas_outside_brackets_and_drop_repetitions() -> None:
    assert split_list(["hinge, wgan-gp[a=1,b=2]", "hinge", " ,"]) == ["hinge", "wgan-gp[a=1,b=2]"]
    assert split_list([]) == []


def test_axes_keep_the_order_and_drop_what_means_the_same() -> None:
    names = [request.loss.name for request in parse_losses(["wgan-gp", "hinge,wgan-gp", "ganbench:hinge"], REGISTRY)]
    assert names == ["wgan-gp", "hinge"]
    widths = [request.parameters for request in parse_axis("architecture", ["dcgan[w=1|2|1],dcgan[w=2]"], REGISTRY)]
    assert widths == [{"w": 1}, {"w": 2}]


def test_true_and_one_are_two_alternatives() -> None:
    found = [request.parameters for request in parse_axis("architecture", ["dcgan[w=1|true]"], REGISTRY)]
    assert [type(each["w"]) for each in found] == [int, bool]


@pytest.mark.parametrize("text", ["hinge[b", "hinge]b", "hinge[[b]]", "hinge[a=[1]]", "]["])
def test_brackets_that_do_not_match(text: str) -> None:
    assert "do not match" in refusal(split_outside_brackets, text, ",")
    assert "do not match" in refusal(parse_losses, [text], REGISTRY)


# Seeds


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", (0,)),
        ("3", (0, 1, 2)),
        (" 3 ", (0, 1, 2)),
        ("3,", (3,)),
        ("0,1,7", (0, 1, 7)),
        ("7, 1,7", (7, 1)),
        ("0,", (0,)),
    ],
)
def test_seeds(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", ",", "-1", "1.5", "a", "1;2", "1e3", "0x1", "9" * 19 + ","])
def test_seeds_that_are_none(text: str) -> None:
    assert "must be a count such as 5, or a list such as 0,1,7" in refusal(parse_seeds, text)


def test_no_seeds_at_all_says_how_to_ask_for_seed_zero() -> None:
    assert "write '0,'" in refusal(parse_seeds, "0")
    assert "between 1 and 100000" in refusal(parse_seeds, "100001")


# Properties

names = st.sampled_from(["hinge", "wgan-gp", "rpgan"])
keys = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
words = st.from_regex(r"[a-z][a-z/:._+=-]{0,10}", fullmatch=True).filter(
    lambda word: isinstance(parse_scalar(word), str)
)
scalars = st.one_of(
    st.booleans(), st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False), words
)


def typed(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, float) else str(value)


@given(names, st.dictionaries(keys, scalars, max_size=4))
def test_what_is_typed_is_what_is_read(name: str, given_parameters: dict[str, Any]) -> None:
    text = f"{name}[{','.join(f'{key}={typed(value)}' for key, value in given_parameters.items())}]"
    (request,) = parse_component("loss", text, REGISTRY)
    assert request.name == name
    assert dict(request.parameters) == given_parameters
    assert {key: type(value) for key, value in request.parameters.items()} == {
        key: type(value) for key, value in given_parameters.items()
    }


@given(st.dictionaries(keys, st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True), max_size=3))
def test_alternatives_are_the_product(choices: dict[str, list[int]]) -> None:
    text = "hinge[" + ",".join(f"{key}={'|'.join(map(str, values))}" for key, values in choices.items()) + "]"
    found = [tuple(each.values()) for each in parameters("loss", text)]
    assert found == list(itertools.product(*choices.values()))


@given(st.lists(st.integers(0, 10**17), min_size=2, max_size=6, unique=True))
def test_a_list_of_seeds_is_itself(seeds: list[int]) -> None:
    assert parse_seeds(",".join(map(str, seeds))) == tuple(seeds)


hostile = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="hinge[]=+,|:.-_ 019eE²\n\x00", max_size=30),
    st.builds(
        "{}{}".format, st.sampled_from(["hinge", "folder:", "digits"]), st.text(alphabet="[]=+,|:a1. ", max_size=20)
    ),
)


@given(hostile)
def test_no_text_raises_anything_but_a_usage_error(text: str) -> None:
    for read in (
        lambda: parse_losses([text], REGISTRY),
        lambda: parse_loss(text, REGISTRY),
        lambda: parse_axis("dataset", [text], REGISTRY),
        lambda: parse_component("dataset", text, REGISTRY),
        lambda: parse_seeds(text),
    ):
        with contextlib.suppress(UsageError):
            read()
