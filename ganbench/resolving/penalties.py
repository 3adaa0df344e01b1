"""Which penalties a loss can have, by what they declare. What cannot be is refused by name, before anything trains."""

from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

from ganbench.api import Constrained, GeneratorPenalty, Loss, Penalty
from ganbench.components import kinds_of, several
from ganbench.errors import UsageError, did_you_mean
from ganbench.spec import Component, DataSpec

AnyPenalty = Penalty | GeneratorPenalty
Joined = TypeVar("Joined", Penalty, GeneratorPenalty)


def check_penalties(loss_component: Component, loss: Loss, added: Sequence[tuple[Component, AnyPenalty]]) -> None:
    """Refuse a penalty given twice, beside one that the loss carries as part of its definition, or on who knows what.

    Raises:
        UsageError: names the penalty and the loss.
    """
    names = [component.name for component, _ in added]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"penalty '{name}' is added twice to loss '{loss_component.name}'; add it once")
    if loss.penalty is not None:
        if not isinstance(loss.penalty, Penalty):
            raise UsageError(
                f"the penalty of loss '{loss_component.name}' is a {type(loss.penalty).__name__}, not a "
                f"ganbench.api.Penalty; run `ganbench plugins check {loss_component.plugin}` for details"
            )
        check_constrained(f"the penalty of loss '{loss_component.name}'", loss.penalty)
    on_discriminator = those_of(Penalty, added)
    for component, penalty in on_discriminator:
        check_constrained(f"penalty '{component.name}'", penalty)
    for component, penalty in on_discriminator:
        if loss.penalty is not None and {loss.penalty.constrains, penalty.constrains} <= {"gradient", "weights"}:
            raise UsageError(
                f"penalty '{component.name}' cannot be added to loss '{loss_component.name}', which already has "
                f"a penalty on the critic's {loss.penalty.constrains}; add it to another loss, as in "
                f"'hinge+{component.name}'"
            )


def those_of(contract: type[Joined], added: Iterable[tuple[Component, AnyPenalty]]) -> list[tuple[Component, Joined]]:
    """The penalties of one player: of ``Penalty`` or ``GeneratorPenalty``, of which none is both."""
    return [(component, penalty) for component, penalty in added if isinstance(penalty, contract)]


def check_constrained(what: str, penalty: Penalty) -> None:
    """Check that what a penalty acts on is a word of the contract.

    Raises:
        UsageError: it is none; begins with ``what``, and says which is near.
    """
    known = get_args(Constrained)
    if penalty.constrains not in known:
        raise UsageError(
            f"{what} declares constrains = {penalty.constrains!r}, which is not a valid "
            f"value{did_you_mean(str(penalty.constrains), known)}"
        )


def check_kinds(label: str, penalties: Iterable[AnyPenalty], data: DataSpec) -> None:
    """Refuse penalties that are not for samples of this kind; ``label`` is of the loss with all of them.

    Raises:
        UsageError: names the loss and the dataset.
    """
    for penalty in penalties:
        if data.kind not in (kinds := kinds_of(f"a penalty of loss '{label}'", penalty.kinds)):
            raise UsageError(
                f"loss '{label}' has a penalty for {several(kinds)}, but dataset '{data.component.label}' contains "
                f"{data.kind}s; choose another penalty"
            )
