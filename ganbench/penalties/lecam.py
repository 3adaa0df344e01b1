"""LeCam regularisation for little data (Tseng et al. 2021, arXiv:2104.03310)."""

from typing import Any

import torch
from torch import Tensor

from ganbench.api import Discriminator, Penalty


class LeCam(Penalty):
    """lambda_lc * (mean((r - a_f)^2) + mean((f - a_r)^2)), a_r and a_f moving averages of the outputs on real and fake.

    As equation 4 has it, the averages starting from 0. The authors' code keeps only the positive parts of r - a_f and
    a_r - f, which differs where the discriminator is wrong; that is another penalty.

    Args:
        lambda_lc: the weight; the paper has 0.3 with BigGAN on CIFAR.
        decay: of the moving averages, which follow the outputs of each discriminator update, in [0, 1).
        start: discriminator updates before the term counts; the averages are the latest means until then.

    Raises:
        ValueError: a parameter out of range.
    """

    constrains = "outputs"
    double_backward = False
    of_outputs = True
    formula = "lambda_lc * (mean((r - a_f)^2) + mean((f - a_r)^2)), a_r, a_f moving averages of r, f"

    def __init__(self, lambda_lc: float = 0.3, decay: float = 0.99, start: int = 0) -> None:
        if lambda_lc < 0:
            raise ValueError(f"lambda_lc={lambda_lc:g} must not be negative")
        if not 0 <= decay < 1:
            raise ValueError(f"decay={decay:g} must be in [0, 1)")
        if start < 0:
            raise ValueError(f"start={start} must not be negative")
        self.lambda_lc = lambda_lc
        self.decay = decay
        self.start = start
        self._updates = 0
        self._averages = torch.zeros(()), torch.zeros(())

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        """Return the penalty for samples."""
        return self.on_outputs(discriminator(real.detach()), discriminator(fake.detach()))

    def on_outputs(self, real: Tensor, fake: Tensor) -> Tensor:
        """Return the penalty of raw outputs (N,) against the averages so far, then take their means into these."""
        means = real.detach().mean(), fake.detach().mean()
        of_real, of_fake = (average.to(mean) for average, mean in zip(self._averages, means, strict=True))
        counts = self._updates >= self.start
        weight = 1 - self.decay if counts else 1.0
        self._averages = of_real.lerp(means[0], weight), of_fake.lerp(means[1], weight)
        self._updates += 1
        if not counts:
            return 0.0 * real.sum()
        return self.lambda_lc * ((real - of_fake).square().mean() + (fake - of_real).square().mean())

    def state_dict(self) -> dict[str, Any]:
        """The averages and how many updates made them."""
        return {"updates": self._updates, "averages": [average.cpu() for average in self._averages]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._updates = state["updates"]
        self._averages = state["averages"][0], state["averages"][1]
