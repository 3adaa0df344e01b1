"""What a trial's two players minimise."""

from dataclasses import dataclass
from typing import Any

from ganbench.api import FeaturePenalty, GeneratorPenalty, Loss, Penalty


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What the two players minimise: a loss, with all penalties, of which each joins one player's objective."""

    loss: Loss
    penalties: tuple[Penalty | GeneratorPenalty, ...]

    @property
    def on_discriminator(self) -> tuple[Penalty, ...]:
        """The penalties that join the discriminator's objective."""
        return tuple(penalty for penalty in self.penalties if not isinstance(penalty, GeneratorPenalty))

    @property
    def on_generator(self) -> tuple[GeneratorPenalty, ...]:
        """The penalties that join the generator's objective."""
        return tuple(penalty for penalty in self.penalties if isinstance(penalty, GeneratorPenalty))

    @property
    def compares(self) -> bool:
        """Whether one of these looks at features of the discriminator."""
        return any(isinstance(penalty, FeaturePenalty) for penalty in self.penalties)

    def state_dict(self) -> dict[str, Any]:
        """What its penalties remember."""
        return {"penalties": [penalty.state_dict() for penalty in self.penalties]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned."""
        for penalty, remembered in zip(self.penalties, state["penalties"], strict=True):
            penalty.load_state_dict(remembered)
