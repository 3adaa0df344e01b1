"""What penalties on either player must do: each function refuses one that does not, and says what a user would see."""

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ganbench.errors import with_kind
from ganbench.testing.kit import Flaw, NotApplicable
from ganbench.testing.loss_outputs import gradients
from ganbench.testing.other_device import fails_elsewhere
from ganbench.testing.trial_streams import UNUSUAL, drawn_from_a_stream, stream

Player = Literal["discriminator", "generator"]

_CALLED: dict[Player, str] = {"discriminator": "discriminator(x)", "generator": "generator(z)"}
_GIVEN: dict[Player, str] = {"discriminator": "samples", "generator": "latent points or samples"}
_VARIABLE: dict[Player, str] = {"discriminator": "x", "generator": "z"}


UPDATES = 20
"""How long a penalty may be 0 and yet be seen at work: one that counts its updates, or is for large slopes only."""

DRAWN = "adding it would change what other layers draw, so two losses could not be compared"
"""What a user would see where a penalty draws from torch's own stream."""

NOT_YET = f"it is 0 in its first {UPDATES} updates; check it with parameters with which it acts earlier"


def acts_in_time(penalty: Any, network: nn.Module, value: Callable[[Any], Tensor]) -> bool:
    """Call a penalty up to the update in which it acts, often the first; return whether that comes within ``UPDATES``.

    Args:
        penalty: may count its updates.
        network: that it acts on; its weights move and grow from one update to the next.
        value: calls a penalty like it on the network.
    """
    weights = [*network.parameters()]
    for number in range(UPDATES):
        tried = value(deepcopy(penalty))
        if tried.item() != 0 or any(bool(slope.any()) for slope in gradients(tried, *weights)):
            return True
        value(penalty)
        with torch.no_grad():
            for weight in weights:
                moved = 0.01 * torch.randn(weight.shape, generator=stream(number), dtype=weight.dtype)
                weight.mul_(1.1).add_(moved)
    return False


def as_it_acts(penalty: Any, network: nn.Module, value: Callable[[Any], Tensor]) -> Any:
    """Return a penalty as it is just before the update in which it acts; as it is where that is the first one, or where
    it remembers more than how often it was called.

    A check that looks at the first update alone would find nothing wrong with one that begins later.

    Args:
        penalty: a fresh one.
        network: as in :func:`acts_in_time`.
        value: as in :func:`acts_in_time`.
    """
    try:
        waiting = deepcopy(penalty)
        acts = acts_in_time(waiting, network, value)
        counts = all(isinstance(kept, int | float) for kept in waiting.state_dict().values())
    except Exception:  # the checks say what is wrong with it
        return penalty
    return waiting if acts and counts else penalty


def require_derivative(value: Callable[[nn.Module], Tensor], network: nn.Module, player: Player) -> None:
    """Refuse one whose gradient by the weights is not the derivative of its value, found by central differences.

    Args:
        value: the penalty of a network like ``network``, always from the same state.
        network: that of ``player``, in float64.
        player: whose objective it joins.
    """
    weights = [*network.parameters()]
    whole = value(network)
    if not torch.allclose(value(network), whole, rtol=0, atol=0, equal_nan=True):
        raise NotApplicable("it gives another value each time that it is called, which another check refuses")
    slopes = gradients(whole, *weights)
    near = 1e-5 * (1 + abs(whole.item()))
    for seed in range(3):
        directions = [torch.randn(w.shape, generator=stream(20 + seed), dtype=w.dtype) for w in weights]
        wanted = sum(float((slope * way).sum()) for slope, way in zip(slopes, directions, strict=True))
        if math.isclose(_along(directions, value, network, step=1e-5), wanted, rel_tol=1e-4, abs_tol=near):
            continue
        # A penalty may compute in float32; steps must be coarser then, as its digits are fewer.
        found = _along(directions, value, network, step=1e-3)
        if not math.isclose(found, wanted, rel_tol=1e-2, abs_tol=near):
            raise Flaw(
                f"the penalty's gradient is not the derivative of its value ({wanted:.4g} against {found:.4g} by "
                f"finite differences); part of it is detached, so the {player} would not move to a lower penalty"
            )


def require_same(value: Callable[[], Tensor], wanted: float, where: str, player: Player) -> None:
    """Refuse one that is not ``wanted`` in a mode of training, as it is on a plain module with the same weights."""
    mend = f"use {_CALLED[player]}, {player}.parameters() and {player}.named_parameters() only"
    try:
        found = value().item()
    except Flaw:
        raise
    except Exception as error:
        raise Flaw(
            f"{where} it fails ({with_kind(error, 160)}), because the {player} it gets there is not a module; {mend}, "
            "and call it with whole batches; every trial would fail at its first step"
        ) from error
    if not abs(found - wanted) <= 1e-6 * (1 + abs(wanted)):
        raise Flaw(
            f"{where} it is {found:.6g}, but {wanted:.6g} otherwise on the same weights and inputs, because "
            f"the {player} it gets there is not a module and its weights are no nn.Parameter; {mend}, and call it with "
            "whole batches"
        )


