"""Losses with penalties, augmentations, lists and seeds: what is read, in which order, and what is refused."""

import pytest

from ganbench.errors import UsageError
from ganbench.grid import (
    parse_augment,
    parse_axis,
    parse_loss,
    parse_losses,
    parse_seeds,
    parts_of,
    split_list,
    split_outside_brackets,
)
from tests.grammar import REGISTRY
from tests.refusals import refusal

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


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("hinge+r1[gamma=0.1]", [("hinge", "hinge"), ("r1", "r1[gamma=0.1]")]),
        (
            "ganbench-rpgan:rpgan[tau=2] + r1",
            [("ganbench-rpgan:rpgan", "ganbench-rpgan:rpgan[tau=2]"), ("r1", "r1")],
        ),
        ("folder:a+b[size=32]", [("folder", "folder:a+b[size=32]")]),
        ("ganbench:folder:a+b", [("ganbench:folder", "ganbench:folder:a+b")]),
        ("other:name:rest", [("other:name:rest", "other:name:rest")]),
        ("folder", [("folder", "folder")]),
    ],
)
def test_the_parts_of_what_stands_for_components(text: str, parts: list[tuple[str, str]]) -> None:
    assert parts_of(text, REGISTRY) == parts


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
        ("blur", "there is no augmentation 'blur'; choose one of: color, translation"),
        (
            "cutout",
            "no augmentation 'cutout'; it comes with the package ganbench-diffaugment; choose one of: color, trans",
        ),
        ("", "must be none, or augmentations joined by '+'"),
        ("color+", "must be none, or augmentations joined by '+'"),
        ("none+color", "there is no augmentation 'none'"),
        ("color+color[a=1]", "names 'color' twice"),
        ("color[a=1|2]", "cannot have alternatives with '|'"),
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


@pytest.mark.parametrize("text", ["", ",", "-1", "1.5", "a", "1;2", "1e3", "0x1"])
def test_seeds_that_are_none(text: str) -> None:
    assert "must be a count such as 5, or a list such as 0,1,7" in refusal(parse_seeds, text)


def test_no_seeds_at_all_says_how_to_ask_for_seed_zero() -> None:
    assert "write '0,', in a suite or in Python [0]" in refusal(parse_seeds, "0")
    assert "between 1 and 100000" in refusal(parse_seeds, "100001")


@pytest.mark.parametrize("text", ["1000000000000000000", "1,1000000000000000000", "1000000000000000000,"])
def test_a_seed_that_is_too_large_is_said_to_be(text: str) -> None:
    assert parse_seeds("999999999999999999,") == (10**18 - 1,)
    with pytest.raises(UsageError, match=rf"^seeds '{text}': 1000000000000000000 must be below 10\^18$"):
        parse_seeds(text)
