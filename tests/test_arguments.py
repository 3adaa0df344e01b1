"""What is passed from Python."""

import json

import numpy as np
import torch

from ganbench.arguments import plain


def test_scalars_and_arrays_become_what_json_knows() -> None:
    given = {"a": np.float32(0.5), "b": [np.int64(1), (np.True_, "x")], "c": np.arange(2), "d": torch.tensor(2)}
    assert json.loads(json.dumps(plain(given))) == {"a": 0.5, "b": [1, [True, "x"]], "c": [0, 1], "d": 2}


def test_all_else_stays() -> None:
    assert [plain(value) for value in (True, 1, "x", None)] == [True, 1, "x", None]
    assert plain(range(3)) == range(3)
