"""A grid is planned cell by cell, and what its cells share is done once."""

from typing import Any

import pytest

from ganbench import plugins
from ganbench.api import Networks
from ganbench.architectures.mlp import MLP
from ganbench.grid import parse_axis, parse_losses
from ganbench.plan import PlanAnswer, PlanRequest
from ganbench.resolve import answer


def ask(losses: list[str], architectures: list[str], **more: Any) -> PlanAnswer:
    registry = plugins.load().registry
    return answer(
        PlanRequest(
            losses=tuple(parse_losses(losses, registry)),
            architectures=tuple(parse_axis("architecture", architectures, registry)),
            datasets=tuple(parse_axis("dataset", ["ring"], registry)),
            **more,
        )
    )


def test_networks_are_tried_once_for_all_losses_and_baselines(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[tuple[int, int]] = []

    networks = MLP.networks

    def seen(self: MLP, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        built.append((self.hidden, latent_dim))
        return networks(self, shape, latent_dim, classes)

    monkeypatch.setattr(MLP, "networks", seen)
    found = ask(["vanilla,hinge,lsgan"], ["mlp[hidden=8|16]"], recipe={"latent_dim": 3}, baselines=True)
    assert found.error == ""
    assert len(found.planned) == 1 + 2 + 3 * 2
    assert built == [(8, 3), (16, 3)]


def test_a_recipe_that_a_loss_has_no_use_for_is_refused() -> None:
    assert "loss 'hinge' has no labels to smooth" in ask(["hinge"], ["mlp"], recipe={"smoothing_real": 0.1}).error
