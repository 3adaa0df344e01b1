"""The labels of evaluated fakes: right shares, random order, from one stream."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganbench import seeds
from ganbench.api import Evidence, Metric, Samples, Value
from ganbench.errors import UsageError
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.labels import balanced, cycled, evaluation_labels, like


def rng(seed: int = 0) -> torch.Generator:
    return seeds.stream(seed, seeds.EVALUATION_LABELS)


@given(n=st.integers(1, 200), classes=st.integers(1, 20))
def test_balanced_counts_differ_by_one_at_most(n: int, classes: int) -> None:
    labels = balanced(n, classes, rng())
    counts = torch.bincount(labels, minlength=classes)
    assert len(labels) == n
    assert len(counts) == classes
    assert counts.max() - counts.min() <= 1


@given(n=st.integers(1, 200), there=st.lists(st.integers(0, 4), min_size=1, max_size=50))
def test_reference_counts_are_whole_rounds_and_a_rest(n: int, there: list[int]) -> None:
    reference = torch.tensor(there)
    counts = torch.bincount(like(n, reference, rng()), minlength=5)
    rounds = n // len(there)
    each = torch.bincount(reference, minlength=5)
    assert counts.sum() == n
    assert (counts >= rounds * each).all()
    assert (counts <= (rounds + 1) * each).all()


def test_order_is_random_and_the_seeds() -> None:
    assert balanced(103, 10, rng()).tolist() == balanced(103, 10, rng()).tolist()
    assert balanced(100, 10, rng()).tolist() != balanced(100, 10, rng(1)).tolist()
    assert balanced(100, 10, rng()).tolist() != sorted(balanced(100, 10, rng()).tolist())
    counts = [torch.bincount(balanced(12, 10, rng(seed))) for seed in range(9)]
    assert len({tuple(count.tolist()) for count in counts}) > 4, "no class is always one of those with one more"
    every = torch.arange(50)
    assert like(120, every, rng()).tolist() == like(120, every, rng()).tolist() != like(120, every, rng(1)).tolist()
    assert like(50, every, rng()).tolist() != every.tolist()


def test_what_a_protocol_asks_for() -> None:
    reference = Samples(data=torch.zeros(4, 2), labels=torch.tensor([0, 0, 0, 1]))
    assert evaluation_labels("none", 4, reference=reference, classes=2, rng=rng()) is None
    found = evaluation_labels("reference", 4, reference=reference, classes=2, rng=rng())
    assert found is not None
    assert sorted(found.tolist()) == [0, 0, 0, 1]
    found = evaluation_labels("balanced", 4, reference=reference, classes=2, rng=rng())
    assert found is not None
    assert sorted(found.tolist()) == [0, 0, 1, 1]
    for without in (None, Samples(data=torch.zeros(4, 2))):
        with pytest.raises(ValueError, match="the reference has no labels"):
            evaluation_labels("reference", 4, reference=without, classes=2, rng=rng())


def test_cycled_labels_give_each_class_a_column() -> None:
    assert cycled(7, 3).tolist() == [0, 1, 2, 0, 1, 2, 0]


class Classes(Metric):
    """How many classes were asked for."""

    values = {"classes": Value(label="classes", direction="higher")}
    needs = ("fake_labels",)

    def compute(self, fake: Evidence, reference: Evidence) -> dict[str, float]:
        assert fake.labels is not None
        return {"classes": float(fake.labels.unique().numel())}


def test_a_metric_of_the_labels_of_fakes_refuses_those_that_have_none() -> None:
    reference = Samples(data=torch.zeros(4, 2))
    score = Evaluator(
        reference=reference, mixture=None, metrics={"mine": Classes()}, extractor=None,
        device=torch.device("cpu"), cache=None,
    )  # fmt: skip
    assert score.score(torch.zeros(3, 2), final=True, labels=torch.tensor([0, 1, 0])) == {"classes": 2.0}
    with pytest.raises(UsageError, match="metric 'mine' needs the labels of the fakes"):
        score.score(torch.zeros(3, 2), final=True)
