"""Suggestions for a name that is not there, and errors in one line."""

from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytest
import torch

from ganbench.errors import did_you_mean, in_one_line, with_kind


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("wgan-pg", "; did you mean 'wgan-gp'?"),
        ("WGAN-GP", "; did you mean 'wgan-gp'?"),
        ("resnet", "; did you mean 'ResNet'?"),
        ("xyz", "; choose one of: ResNet, vanilla, wgan-gp"),
    ],
)
def test_close_names_are_suggested_whatever_their_case(name: str, answer: str) -> None:
    assert did_you_mean(name, ["wgan-gp", "vanilla", "ResNet"]) == answer


def test_many_names_are_left_to_the_command_that_lists_them() -> None:
    names = [f"name-{number}" for number in range(21)]
    assert did_you_mean("xyz", names, listed_by="ganbench list") == "; 'ganbench list' lists what there is"
    assert did_you_mean("name-", names, listed_by="ganbench list").startswith("; did you mean 'name-")
    assert did_you_mean("xyz", names[:20], listed_by="ganbench list").startswith("; choose one of: name-0, ")
    assert did_you_mean("xyz", names).startswith("; choose one of: name-0, ")


def test_without_choices_there_is_no_suggestion() -> None:
    assert did_you_mean("a", []) == ""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("  no such\n\tlayer "), "no such layer"),
        (ValueError(), "ValueError"),
        (ValueError(" \n"), "ValueError"),
        (ValueError("x" * 300), "x" * 160),
    ],
)
def test_an_error_is_one_line_that_is_cut_where_it_is_long(error: Exception, line: str) -> None:
    assert in_one_line(error, 160) == line


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            {"a": torch.zeros(2, 2), "b": torch.zeros(2)},
            "tensor weight and 1 more are missing; a and 1 more are unknown",
        ),
        ({"weight": torch.zeros(2, 3), "c": torch.zeros(2)}, "tensor bias is missing; c is unknown"),
        (
            {"weight": torch.zeros(2, 3), "bias": torch.zeros(4, 1)},
            "tensor bias has the shape (4, 1), not (2)",
        ),
        (
            {"weight": torch.zeros(()), "bias": torch.zeros(4, 1)},
            "tensor weight has the shape (), not (2, 3)",
        ),
        ([1, 2], "it is a list, not a table of named tensors"),
        (torch.zeros(2), "it is a Tensor, not a table of named tensors"),
    ],
)
def test_weights_that_do_not_fit_a_network_are_told_in_few_words_and_not_in_torchs(given: Any, line: str) -> None:
    with pytest.raises((RuntimeError, TypeError)) as refused:
        torch.nn.Linear(3, 2).load_state_dict(given)
    assert in_one_line(refused.value, 160) == line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>404</html>", "not a file of tensors alone: Unsupported operand 60"),
        (Path("x"), "not a file of tensors alone: Unsupported global: GLOBAL pathlib.P"),
    ],
)
def test_of_a_file_that_holds_no_tensors_torchs_advice_to_read_it_all_the_same_is_left_out(
    content: Any, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(UnpicklingError) as refused:
        torch.load(path, weights_only=True)
    assert in_one_line(refused.value, 160).startswith(reason)
    assert "PyTorch 2.6" not in in_one_line(refused.value)


def test_a_line_is_whole_where_nothing_is_said_of_its_length() -> None:
    assert in_one_line(ValueError("x" * 300)) == "x" * 300


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("  no such\n\tlayer "), "ValueError: no such layer"),
        (ValueError("x" * 300), f"ValueError: {'x' * 160}"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_an_error_with_its_kind_is_one_line_without_a_colon_before_nothing(error: Exception, line: str) -> None:
    assert with_kind(error, 160) == line
