"""What a validation objects to, in words of whoever wrote the value, not of the library that looked at it."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from ganbench.complaints import explain
from ganbench.planning.suite import Suite
from ganbench.spec import Frozen, Recipe


def complaint(cls: type[Frozen], **values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        cls(**values)
    return explain(caught.value)


@pytest.mark.parametrize(
    ("cls", "values", "said"),
    [
        (Recipe, {"steps": 1.5}, "steps=1.5: must be a whole number"),
        (Recipe, {"steps": "many"}, "steps='many': must be a whole number"),
        (Recipe, {"steps": True}, "steps=True: must not be true or false"),
        (Recipe, {"replay": 2**63}, "replay=9223372036854775808: must be below 2^63"),
        (Recipe, {"replay": 1e26}, "replay=1e+26: must be below 2^63"),
        (Recipe, {"steps": 10**5000}, "steps=(a number of thousands of digits): must be below 2^63"),
        (Suite, {"steps": 2**63}, "steps=9223372036854775808: must be below 2^63"),
        (Suite, {"protocol": "x" * 999}, f"protocol='{'x' * 199}...: must be 'paper' or 'uniform'"),
        (Recipe, {"g_lr": "fast"}, "g_lr='fast': must be a number"),
        (Recipe, {"g_lr": float("inf")}, "g_lr=inf: must be a finite number"),
        (Recipe, {"g_lr": 0}, "g_lr=0: must be greater than 0"),
        (Recipe, {"beta1": 1}, "beta1=1: must be less than 1"),
        (Recipe, {"latent": "cauchy"}, "latent='cauchy': must be 'normal' or 'uniform'"),
        (Recipe, {"augment": 3}, "augment=3: must be text"),
        (Recipe, {"lr": 3}, "lr=3: is not a known name here"),
        (Suite, {"losses": 3}, "losses=3: must be a list"),
        (Suite, {"losses": [1]}, "losses.0=1: must be text"),
        (Suite, {"baselines": "perhaps"}, "baselines='perhaps': must be true or false"),
        (Suite, {"recipe": 3}, "recipe=3: must be a table of names and values"),
        (Suite, {"steps": np.eye(2)}, "steps=array([[1., 0.], [0., 1.]]): must be a whole number"),
        (Suite, {"num_samples": 1}, "num_samples=1: must be greater than or equal to 2"),
        (Suite, {"seeds": 1.5}, "seeds=1.5: must be a count such as 5, or a list such as [0, 1, 7]"),
        (Suite, {"seeds": []}, "seeds=[]: must be a count such as 5, or a list such as [0, 1, 7]"),
        (Suite, {"seeds": [0, True]}, "seeds=[0, True]: must be a count such as 5, or a list such as [0, 1, 7]"),
    ],
)
def test_a_complaint_says_which_value_and_what_it_must_be(cls: type[Frozen], values: dict[str, Any], said: str) -> None:
    assert complaint(cls, **values) == said


def test_what_is_missing_is_named() -> None:
    class Named(Frozen):
        name: str

    assert complaint(Named) == "name is missing"


def test_a_field_may_be_called_value() -> None:
    class Valued(Frozen):
        value: int

    assert complaint(Valued, value="x") == "value='x': must be a whole number"
