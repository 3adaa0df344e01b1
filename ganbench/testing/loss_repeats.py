"""Whether a loss is a function of the raw outputs alone: it draws nothing, counts nothing and changes nothing."""

import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.loss_outputs import PLAYERS, build, objective, outputs
from ganbench.testing.trial_streams import UNUSUAL


def repeatable(subject: Subject) -> None:
    """The same outputs give the same value, and are left as they were; nothing is counted."""
    loss = build(subject)
    for player in PLAYERS:
        # A loss that seeds torch's stream leaves the state that it has left before: start from another.
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(UNUSUAL)
            _repeats(loss, player, *outputs(5, 5))


def _repeats(loss: Loss, player: str, real: Tensor, fake: Tensor) -> None:
    before, state = (real.detach().clone(), fake.detach().clone()), torch.get_rng_state()
    first, held = objective(loss, player, real, fake).item(), _numbers(loss)
    if not (torch.equal(real, before[0]) and torch.equal(fake, before[1])):
        raise Flaw(f"{player}() changes the outputs it is given; a penalty after it would see other values")
    if objective(loss, player, real, fake).item() != first:
        raise Flaw(f"{player}() gives another value when called again; a resumed trial would not repeat itself")
    if not torch.equal(torch.get_rng_state(), state):
        raise Flaw(
            f"{player}() draws from torch's own random stream or seeds it; other layers would draw other numbers"
        )
    if counted := [name for name, value in _numbers(loss).items() if value != held.get(name)]:
        raise Flaw(
            f"{player}() changes the loss's own {' and '.join(counted)} at each call, but a loss is in no checkpoint: "
            "a resumed trial would start it again; a penalty can count its updates (state_dict)"
        )


def _numbers(loss: Loss) -> dict[str, float]:
    """The numbers that a loss holds, by the names of its attributes; not those that are not a number."""
    return {name: value for name, value in vars(loss).items() if isinstance(value, int | float) and value == value}
