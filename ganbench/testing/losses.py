"""What a loss must do, whatever it is: both players' objectives on raw outputs of shape (N,)."""

import itertools
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ganbench.api import Penalty
from ganbench.errors import in_one_line, with_kind
from ganbench.testing import penalties
from ganbench.testing.judging import judge
from ganbench.testing.kit import Check, Flaw, NotApplicable, Subject
from ganbench.testing.loss_directions import direction, smoothing
from ganbench.testing.loss_formulas import convention, formula, least_squares
from ganbench.testing.loss_outputs import EXTREMES, PLAYERS, build, gradients, number, objective, outputs
from ganbench.testing.loss_repeats import repeatable
from ganbench.testing.other_device import fails_elsewhere
from ganbench.testing.used_parameters import used_parameters


def scalar(subject: Subject) -> None:
    """Both objectives are scalars that can be differentiated, at any batch size."""
    loss = build(subject)
    for n, player in itertools.product((1, 2, 7), PLAYERS):
        real, fake = outputs(n, n, dtype=torch.float32)
        value: Any = objective(loss, player, real, fake)
        if not isinstance(value, Tensor):
            raise Flaw(f"{player}() returns {type(value).__name__}, not a tensor; the first training step would fail")
        if value.shape != ():
            raise Flaw(
                f"{player}() returns shape {tuple(value.shape)} on {n} outputs, not a scalar; the first training step "
                "would fail in backward(); take the mean over the batch"
            )
        if not value.requires_grad:
            raise Flaw(
                f"{player}() returns a value cut off from the outputs (a .detach(), .item() or no_grad); "
                f"the {player} would never learn"
            )


def finite(subject: Subject) -> None:
    """Values and gradients are finite at outputs from -50 to 50."""
    loss = build(subject)
    for (r, f), player in itertools.product(itertools.product(EXTREMES, repeat=2), PLAYERS):
        real, fake = torch.full((4,), r, requires_grad=True), torch.full((4,), f, requires_grad=True)
        value = objective(loss, player, real, fake)
        by_real, by_fake = gradients(value, real, fake)
        for what, numbers in (("value", value), ("gradient", torch.stack([by_real, by_fake]))):
            if not bool(torch.isfinite(numbers).all()):
                bad = numbers[~torch.isfinite(numbers)].flatten()[0].item()
                raise Flaw(
                    f"the {player}'s {what} is {bad} at r = {r:g}, f = {f:g}; a trial would end as diverged as soon as "
                    "the discriminator is that sure (use softplus or log-sigmoid, not the log of a sigmoid)"
                )


def shape(subject: Subject) -> None:
    """Outputs of shape (N, 1) give what those of shape (N,) give, or are refused."""
    loss = build(subject)
    for player in PLAYERS:
        real, fake = outputs(5, 5)
        wanted = objective(loss, player, real, fake)
        try:
            found = objective(loss, player, real.unsqueeze(1), fake.unsqueeze(1))
        except (ValueError, RuntimeError, IndexError):
            continue
        if found.shape != () or not torch.allclose(found, wanted):
            raise Flaw(
                f"{player}() gives {number(found)} on outputs of shape (5, 1) but {number(wanted)} on the same "
                "ones of shape (5,); with a network that forgets to squeeze, another loss would be trained"
            )


def pairing(subject: Subject) -> None:
    """No N x N table arises where (N,) meets (N, 1)."""
    loss, n = build(subject), 11
    for player in PLAYERS:
        real, fake = outputs(n, n)
        with _Shapes() as seen:
            objective(loss, player, real, fake)
        if any(size >= n * n for size in seen.sizes):
            raise Flaw(
                f"{player}() computes {n} x {n} values from {n} outputs: (N,) was broadcast against (N, 1), so "
                "every real sample is compared with every fake; another loss than the paper's would be trained "
                "without any error"
            )


def batch_size(subject: Subject) -> None:
    """The same outputs twice give the same value: a mean over the batch, in any order."""
    loss = build(subject)
    for player in PLAYERS:
        real, fake = outputs(6, 6)
        once = objective(loss, player, real, fake)
        twice = objective(loss, player, torch.cat([real, real]), torch.cat([fake, fake]))
        if not _alike(once, twice):
            ratio = (twice / once).item()
            what = "is summed over the batch" if abs(ratio - 2) < 1e-4 else "depends on the batch size"
            raise Flaw(
                f"the {player}'s objective {what} ({number(once)} for 6 outputs, {number(twice)} for the same ones "
                "twice); --batch-size would change the learning rate"
            )
        order = torch.tensor([3, 0, 5, 1, 4, 2])
        shuffled = objective(loss, player, real[order], fake[order])
        if not _alike(once, shuffled):
            raise Flaw(f"the {player}'s objective depends on the order of the samples in a batch; scores would too")


def gradient(subject: Subject) -> None:
    """Gradients by the outputs that a player can move agree with finite differences."""
    loss = build(subject)
    for player in PLAYERS:
        real, fake = outputs(5, 5, seed=3)
        if player == "generator":
            # The generator does not move the outputs on real samples, so a loss may detach them.
            real = real.detach()
        value = partial(objective, loss, player)
        try:
            torch.autograd.gradcheck(value, (real, fake))
        except RuntimeError as error:
            # A loss may compute in float32; steps must be coarser then, as its digits are fewer.
            if torch.autograd.gradcheck(value, (real, fake), eps=1e-2, atol=2e-3, rtol=1e-2, raise_exception=False):
                continue
            found = value(real, fake)
            if found.dtype != torch.float64:
                dtype = str(found.dtype).removeprefix("torch.")
                raise Flaw(
                    f"{player}() returns {dtype} on float64 outputs: it casts inside, and loses digits"
                ) from error
            raise Flaw(
                f"the {player}'s gradient is not the derivative of its value ({in_one_line(error, 160)}); "
                "something is detached or rounded, so the network would minimise something else than the curve "
                "shows"
            ) from error


