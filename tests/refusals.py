"""How tests ask for the one line in which a request is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from ganbench.errors import UsageError


def refusal(function: Callable[..., object], *arguments: Any) -> str:
    with pytest.raises(UsageError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)
