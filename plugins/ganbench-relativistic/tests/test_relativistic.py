"""The four losses, held by the kit and at values worked out by hand."""

import math

import pytest
import torch
from ganbench_relativistic.average import RaGAN, RaHinge, RaLSGAN
from ganbench_relativistic.pairwise import RpGAN

from ganbench import plugins
from ganbench.api import Loss
from ganbench.spec import Recipe
from ganbench.testing import Conformance

REAL, FAKE = torch.tensor([2.0, 0.0]), torch.tensor([1.0, -1.0])


class TestRpGAN(Conformance):
    component, name = RpGAN, "rpgan"


class TestRaGAN(Conformance):
    component, name = RaGAN, "ragan"


class TestRaLSGAN(Conformance):
    component, name = RaLSGAN, "ralsgan"


class TestRaHinge(Conformance):
    component, name = RaHinge, "rahinge"


def test_pairs() -> None:
    """Both gaps are 1."""
    assert RpGAN().discriminator(REAL, FAKE).item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert RpGAN().generator(FAKE, REAL).item() == pytest.approx(math.log(1 + math.e))


def test_averages() -> None:
    """The means are 1 and 0, so the gaps of real are 2 and 0, those of fake 0 and -2."""
    assert RaHinge().discriminator(REAL, FAKE).item() == pytest.approx(0.5 * (0.5 + 0.5))
    assert RaHinge().generator(FAKE, REAL).item() == pytest.approx(0.5 * (2 + 2))
    assert RaLSGAN().discriminator(REAL, FAKE).item() == pytest.approx(0.5 * (1 + 1))
    assert RaLSGAN().generator(FAKE, REAL).item() == pytest.approx(0.5 * (5 + 5))
    low, ln2 = math.log(1 + math.exp(-2)), math.log(2)
    assert RaGAN().discriminator(REAL, FAKE).item() == pytest.approx(0.5 * (low + ln2))


@pytest.mark.parametrize("loss", [RpGAN, RaGAN, RaLSGAN, RaHinge])
def test_the_recipe_is_that_of_the_papers_stable_runs(loss: type[Loss]) -> None:
    """Adam (0.5, 0.999), learning rate 2e-4, one update of the discriminator per one of the generator."""
    recipe = Recipe(**loss.recommends)
    assert (recipe.beta1, recipe.beta2, recipe.g_lr, recipe.d_lr, recipe.n_critic) == (0.5, 0.999, 2e-4, 2e-4, 1)


def test_outputs_that_cannot_be_paired_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be paired"):
        RpGAN().discriminator(torch.zeros(3), torch.zeros(3, 1))


@pytest.mark.parametrize("loss", [RpGAN(), RaGAN()])
def test_a_generator_without_real_samples_says_so(loss: Loss) -> None:
    with pytest.raises(ValueError, match="needs outputs on real samples"):
        loss.generator(FAKE, None)


def test_they_are_registered() -> None:
    registry = plugins.load().registry
    for name in ("rpgan", "ragan", "ralsgan", "rahinge"):
        assert registry.find("loss", f"ganbench-relativistic:{name}").load().formula
