"""Whether a penalty is what it declares: what it constrains, on which samples, by how many differentiations."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.components import kinds_of
from ganbench.errors import UsageError
from ganbench.resolving.penalties import check_constrained
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.penalty_critics import batches, build, differentiable, term


def declared(subject: Subject) -> None:
    """Its declarations are words of the contract."""
    penalty: Any = build(subject)
    try:
        check_constrained("it", penalty)
        kinds_of("it", penalty.kinds)
    except UsageError as error:
        raise Flaw(f"{error}; every run would be refused with this line") from error
    for name in ("differentiable", "double_backward", "of_outputs"):
        if not isinstance(getattr(penalty, name), bool):
            raise Flaw(f"{name} is {getattr(penalty, name)!r}, but must be True or False")


def once_differentiated(subject: Subject) -> None:
    """It differentiates the discriminator twice only where it says so, and not where it is of outputs."""
    penalty = differentiable(subject)
    if penalty.double_backward and penalty.constrains != "outputs":
        raise NotApplicable("double_backward is True: it may differentiate the discriminator twice")
    real, fake, critic = batches(penalty, 4)
    graphs: list[bool] = []
    value = term(penalty, _Watched(critic, graphs), real, fake)
    if any(graphs) and value.requires_grad:
        if penalty.double_backward:
            raise Flaw(
                "constrains is 'outputs', but it differentiates the discriminator by its samples with "
                "create_graph=True; it would be accepted beside another penalty on the gradient, and on packed "
                "discriminators; declare constrains = 'gradient'"
            )
        raise Flaw(
            "double_backward is False, but it differentiates the discriminator by its samples with "
            "create_graph=True; it would be accepted on discriminators that cannot be differentiated twice, "
            "and with batch normalisation, where one sample's gradient depends on the others"
        )


class _Watched(nn.Module):
    """A critic that notes, at each differentiation, whether that is to be differentiated again."""

    def __init__(self, critic: nn.Module, graphs: list[bool]) -> None:
        super().__init__()
        self.critic = critic
        self.graphs = graphs

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = _Note.apply(self.critic(x), self.graphs.append)
        return outputs


class _Note(torch.autograd.Function):
    """The identity; its backward notes whether a graph of it is made."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, note: Callable[[bool], None]) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.note = inputs[1]

    @staticmethod
    def backward(ctx: Any, *by: Any) -> Any:
        ctx.note(torch.is_grad_enabled())
        return by[0], None

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        return tangents[0].clone()
