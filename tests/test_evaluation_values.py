"""What a metric may return, and how it is told what it may not."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from ganbench.api import Evidence, Metric, Samples, Value
from ganbench.errors import GanbenchError
from ganbench.evaluation.values import as_declared
from tests.scoring import evaluator


class Gap(Metric):
    """Returns what a test gives it."""

    values = {name: Value(label=name, direction="lower") for name in ("gap", "spread")}
    needs = ()

    def __init__(self, found: Any) -> None:
        self.found = found

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        return self.found  # type: ignore[no-any-return]


@pytest.mark.parametrize("number", [np.float32(0.5), np.array(0.5), torch.tensor(0.5), torch.tensor([0.5])])
def test_numbers_of_other_types_are_stored_as_floats(number: Any) -> None:
    """Not after training, with a traceback of JSON."""
    score = evaluator({"gap": Gap({"spread": math.nan, "gap": number})}, reference=Samples(data=torch.zeros(9, 2)))
    found = score.score(torch.zeros(5, 2), final=True)
    assert json.dumps(found) == '{"gap": 0.5, "spread": NaN}'


@pytest.mark.parametrize(
    ("found", "told"),
    [
        ({}, "returns nothing but declares gap, spread; return all of them"),
        ({"gap": 1.0}, "returns gap but declares gap, spread; return all of them"),
        ({"gap": 1.0, "spread": 1.0, "more": 1.0}, "returns gap, more, spread but declares gap, spread"),
        (None, "returns NoneType but declares gap, spread; return all of them"),
        ({"gap": None, "spread": 1.0}, "returns no number for 'gap' ("),
        ({"gap": 1.0, "spread": torch.ones(2)}, "returns no number for 'spread' ("),
    ],
)
def test_what_is_not_declared_or_no_number_is_told_by_name(found: Any, told: str) -> None:
    with pytest.raises(GanbenchError) as caught:
        as_declared("gap", Gap(found), found)
    assert str(caught.value).startswith(f"metric 'gap' (tests.test_evaluation_values:Gap) {told}")
