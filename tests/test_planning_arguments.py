"""What is passed from Python."""

import inspect
import json
from typing import Any

import numpy as np
import pytest
import torch

import ganbench
from ganbench.planning.arguments import _ARGUMENTS, in_python, plain, size


def test_scalars_and_arrays_become_what_json_knows() -> None:
    given = {"a": np.float32(0.5), "b": [np.int64(1), (np.True_, "x")], "c": np.arange(2), "d": torch.tensor(2)}
    assert json.loads(json.dumps(plain(given))) == {"a": 0.5, "b": [1, [True, "x"]], "c": [0, 1], "d": 2}


def test_all_else_stays() -> None:
    assert [plain(value) for value in (True, 1, "x", None)] == [True, 1, "x", None]
    assert plain(range(3)) == range(3)


def test_a_size_is_a_number_of_bytes_or_a_text_with_a_unit() -> None:
    assert [size(value) for value in ("4G", "1.5GiB", "500 mb", 1 << 20, np.int64(1 << 30))] == [
        4 << 30, 3 << 29, 500 << 20, 1 << 20, 1 << 30,
    ]  # fmt: skip


@pytest.mark.parametrize("value", ["", "many", "-4G", "4X", 1000, -1, True, None])
def test_what_is_no_size_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="must be a size of at least 1M, such as 500M or 4G"):
        size(value)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("use --device cpu, or see", "use device='cpu', or see"),
        ("--device cuda:1 and --devices 0,2 both", "device='cuda:1' and devices=['0', '2'] both"),
        ("use --per-device 2 to run two", "use per_device=2 to run two"),
        ("choose another folder with --out", "choose another folder with out="),
        ("(--reference test)", "(reference='test')"),
        ("e.g. --losses vanilla,lsgan", "e.g. losses=['vanilla', 'lsgan']"),
        ("name some with --arch, e.g.", "name some with architectures=, e.g."),
        ("e.g. --set augment=translation", "e.g. recipe={'augment': 'translation'}"),
        ("--set: n_critic=0: must be", "recipe: n_critic=0: must be"),
        ("use --ray gpus=1, or gpus=0.5", "use executor_options={'gpus': '1'}, or gpus=0.5"),
        ("a smaller --num-samples", "a smaller num_samples="),
        ("set the right range with --range", "set the right range with --range"),
        ("leave --batch-seeds out", "leave batch_seeds= out"),
        (
            "there is no loss '--arch x' or '--out'; use --set a=1",
            "there is no loss '--arch x' or '--out'; use recipe={'a': '1'}",
        ),
        ("cannot make /my--out/x--jobs/--steps; change --out", "cannot make /my--out/x--jobs/--steps; change out="),
        ("the trials' --out and the dataset's --seeds", "the trials' out= and the dataset's seeds="),
    ],
)
def test_a_message_to_python_names_arguments_and_not_options(message: str, told: str) -> None:
    assert in_python(message) == told


def test_each_argument_that_a_message_names_is_one_of_run() -> None:
    known = inspect.signature(ganbench.run).parameters
    options = {option.replace("_", "-") for option in _ARGUMENTS}
    assert {in_python(f"--{option}").removesuffix("=") for option in options} <= set(known)
