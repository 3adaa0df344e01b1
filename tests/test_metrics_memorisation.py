"""Memorisation."""

import math

import pytest
import torch

from ganbench.evaluation.features import Extracted
from ganbench.metrics.memorisation import Memorisation, memorised_share, thinned, train_preference
from tests.features import evidence, rows


def test_memorisation_finds_copies_and_does_not_accuse_fresh_samples() -> None:
    train, held_out, fresh = rows(2000, 0), rows(2000, 1), rows(2000, 2)
    assert memorised_share(train[:500], train, held_out, 0.01) == 1
    assert memorised_share(fresh, train, held_out, 0.01) < 0.02
    assert memorised_share(held_out, train, held_out, 0.01) == 0
    half = torch.cat([train[:250], fresh[:250]])
    assert memorised_share(half, train, held_out, 0.01) == pytest.approx(0.5, abs=0.02)
    assert train_preference(train[:500], train, held_out) == 1
    assert train_preference(fresh, train, held_out) == pytest.approx(0.5, abs=0.05)


def test_held_out_samples_that_are_training_samples_too_hide_no_copies() -> None:
    train, held_out = rows(2000, 0), rows(2000, 1)
    leaky = torch.cat([train[:40], held_out[40:]])
    # Copies of what is on both sides are as near to either.
    assert memorised_share(train[100:600], train, leaky, 0.01) == 1
    assert memorised_share(rows(2000, 2), train, leaky, 0.01) < 0.02
    assert math.isnan(memorised_share(train[:500], train, train, 0.01))


def test_what_is_as_near_to_either_side_is_accused_of_nothing_and_counts_half() -> None:
    train, held_out = rows(200, 0), rows(200, 1)
    leaky = torch.cat([train[:40], held_out[40:]])
    assert memorised_share(train[:40], train, leaky, 0.01) == 0, "copies of what is on both sides"
    points = [torch.tensor([[value]]) for value in (0.0, 2.0)]
    assert [train_preference(torch.tensor([[at]]), *points) for at in (0.5, 1.0, 1.5)] == [1.0, 0.5, 0.0]
    assert train_preference(torch.tensor([[0.5], [1.0]]), *points) == 0.75


def test_a_fake_just_as_near_as_the_nearest_held_out_samples_is_not_suspicious() -> None:
    """The held-out sample is at a distance of 1 from the training sample, on its other side."""
    train, held_out = torch.tensor([[0.0]]), torch.tensor([[1.0]])
    assert [memorised_share(torch.tensor([[at]]), train, held_out, 0.01) for at in (-1.0, -0.99)] == [0, 1]


def test_always_the_same_rows_are_taken_of_the_larger_side() -> None:
    every = torch.arange(100.0)[:, None]
    found = thinned(every, 30)
    assert torch.equal(thinned(every, 30), found)
    assert len(set(found.flatten().tolist())) == 30
    assert found.mean().item() == pytest.approx(49.5, abs=20), "from all over it"
    assert torch.equal(thinned(every, 100), every)


def test_memorisation_of_unequal_splits_is_fair() -> None:
    assert train_preference(rows(1000, 2), rows(5000, 0), rows(800, 1)) == pytest.approx(0.5, abs=0.06)


def test_memorisation_through_the_metric() -> None:
    train, held_out = rows(600, 0), rows(600, 1)
    found = Memorisation().compute(evidence(train), evidence(held_out, train=train))
    assert found == {"memorised": 1.0, "train_preference": 1.0}
    assert math.isnan(Memorisation().compute(evidence(train), evidence(held_out))["memorised"])
    assert Memorisation().check(fakes=10, reference=10_000, dimension=6, classes=0) is None
    assert Memorisation().check(fakes=10, reference=100, dimension=6, classes=0) is not None
    without = Extracted(samples=torch.zeros(600, 1), features=held_out, train=Extracted(samples=torch.zeros(600, 1)))
    assert all(math.isnan(value) for value in Memorisation().compute(evidence(train), without).values())
    for level in (0.0, 0.51):
        with pytest.raises(ValueError, match="level must be"):
            Memorisation(level=level)
    assert Memorisation(level=0.5).level == 0.5
