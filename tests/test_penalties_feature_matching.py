"""Feature matching, on features whose means are known."""

import pytest
import torch

from ganbench.penalties.feature_matching import FeatureMatching
from tests.critics import D, draw


def test_it_is_the_squared_distance_of_the_mean_features() -> None:
    """Means (1, 2) and (4, -2) are 3 and 4 apart, whatever their batches."""
    real = torch.tensor([[0.0, 2.0], [2.0, 2.0]], dtype=D)
    fake = torch.tensor([[4.0, -1.0], [4.0, -3.0], [4.0, -2.0]], dtype=D)
    assert FeatureMatching().on_features(real, fake).item() == pytest.approx(25.0)
    assert FeatureMatching(weight=0.1).on_features(real, fake).item() == pytest.approx(2.5)
    assert FeatureMatching().on_features(real, real.flip(0)).item() == 0


def test_its_gradient_moves_the_mean_of_the_fakes_to_that_of_the_real_samples() -> None:
    real, fake = draw(6, 3), draw(6, 3, seed=2).requires_grad_()
    (slopes,) = torch.autograd.grad(FeatureMatching(weight=0.5).on_features(real, fake), fake)
    wanted = 0.5 * 2 * (fake.detach().mean(0) - real.mean(0)) / 6
    torch.testing.assert_close(slopes, wanted.expand(6, 3))


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^weight=-1 must not be negative$"):
        FeatureMatching(weight=-1.0)
    assert FeatureMatching(weight=0.0).on_features(draw(2, 3), draw(2, 3, seed=2)).item() == 0
