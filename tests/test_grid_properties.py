"""What holds for any text: what is typed is what is read, and whatever is refused is refused in words."""

import contextlib
import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ganbench.errors import UsageError
from ganbench.grid import parse_axis, parse_component, parse_loss, parse_losses, parse_scalar, parse_seeds
from tests.grammar import REGISTRY, parameters

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
