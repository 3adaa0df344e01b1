"""What each built-in loss recommends is the recipe of its paper, setting by setting."""

from typing import Any

import pytest

from ganbench import plugins
from ganbench.losses.wgan import WGAN, WGANGP, WGANLP
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.gradient import GradientPenalty, LipschitzPenalty
from ganbench.spec import Recipe

DCGAN = {"optimizer": "adam", "n_critic": 1, "g_lr": 2e-4, "d_lr": 2e-4, "beta1": 0.5, "beta2": 0.999}
"""Radford et al. 2016, section 4: what losses that change the objective alone are trained with."""
HINGE = DCGAN | {"beta1": 0.0, "beta2": 0.9}
"""SNGAN (Miyato et al. 2018) and its successors: momentum off."""
CRITIC = {"optimizer": "adam", "n_critic": 5, "g_lr": 1e-4, "d_lr": 1e-4, "beta1": 0.0, "beta2": 0.9}
"""Gulrajani et al. 2017, algorithm 1."""
CLIPPED = {"optimizer": "rmsprop", "n_critic": 5, "g_lr": 5e-5, "d_lr": 5e-5, "beta1": 0.0, "beta2": 0.99}
"""Arjovsky et al. 2017, algorithm 1; the smoothing is torch's, which the authors' code takes."""
F_GANS = ("fgan-kl", "fgan-reverse-kl", "fgan-pearson", "fgan-hellinger", "fgan-js")
RECIPES: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("vanilla", "minimax", "lsgan", "lsgan-sigmoid", "dragan", *F_GANS), DCGAN),
    **dict.fromkeys(("hinge", "softplus-margin"), HINGE),
    **dict.fromkeys(("wgan-gp", "wgan-lp"), CRITIC),
    "wgan": CLIPPED,
}


def test_every_built_in_loss_is_in_the_table() -> None:
    registry = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    assert {entry.name for entry in registry.entries("loss")} == RECIPES.keys()


@pytest.mark.parametrize("name", RECIPES)
def test_a_loss_recommends_the_recipe_of_its_paper(name: str) -> None:
    registry = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    found = Recipe(**registry.find("loss", name).load().recommends).model_dump()
    # What the paper does not speak of is left as it is for every loss.
    assert found == Recipe().model_dump() | RECIPES[name]


def test_the_strengths_are_those_of_the_papers() -> None:
    clip, gp, lp = WGAN().penalty, WGANGP().penalty, WGANLP().penalty
    assert isinstance(clip, WeightClip)
    assert isinstance(gp, GradientPenalty)
    assert isinstance(lp, LipschitzPenalty)
    assert (clip.clip, gp.lambda_gp, lp.lambda_lp) == (0.01, 10.0, 10.0)
