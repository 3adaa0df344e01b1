"""What is drawn from a generator to be scored: the same each time, and each seed's own."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Samples
from ganbench.evaluation.drawing import draw_to_score
from ganbench.spec import TrialSpec

CPU = torch.device("cpu")


class Shown(nn.Module):
    """Its samples are its latent points, shifted by the class that it is asked for."""

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        return z if labels is None else z + 10 * labels[:, None]


@pytest.fixture
def drawn(trial_spec: Callable[..., TrialSpec]) -> Callable[..., tuple[Tensor, Tensor | None]]:
    def draw(*, seed: int = 0, labels: str = "none", **recipe: Any) -> tuple[Tensor, Tensor | None]:
        spec = trial_spec(seed=seed, recipe={"latent_dim": 3} | recipe)
        data = spec.data.model_copy(update={"classes": 4 if labels != "none" else 0})
        evaluation = spec.evaluation.model_copy(update={"labels": labels, "num_samples": 200})
        spec = spec.model_copy(update={"data": data, "evaluation": evaluation})
        reference = Samples(data=torch.zeros(8, 3), labels=torch.arange(8) % 4)
        return draw_to_score(Shown(), spec, reference, CPU)

    return draw


Drawn = Callable[..., tuple[Tensor, Tensor | None]]


def test_every_evaluation_of_a_trial_scores_the_same_points(drawn: Drawn) -> None:
    first, labels = drawn(seed=3)
    torch.rand(5)
    assert labels is None
    assert first.shape == (200, 3)
    assert torch.equal(first, drawn(seed=3)[0])
    expected = torch.randn(200, 3, generator=seeds.stream(3, seeds.EVALUATION))
    assert torch.equal(first, expected)


def test_another_seed_is_scored_at_other_points(drawn: Drawn) -> None:
    assert not torch.equal(drawn(seed=0)[0], drawn(seed=1)[0])


def test_the_points_are_of_the_recipes_distribution(drawn: Drawn) -> None:
    assert drawn()[0].abs().max() > 1.5
    uniform, _ = drawn(latent="uniform")
    assert uniform.abs().max() <= 1
    assert uniform.min() < -0.9


def test_another_seed_asks_for_the_classes_in_another_order(drawn: Drawn) -> None:
    samples, labels = drawn(seed=0, labels="balanced")
    again, other = drawn(seed=0, labels="balanced")[1], drawn(seed=1, labels="balanced")[1]
    assert labels is not None
    assert again is not None
    assert other is not None
    assert torch.equal(labels, again)
    assert not torch.equal(labels, other)
    assert torch.equal(labels.bincount(), other.bincount())
    points = torch.randn(200, 3, generator=seeds.stream(0, seeds.EVALUATION))
    assert torch.equal(samples, points + 10 * labels[:, None]), "the labels have a stream of their own"
