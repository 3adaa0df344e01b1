"""Whether a loss is what it is called: by its declared formula, and by what the field means by its name.

In formulas r and f are raw outputs on real and on fake samples, and means are over the batch. Those of the field are of
Goodfellow et al. 2014, Mao et al. 2017 (a = 0, b = c = 1, with the 1/2), Arjovsky et al. 2017, Lim & Ye 2017, and
Jolicoeur-Martineau 2019 (whose relativistic averages have no 1/2 in print and one in the code).
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.testing.formulas import NotAFormula, names, parse
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import EXTREMES, PLAYERS, build, gradients, number, objective, outputs
from ganbench.testing.used_parameters import at_other_values

_CROSS_ENTROPY = "softplus(-r) + softplus(f)"
_WASSERSTEIN = ("f - r", "-f")
_PAIRWISE = ("softplus(-(r - f))", "softplus(-(f - r))")
_AVERAGED = (
    "softplus(-(r - mean(f))) + softplus(f - mean(r))",
    "softplus(r - mean(f)) + softplus(-(f - mean(r)))",
)

CONVENTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "vanilla": ((_CROSS_ENTROPY, "softplus(-f)"),),
    "minimax": ((_CROSS_ENTROPY, "-softplus(f)"),),
    "lsgan": (("1/2 * (r - 1)^2 + 1/2 * f^2", "1/2 * (f - 1)^2"),),
    "lsgan-sigmoid": (("1/2 * (sigmoid(r) - 1)^2 + 1/2 * sigmoid(f)^2", "1/2 * (sigmoid(f) - 1)^2"),),
    "wgan": (_WASSERSTEIN,),
    "wgan-gp": (_WASSERSTEIN,),
    "wgan-lp": (_WASSERSTEIN,),
    "hinge": (("relu(1 - r) + relu(1 + f)", "-f"),),
    "dragan": ((_CROSS_ENTROPY, "softplus(-f)"),),
    "rpgan": (_PAIRWISE,),
    "rsgan": (_PAIRWISE,),
    "ragan": (_AVERAGED, (f"1/2 * ({_AVERAGED[0]})", f"1/2 * ({_AVERAGED[1]})")),
}
"""What each name may mean: pairs of what the discriminator and the generator minimise."""
PENALISED = ("wgan", "wgan-gp", "wgan-lp", "dragan")
"""Losses that are named after, or do not work without, a term that bounds the critic."""


def formula(subject: Subject) -> None:
    """The declared formula is what is computed, in value and gradient, from -50 to 50, also with other parameters."""
    loss = build(subject)
    if not any(loss.formula):
        raise NotApplicable("no formula is declared; declare one, and it is compared with the code")
    declared: Any = loss.formula
    if not isinstance(declared, tuple | list) or len(declared) != len(PLAYERS):
        raise Flaw(
            f"formula is {declared!r}, but must be two texts, what the discriminator minimises and what the generator "
            f"minimises; `ganbench show {subject.name}` would fail or say something else"
        )
    for player, text in zip(PLAYERS, declared, strict=True):
        try:
            _agree(subject, loss, player, parse(text, without_slope=True), f"the declared '{text}'")
            for given, other in at_other_values(subject, names(text)):
                varied = build(other)
                said = dict(zip(PLAYERS, varied.formula, strict=True))[player]
                whose = f"the declared '{said}' with {given}"
                _agree(other, varied, player, parse(said, without_slope=True), whose, computable=True)
        except NotAFormula as reason:
            raise NotApplicable(f"the {player}'s formula is not one that can be computed: {reason}") from reason


def convention(subject: Subject) -> None:
    """A name that is known in the field means what the field means by it."""
    loss = build(subject)
    minimax, forms = "minimax" in subject.name.split("-"), CONVENTIONS.get(subject.name, ())
    if not minimax and not forms:
        raise NotApplicable(f"the name '{subject.name}' has no fixed meaning in the field")
    if minimax:
        real, fake = outputs(6, 6)
        (by_d,) = gradients(loss.discriminator(real, fake), fake)
        (by_g,) = gradients(objective(loss, "generator", real, fake), fake)
        if not torch.allclose(by_g, -by_d, rtol=1e-6):
            raise Flaw(
                f"'{subject.name}' is not a minimax game: the generator does not minimise what the "
                "discriminator maximises; this is the non-saturating variant, which a table would show under "
                "the wrong name"
            )
    flaws = [flaw for form in forms if (flaw := _departs(subject, loss, form))]
    if flaws and len(flaws) == len(forms):
        raise flaws[0]
    if subject.name in PENALISED and loss.penalty is None:
        raise Flaw(
            f"'{subject.name}' has no penalty, but in the field this name means a loss with one; a table would "
            "show the scores of an unconstrained critic under its name"
        )


def least_squares(subject: Subject) -> None:
    """A loss of squares has the same factor on all its sides."""
    loss = build(subject)
    curvatures: dict[str, float] = {}
    for player, side in itertools.product(PLAYERS, ("real", "fake")):
        curvature = _constant_curvature(loss, player, side)
        if curvature is None:
            raise NotApplicable("not a loss of squares")
        if curvature > 0:
            curvatures[f"{player}'s on {side}"] = curvature
    if not curvatures:
        raise NotApplicable("not a loss of squares")
    if max(curvatures.values()) > 1.001 * min(curvatures.values()):
        listed = ", ".join(f"{value / 2:.3g} in the {where}" for where, value in curvatures.items())
        raise Flaw(
            f"the squares have different factors ({listed}): a 1/2 is present on one side only; the balance of "
            "the two players would differ from the paper's, as if one learning rate were changed"
        )


def _departs(subject: Subject, loss: Loss, form: tuple[str, str]) -> Flaw | None:
    """How a loss differs from one whose players minimise these formulas; ``None`` if it does not."""
    try:
        for player, text in zip(PLAYERS, form, strict=True):
            _agree(subject, loss, player, parse(text), f"what the field calls '{subject.name}', '{text}'")
    except Flaw as flaw:
        return flaw
    return None


def _agree(
    subject: Subject,
    loss: Loss,
    player: str,
    expression: Callable[[Any], Tensor],
    whose: str,
    *,
    computable: bool = False,
) -> None:
    """Compare a player's objective with a formula, in value and gradient, at ordinary and at extreme outputs.

    With ``computable`` only where the formula is a number as it is written: ``log(sigmoid(20 * r))`` is none at -50,
    and a loss that computes it well is.
    """
    constants = {name: value for name, value in vars(loss).items() if isinstance(value, int | float)}
    constants |= {name: value for name, value in subject.parameters.items() if not isinstance(value, str)}
    extremes = [
        [torch.tensor([level], dtype=torch.float64, requires_grad=True) for level in pair]
        for pair in itertools.product(EXTREMES, repeat=2)
    ]
    for real, fake in (outputs(7, 7, seed=5), *extremes):
        # A formula without r and f is a number, whose gradient is zero.
        wanted = torch.as_tensor(expression({**constants, "r": real, "f": fake}), dtype=real.dtype).mean()
        wanted = wanted + 0 * (real.sum() + fake.sum())
        found = objective(loss, player, real, fake)
        at = f"at r = {real[0].item():.3g}, f = {fake[0].item():.3g}"
        # The generator does not move outputs on real samples: it may detach them.
        sides = {"real": real, "fake": fake} if player == "discriminator" else {"fake": fake}
        expected = gradients(wanted, *sides.values())
        if computable and not all(bool(one.isfinite().all()) for one in (wanted, *expected)):
            continue
        for side, ours, theirs in zip(sides, gradients(found, *sides.values()), expected, strict=True):
            if float(ours.abs().max()) < 0.01 * float(theirs.abs().max()) and float(theirs.abs().max()) > 1e-6:
                raise Flaw(
                    f"the {player}'s gradient by its output on {side} is {ours[0].item():.3g} {at}, but {whose} "
                    f"gives {theirs[0].item():.3g}; an epsilon inside a logarithm makes a loss saturate like "
                    "this, and a player that is far behind would stop learning"
                )
            if not torch.allclose(ours, theirs, rtol=1e-5, atol=1e-7):  # what float32 leaves of 1 - sigmoid(x)
                raise Flaw(
                    f"the {player}'s gradient by its output on {side} is {ours[0].item():.4g} {at}, but {whose} "
                    f"gives {theirs[0].item():.4g}{_times(ours[0], theirs[0])}; the scores would be those of "
                    "another loss"
                )
        if not torch.allclose(found.double(), wanted, rtol=1e-6, atol=1e-9):
            raise Flaw(
                f"the {player}'s value is {number(found)} {at}, but {whose} gives "
                f"{number(wanted)}{_times(found, wanted)}; the curves would be those of another loss"
            )


def _constant_curvature(loss: Loss, player: str, side: str) -> float | None:
    """The second derivative by an output if it is the same everywhere (0 for a linear side), else ``None``."""
    found = []
    for shift in (-3.0, -0.5, 0.7, 4.0):
        real, fake = (torch.full((1,), shift, dtype=torch.float64, requires_grad=True) for _ in range(2))
        value = objective(loss, player, real, fake)
        wanted = real if side == "real" else fake
        (first,) = torch.autograd.grad(value, wanted, create_graph=True, allow_unused=True)
        if first is None or not first.requires_grad:
            found.append(0.0)
            continue
        (second,) = torch.autograd.grad(first.sum(), wanted, allow_unused=True)
        found.append(0.0 if second is None else second.item())
    return found[0] if max(found) - min(found) < 1e-9 else None


def _times(found: Tensor, wanted: Tensor) -> str:
    """The ratio of two values in words, if it is one that tells something."""
    ratio = (found / wanted).item()
    return f" ({ratio:.3g} times it)" if 0.01 < abs(ratio) < 100 else ""
