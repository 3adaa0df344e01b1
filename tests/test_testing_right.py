"""Components as they should be pass, and what an author knows of them is held."""

import pytest
import torch

from ganbench.api import Loss
from ganbench.testing import Flaw, check, evidence
from tests.kit import assert_caught, failed, outcome_of
from tests.kit.components import RightData, RightExtractor, RightMetric, RightTracker
from tests.kit.losses import Margin, Pairwise, Right, Squares

RIGHT: list[type] = [RightData, RightMetric, RightExtractor, RightTracker]


@pytest.mark.parametrize("loss", [Right, Squares, Pairwise, Margin])
def test_a_right_loss_passes(loss: type[Loss]) -> None:
    assert failed(check(loss)) == {}


@pytest.mark.parametrize("component", RIGHT)
def test_a_right_component_passes(component: type) -> None:
    assert failed(check(component)) == {}


def test_what_an_author_knows_is_held() -> None:
    zeros, ones = evidence(features=torch.zeros(4, 9)), evidence(features=torch.ones(4, 9))
    assert failed(check(RightMetric, known=[(ones, zeros, {"gap": 3.0})])) == {}
    wrong = failed(check(RightMetric, known=[(ones, zeros, {"gap": 4.0})]))
    assert wrong == {"known-values": "'gap' is 3, but 4 is the known value"}
    assert_caught(RightData, "samples", "expected (2,)", shape=(2,))
    white = torch.full((2, 3, 8, 8), 255, dtype=torch.uint8)
    assert outcome_of("known-values", RightExtractor, known=[(white, torch.ones(2, 48))]).status == "ok"
    assert_caught(RightExtractor, "known-values", "are not the known ones", known=[(white, torch.zeros(2, 48))])


def test_evidence_needs_something() -> None:
    with pytest.raises(ValueError, match="samples or features"):
        evidence()


def test_a_flaw_is_an_assertion() -> None:
    """So that an author's own test that calls the kit's functions fails, and does not merely err."""
    assert issubclass(Flaw, AssertionError)
