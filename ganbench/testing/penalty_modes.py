"""Whether a penalty works with what stands for the discriminator in every mode of training."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.testing.kit import Subject
from ganbench.testing.penalty_critics import batches, differentiable, term
from ganbench.testing.penalty_properties import require_same


def training_modes(subject: Subject) -> None:
    """It is the same on a conditional discriminator, and on that of one of several seeds trained together."""
    # Imported here: most checks need nothing of the training loop.
    from ganbench.training.conditional import Critic
    from ganbench.training.stacked import Stacked

    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    plain = _Labelled(critic)
    wanted = term(deepcopy(penalty), plain, real, fake).item()

    def require(stand_in: Any, where: str) -> None:
        require_same(lambda: term(deepcopy(penalty), stand_in, real, fake), wanted, where, "discriminator")

    require(Critic(plain, torch.arange(len(real)), "labels"), "with a conditional architecture")
    # The second of two, so that a penalty that only looks at the first is found out.
    other, own = deepcopy(plain), deepcopy(plain)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    require(Stacked([other, own]).each()[1], "under --batch-seeds")


class _Labelled(nn.Module):
    """A critic that takes labels and ignores them."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        outputs: Tensor = self.critic(x)
        return outputs if labels is None else outputs + 0 * labels
