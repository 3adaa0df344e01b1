"""Suggestions for a name that is not there."""

import pytest

from ganbench.errors import did_you_mean


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("wgan-pg", "; did you mean 'wgan-gp'?"),
        ("WGAN-GP", "; did you mean 'wgan-gp'?"),
        ("resnet", "; did you mean 'ResNet'?"),
        ("xyz", "; there are: ResNet, vanilla, wgan-gp"),
    ],
)
def test_close_names_are_suggested_whatever_their_case(name: str, answer: str) -> None:
    assert did_you_mean(name, ["wgan-gp", "vanilla", "ResNet"]) == answer


def test_without_choices_there_is_no_suggestion() -> None:
    assert did_you_mean("a", []) == ""
