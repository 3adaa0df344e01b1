"""Which steps are recorded (:mod:`ganbench.training.recorded`): those that can be, are like most, and gain by it."""

from collections.abc import Callable, Sequence

from torch import Tensor

from ganbench.schedule import usual
from ganbench.spec import Recipe
from ganbench.training.capture import Capture, Work, capture_on_cuda
from ganbench.training.draws import Draws
from ganbench.training.kept import Subject
from ganbench.training.objective import Objective
from ganbench.training.recorded import Recorded
from ganbench.training.state import State
from ganbench.training.tape import capture_on_cpu

CAPTURES: dict[str, Capture] = {"cuda": capture_on_cuda, "cpu": capture_on_cpu}
"""How steps are recorded on a device; on others they are not."""
FEW_STEPS = 100
"""On a CPU fewer steps than these are not recorded: recording takes as long as five of them."""
MANY_WEIGHTS = 10_000_000
"""On a CPU networks of more weights than these are not recorded: beside their arithmetic, calling it is nothing."""


def capture_for(subject: Subject, steps: int) -> Capture | None:
    """Return how the next ``steps`` of a trial, or of several at once, are recorded there; ``None`` where that is not
    possible or saves no time."""
    if subject.device.type == "cpu":
        weights = sum(weight.numel() for network in subject.networks for weight in network.parameters())
        if steps < FEW_STEPS or weights > MANY_WEIGHTS:
            return None
    return CAPTURES.get(subject.device.type)


def with_recording(
    subject: Subject, work: Work, goals: Sequence[Objective], recipe: Recipe, capture: Capture
) -> Callable[[], Tensor]:
    """Return a function that does the next step at each call.

    Steps are recorded where the recipe allows, except those unlike most: boosted ones, of which a recording would hold
    very many updates, those with a seldom penalty, and those in which a history of fakes fills.

    Args:
        subject: the trial's state, or the batched model of several.
        work: one whole step of it; returns its losses as one tensor.
        goals: what the players of each trial minimise.
        recipe: of all trials.
        capture: how to record.
    """
    states = subject.states
    transforms = [transform for state in states for transform in state.augment.transforms]

    def obstacle() -> str:
        remembers = any(penalty.state_dict() for goal in goals for penalty in goal.penalties)
        return obstacle_to_recording(recipe, remembers=remembers)

    def like_most() -> bool:
        return all(state.settled for state in states) and usual(recipe, states[0].step + 1)

    recorded = Recorded(
        subject,
        work,
        draws=[
            draws for state, goal in zip(states, goals, strict=True) for draws in drawn_on_the_host(state, recipe, goal)
        ],
        seen=recipe.n_critic * states[0].samples_per_update,
        parts=[*(part for goal in goals for part in (goal.loss, *goal.penalties)), *transforms],
        obstacle=obstacle,
        capture=capture,
    )
    if not (recipe.n_critic_boost or recipe.penalty_every > 1 or recipe.g_penalty_every > 1 or recipe.replay):
        return recorded
    return lambda: recorded() if like_most() else recorded.apart()


def obstacle_to_recording(recipe: Recipe, *, remembers: bool) -> str:
    """Say what in a recipe is decided on the host at every step, so that its steps cannot be recorded; else empty.

    Args:
        recipe: the trial's.
        remembers: whether a penalty keeps something from one update to the next.
    """
    if remembers:
        return "a penalty that remembers earlier updates"
    if recipe.lr_schedule != "constant" and recipe.optimizer != "adam":
        return f"{recipe.optimizer} with a learning rate that changes"
    return ""


def drawn_on_the_host(state: State, recipe: Recipe, goal: Objective) -> list[tuple[Draws, int]]:
    """What most steps of a trial draw on the host, each with how many times.

    Args:
        state: the trial's.
        recipe: the trial's.
        goal: what its players minimise.
    """
    of_generator, needs_real = recipe.n_generator * recipe.g_batches, goal.loss.needs_real
    draws = [(state.batches.indices, recipe.n_critic + (of_generator if needs_real else 0))]
    if goal.compares and recipe.g_penalty_every == 1:
        draws.append((state.compared.indices, of_generator))
    if state.conditioning != "none" and not needs_real:
        draws.append((state.labelled, recipe.n_generator))
    if state.replay is not None:
        draws.append((state.replay.chosen, recipe.n_critic))
    return draws
