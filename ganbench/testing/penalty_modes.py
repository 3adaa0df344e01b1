"""Whether a penalty works with what stands for the discriminator in every mode of training."""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.errors import with_kind
from ganbench.testing.kit import Flaw, Subject
from ganbench.testing.penalty_critics import batches, differentiable, term


def training_modes(subject: Subject) -> None:
    """It is the same on a conditional discriminator, and on that of one of several seeds trained together."""
    # Imported here: most checks need nothing of the training loop.
    from ganbench.training.conditional import Critic
    from ganbench.training.stacked import Stacked

    penalty = differentiable(subject)
    real, fake, critic = batches(penalty, 4)
    plain = _Labelled(critic)
    wanted = term(deepcopy(penalty), plain, real, fake).item()
    labels = torch.arange(len(real))
    _compare(penalty, Critic(plain, labels, "labels"), real, fake, wanted, "with a conditional architecture")
    # The second of two, so that a penalty that only looks at the first is found out.
    other, own = deepcopy(plain), deepcopy(plain)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.mul_(0.5)
    _compare(penalty, Stacked([other, own]).each()[1], real, fake, wanted, "under --batch-seeds")


def _compare(penalty: Penalty, critic: Any, real: Tensor, fake: Tensor, wanted: float, where: str) -> None:
    """Compare the penalty in one mode with that of a plain module with the same weights."""
    mend = "use discriminator(x), discriminator.parameters() and discriminator.named_parameters() only"
    try:
        found = term(deepcopy(penalty), critic, real, fake).item()
    except Flaw:
        raise
    except Exception as error:
        raise Flaw(
            f"{where} it fails ({with_kind(error, 160)}), because the discriminator "
            f"it gets there is not a module; {mend}; every trial would fail at its first step"
        ) from error
    if not abs(found - wanted) <= 1e-6 * (1 + abs(wanted)):
        raise Flaw(
            f"{where} it is {found:.6g}, but {wanted:.6g} otherwise on the same weights and samples, because "
            f"the discriminator it gets there is not a module and its weights are no nn.Parameter; {mend}, and "
            "call it with whole batches"
        )


class _Labelled(nn.Module):
    """A critic that takes labels and ignores them."""

    def __init__(self, critic: nn.Module) -> None:
        super().__init__()
        self.critic = critic

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Tensor:
        outputs: Tensor = self.critic(x)
        return outputs if labels is None else outputs + 0 * labels