def bfloat16(subject: Subject) -> None:
    """bfloat16 outputs give nearly what float32 ones give."""
    loss = build(subject)
    for scale, player in itertools.product((1.0, 10.0), PLAYERS):
        real, fake = outputs(8, 8, scale=scale, dtype=torch.bfloat16)
        value = objective(loss, player, real, fake)
        exact = objective(loss, player, real.float(), fake.float())
        by = gradients(value, real, fake)
        if not all(bool(torch.isfinite(x).all()) for x in (value, *by)):
            raise Flaw(f"the {player}'s value or gradient is not finite in bfloat16; precision=bfloat16 would diverge")
        if abs(value.item() - exact.item()) > 0.05 * (1 + abs(exact.item())):
            raise Flaw(
                f"the {player}'s value is {value.item():.4g} in bfloat16 but {exact.item():.4g} in float32 on "
                "the same outputs; the loss loses digits that bfloat16 does not have"
            )


def real_samples(subject: Subject) -> None:
    """``needs_real`` says whether the generator's objective looks at real samples."""
    loss = build(subject)
    real, other, fake = outputs(5, 5, 5)
    if not loss.needs_real:
        try:
            plain = loss.generator(fake, None)
        except Exception as error:
            raise Flaw(
                f"generator() fails without real samples ({with_kind(error, 160)}), "
                "but needs_real is False, so the training loop passes None; the first step would fail"
            ) from error
        if not torch.allclose(plain, loss.generator(fake, real)):
            raise Flaw("generator() gives another value where it gets real samples; declare needs_real = True")
        return
    if torch.allclose(loss.generator(fake, real), loss.generator(fake, other)):
        raise Flaw(
            "needs_real is True, but the generator's objective does not depend on real samples; every step "
            "would compute a forward pass of the discriminator for nothing"
        )


def nothing_to_learn(subject: Subject) -> None:
    """Neither objective depends on weights of the loss's own."""
    loss = build(subject)
    for player in PLAYERS:
        real, fake = outputs(5, 5)
        strangers = [
            leaf for leaf in _leaves(objective(loss, player, real, fake)) if leaf is not real and leaf is not fake
        ]
        if strangers:
            shapes = ", ".join(str(tuple(leaf.shape)) for leaf in strangers)
            raise Flaw(
                f"{player}() depends on a tensor of its own that requires a gradient (shape {shapes}), but only "
                "the two networks are trained and saved; make it a constant, a parameter of the constructor, "
                "or a part of an architecture's discriminator"
            )


def devices(subject: Subject) -> None:
    """It computes where the outputs are."""
    loss = build(subject)
    for player in PLAYERS:

        def call(device: str, player: str = player) -> None:
            real, fake = (x.detach().to(device).requires_grad_() for x in outputs(5, 5, dtype=torch.float32))
            objective(loss, player, real, fake).backward()

        if said := fails_elsewhere(call):
            raise Flaw(
                f"{player}() fails on outputs of another device ({said}): a tensor that it makes, such as labels, is "
                "on the CPU; use torch.ones_like(real) and its like; --device cuda would fail"
            )


def carried_penalty(subject: Subject) -> None:
    """The penalty that it carries passes the checks of penalties."""
    loss = build(subject)
    if loss.penalty is None:
        raise NotApplicable("it carries no penalty")
    if not isinstance(loss.penalty, Penalty):
        raise Flaw(f"penalty is a {type(loss.penalty).__name__}, not a ganbench.api.Penalty; training would fail")
    cls = type(loss.penalty)
    carried = Subject(kind="penalty", name=cls.__name__, cls=cls, factory=lambda: build(subject).penalty)
    for function in penalties.CHECKS:
        outcome = judge(Check(name=function.__name__, title="", function=function), carried)
        if outcome.status == "failed":
            raise Flaw(f"its {cls.__name__}: {outcome.message}")


CHECKS = (
    used_parameters,
    real_samples,  # before those that fail by a need that is not declared
    scalar,
    finite,
    direction,
    shape,
    pairing,
    batch_size,
    gradient,
    bfloat16,
    formula,
    convention,
    least_squares,
    nothing_to_learn,
    smoothing,
    repeatable,
    devices,
    carried_penalty,
)


def _alike(a: Tensor, b: Tensor) -> bool:
    """Equal up to rounding in float32: a loss may compute in it whatever it is given."""
    return torch.allclose(a, b, rtol=1e-5, atol=1e-6)


def _leaves(value: Tensor) -> list[Tensor]:
    """The tensors to which ``backward`` would give a gradient."""
    found, seen, ahead = [], set(), [value.grad_fn]
    while ahead:
        node: Any = ahead.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            found.append(node.variable)
        ahead += [following for following, _ in node.next_functions]
    return found


class _Shapes(TorchDispatchMode):
    """Records the size of every tensor that is computed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.sizes: list[int] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for one in result if isinstance(result, tuple | list) else (result,):
            if isinstance(one, Tensor):
                self.sizes.append(one.numel())
        return result