def require_undisturbed(
    call: Callable[[], object], network: nn.Module, given: Sequence[Tensor], player: Player
) -> None:
    """Refuse one that changes the network or what it is given.

    Args:
        call: calls it.
        network: that of ``player``, in training mode.
        given: the tensors it is called with, none of which requires gradients but the generator's samples.
        player: whose objective it joins.
    """
    before = {name: value.clone() for name, value in network.state_dict().items()}
    kept = [(one.detach().clone(), one.requires_grad) for one in given]
    call()
    changed = [name for name, value in network.state_dict().items() if not torch.equal(value, before[name])]
    if changed:
        raise Flaw(
            f"calling it changes the {player}'s weights ({', '.join(changed)}): it takes an optimiser step of its own, "
            f"to which --set {player[0]}_lr would not apply; it must return a term of the loss"
        )
    if any(parameter.grad is not None for parameter in network.parameters()):
        raise Flaw(f"calling it leaves gradients on the {player} (a backward() of its own); they would be wrong")
    if not all(parameter.requires_grad for parameter in network.parameters()) or not network.training:
        raise Flaw(f"calling it freezes the {player} or leaves it in eval mode, and training would continue like that")
    if not all(torch.equal(one, value) for one, (value, _) in zip(given, kept, strict=True)):
        raise Flaw(f"it changes the {_GIVEN[player]} it is given in place; a second penalty would see others")
    if any(one.requires_grad is not required for one, (_, required) in zip(given, kept, strict=True)):
        raise Flaw(
            f"it switches on gradients of the {_GIVEN[player]} it is given; use "
            f"{_VARIABLE[player]}.detach().requires_grad_(True)"
        )


def require_repeatable(value: Callable[[torch.Generator], Tensor]) -> None:
    """Refuse one that draws from elsewhere than its stream, or seeds that; ``value`` is it from the same state and
    batch, with a stream."""
    first = drawn_from_a_stream(value, DRAWN).item()
    if value(stream(UNUSUAL)).item() != first:
        raise Flaw(
            "the same random stream gives another value when it is called again (drawn from numpy, from random or from "
            "a stream of its own?); a resumed trial would give other results; draw from the stream that it is given"
        )


def require_any_device(
    build: Callable[[], Any], remembered: dict[str, Any], call: Callable[[Any, str], object], beside: str, such: str
) -> None:
    """Refuse one that leaves tensors on the CPU.

    Args:
        build: makes a fresh instance.
        remembered: what another has remembered, after a call.
        call: calls an instance on a device.
        beside: the argument whose device is right.
        such: what it may make, as an example, or nothing.
    """
    for state in ({}, remembered) if remembered else ({},):

        def attempt(device: str, state: dict[str, Any] = state) -> None:
            fresh = build()
            if state:
                fresh.load_state_dict(deepcopy(state))  # its tensors arrive on the CPU
            call(fresh, device)

        if said := fails_elsewhere(attempt):
            # Numbers and text are on no device: with them it only acts where it would not in its first update.
            loaded = any(not isinstance(kept, int | float | str) for kept in state.values())
            what, mend = (
                ("has loaded in load_state_dict()", f"move it to {beside}.device")
                if loaded
                else (f"makes{such}", f"make it with device={beside}.device")
            )
            raise Flaw(
                f"it fails on samples of another device ({said}): a tensor that it {what} stays on the CPU; {mend}; "
                "--device cuda would fail"
            )


def require_digits(exact: float, value: Tensor, network: nn.Module) -> None:
    """Refuse a value under bfloat16, float32 itself, that is not finite or far from the exact one."""
    slopes = gradients(value, *network.parameters())
    if not all(bool(torch.isfinite(x).all()) for x in (value, *slopes)):
        raise Flaw("value or gradient is not finite under bfloat16; precision=bfloat16 would end as diverged")
    if abs(value.item() - exact) > 0.1 * (abs(exact) + 0.01):
        raise Flaw(f"it is {value.item():.4g} under bfloat16 and {exact:.4g} in float32; it loses its digits there")


def _along(directions: list[Tensor], value: Callable[[nn.Module], Tensor], network: nn.Module, *, step: float) -> float:
    """The derivative of a value where each weight moves in a direction of its own, by central differences."""
    values = []
    for way in (step, -step):
        moved = deepcopy(network)
        with torch.no_grad():
            for weight, direction in zip(moved.parameters(), directions, strict=True):
                weight.add_(way * direction)
        values.append(value(moved).item())
    return (values[0] - values[1]) / (2 * step)
