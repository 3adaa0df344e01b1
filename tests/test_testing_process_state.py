"""What changes torch's settings for the whole process, or its random streams, is seen, and settings are put back."""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ganbench.evaluation.isolation import own_global_stream
from ganbench.testing import check
from ganbench.testing.process_state import put_back, settings, streams
from tests.kit import assert_caught, failed
from tests.kit.components import RightExtractor, Thumbnails


def _cudnn(name: str) -> Callable[[], None]:
    return lambda: setattr(torch.backends.cudnn, name, True)


SETTERS: dict[str, Callable[[], Any]] = {
    "torch.set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "torch.set_default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch.set_default_device": lambda: torch.set_default_device("meta"),
    "torch.set_num_threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch.use_deterministic_algorithms": lambda: torch.use_deterministic_algorithms(True),
    "torch.set_float32_matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "torch.autograd.set_detect_anomaly": lambda: torch.autograd.set_detect_anomaly(True),
    "torch.backends.cudnn.benchmark": _cudnn("benchmark"),
    "torch.backends.cudnn.deterministic": _cudnn("deterministic"),
}


def test_each_is_known() -> None:
    assert set(SETTERS) == set(settings())


@pytest.mark.parametrize("name", SETTERS)
def test_each_is_seen_and_put_back(name: str) -> None:
    before = settings()
    SETTERS[name]()
    assert put_back(before) == [name]
    assert settings() == before


@pytest.mark.parametrize(
    ("whose", "draw"),
    [("torch", lambda: torch.rand(())), ("numpy", lambda: np.random.rand()), ("Python", random.random)],
)
def test_each_global_stream_is_told_from_the_others(whose: str, draw: Callable[[], Any]) -> None:
    with own_global_stream(0, torch.device("cpu")):
        before = streams()
        assert streams() == before
        draw()
        assert [name for name, state in streams().items() if state != before[name]] == [whose]


class ForGood(RightExtractor):
    """Switches gradients off for good."""

    def build(self, layers: list[str]) -> nn.Module:
        torch.set_grad_enabled(False)
        return Thumbnails(layers)


class ForAWhile(RightExtractor):
    """Right: switches them off while it builds."""

    def build(self, layers: list[str]) -> nn.Module:
        with torch.no_grad():
            return Thumbnails(layers)


def test_a_component_that_changes_one_is_caught() -> None:
    before = settings()
    assert_caught(ForGood, "outputs", "it calls torch.set_grad_enabled and does not restore it")
    assert settings() == before
    assert failed(check(ForAWhile)) == {}
