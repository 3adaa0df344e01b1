"""Penalties in the training loop: in which steps they are terms, and how strong."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Penalty
from ganbench.losses.lsgan import LSGAN
from ganbench.penalties.lecam import LeCam
from tests.loops import Make, Notes, objective, recipe, run


class Counting(Penalty):
    """Notes what it is given."""

    def __init__(self, differentiable: bool) -> None:
        self.differentiable = differentiable  # type: ignore[misc]
        self.called: list[tuple[bool, bool]] = []
        self.projected = 0

    def __call__(self, discriminator: Any, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.called.append((real.requires_grad, fake.requires_grad))
        assert rng.initial_seed() == seeds.stream_seed(0, seeds.PENALTY)
        found: Tensor = 100.0 + 0 * discriminator(real).sum()
        return found

    def project(self, discriminator: nn.Module) -> None:
        self.projected += 1


def test_penalties_are_added_and_projected_at_every_discriminator_update(make_state: Make) -> None:
    term, projection = Counting(True), Counting(False)
    settings, notes = recipe(steps=3, n_critic=2), Notes()
    plain = Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), term, projection), notes)
    assert term.called == [(False, False)] * 6
    assert projection.called == []
    assert (term.projected, projection.projected) == (6, 6)
    assert notes.reports[0][1] == pytest.approx(plain.reports[0][1] + 100)


@pytest.mark.parametrize(("every", "penalised"), [(2, [1, 3, 5]), (3, [1, 4])])
def test_a_penalty_on_gradients_may_be_a_term_of_one_step_in_so_many(
    make_state: Make, every: int, penalised: list[int]
) -> None:
    term, projection = Counting(True), Counting(False)
    settings, notes, plain = recipe(steps=5, n_critic=2, penalty_every=every), Notes(), Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), term, projection), notes)
    assert term.called == [(False, False)] * 2 * len(penalised)  # in both updates of such a step
    assert (term.projected, projection.projected) == (10, 10)
    more = [with_it[1] - without[1] for with_it, without in zip(notes.reports, plain.reports, strict=True)]
    assert more == pytest.approx([100 * every if step in penalised else 0 for step in range(1, 6)])


def test_a_penalty_on_gradients_may_change_its_strength(make_state: Make) -> None:
    settings, notes, plain = recipe(steps=4, n_critic=2, penalty_final=0.2, penalty_decay_steps=2), Notes(), Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), Counting(True)), notes)
    more = [with_it[1] - without[1] for with_it, without in zip(notes.reports, plain.reports, strict=True)]
    assert more == pytest.approx([100, 60, 20, 20], abs=1e-3)


def test_its_strength_is_that_of_the_step_where_it_is_a_term_of_few(make_state: Make) -> None:
    settings, notes, plain = (
        recipe(steps=4, penalty_final=0.2, penalty_decay_steps=4, penalty_every=2),
        Notes(),
        Notes(),
    )
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), Counting(True)), notes)
    more = [with_it[1] - without[1] for with_it, without in zip(notes.reports, plain.reports, strict=True)]
    assert more == pytest.approx([200, 0, 120, 0], abs=1e-3)


def test_other_penalties_keep_their_strength(make_state: Make) -> None:
    class Weights(Counting):
        constrains = "weights"

    settings, notes, plain = recipe(steps=3, penalty_final=0.2), Notes(), Notes()
    run(make_state(settings), settings, objective(LSGAN()), plain)
    run(make_state(settings), settings, objective(LSGAN(), Weights(True)), notes)
    more = [with_it[1] - without[1] for with_it, without in zip(notes.reports, plain.reports, strict=True)]
    assert more == pytest.approx([100, 100, 100], abs=1e-3)


def test_other_penalties_are_terms_of_every_step(make_state: Make) -> None:
    class Weights(Counting):
        constrains = "weights"

    remembering, term = LeCam(), Weights(True)
    settings = recipe(steps=5, penalty_every=3)
    run(make_state(settings), settings, objective(LSGAN(), remembering, term), Notes())
    assert remembering.state_dict()["updates"] == 5
    assert len(term.called) == 5
