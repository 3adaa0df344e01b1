"""What a penalty on outputs must be: a mean over the batch, and the same from samples as from outputs."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor

from ganbench.api import Penalty
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import gradients, outputs
from ganbench.testing.penalty_critics import batches, build, differentiable, require_scalar, term

TIMES = 16
"""How often a batch is repeated. A sum grows by this, a norm by its root; chance, or N - 1 for N, changes far less."""
SCALES = (1.0, 10.0, 100.0, 1000.0)


def reduction(subject: Subject) -> None:
    """On outputs or weights: a batch repeated many times costs what it costs once."""
    penalty = differentiable(subject)
    if penalty.constrains == "gradient":
        raise NotApplicable("it constrains the gradient: see batch-size")
    real, fake, critic = batches(penalty, 4)
    more_real, more_fake = (torch.cat([x] * TIMES) for x in (real, fake))
    once = sum(term(deepcopy(penalty), critic, real, fake, seed).item() for seed in range(8)) / 8
    often = sum(term(deepcopy(penalty), critic, more_real, more_fake, seed).item() for seed in range(8)) / 8
    _same_at_any_size(once, often, 4)


def on_outputs(subject: Subject) -> None:
    """A penalty on outputs alone is a mean over the batch, and the same whether given outputs or samples."""
    penalty = build(subject)
    if not penalty.of_outputs:
        raise NotApplicable("of_outputs is False: it is called with samples")
    if type(penalty).on_outputs is Penalty.on_outputs:
        raise Flaw(
            "of_outputs is True, but on_outputs() is not implemented; the training loop calls only that, so "
            "the first step would end with NotImplementedError"
        )
    for n in (1, 2, 7):
        _value(penalty, *outputs(n, n, dtype=torch.float32))
    real, fake = outputs(6, 6)
    value = _value(penalty, real, fake)
    often = _value(penalty, torch.cat([real] * TIMES), torch.cat([fake] * TIMES))
    _same_at_any_size(value.item(), often.item(), 6)
    # Some penalties are 0 until a later update: nothing can be said of them then.
    if value.item() and not any(bool(slope.abs().sum() > 0) for slope in gradients(value, real, fake)):
        raise Flaw("on_outputs() has no gradient by the outputs, so it would have no effect")
    _bounded(penalty, real.detach(), fake.detach())
    _as_called(penalty)


def _value(penalty: Penalty, real: Tensor, fake: Tensor) -> Tensor:
    value = require_scalar(deepcopy(penalty).on_outputs(real, fake), "on_outputs()", len(real))
    if not bool(torch.isfinite(value)):
        raise Flaw(f"on_outputs() is {value.item()} on {len(real)} outputs; a trial would end as diverged")
    return value


def _same_at_any_size(once: float, often: float, n: int) -> None:
    """Refuse a value that grows or shrinks with the batch. Bounds are wide: some draw, some divide by N - 1."""
    if abs(often) > 3 * abs(once) + 1e-9 or abs(once) > 3 * abs(often) + 1e-9:
        summed = abs(often - TIMES * once) < 0.4 * abs(often)
        raise Flaw(
            f"it {'is summed over the batch' if summed else 'depends on the batch size'} ({once:.4g} for {n} samples, "
            f"{often:.4g} for the same ones {TIMES} times); --batch-size would change its weight"
        )


def _bounded(penalty: Penalty, real: Tensor, fake: Tensor) -> None:
    """Refuse what becomes ever more negative as outputs grow: a penalty must cost something."""
    found = [_value(penalty, scale * real, scale * fake).item() for scale in SCALES]
    if found[-1] < 0 and all(after < before for before, after in pairwise(found)):
        listed = ", ".join(f"{value:.4g}" for value in found)
        raise Flaw(
            f"it falls without limit as the outputs grow ({listed} at 1, 10, 100 and 1000 times the same "
            "outputs): its sign is wrong, and it would reward the discriminator for what it should prevent"
        )


def _as_called(penalty: Penalty) -> None:
    """Compare the two ways of computing a penalty: those who use the class itself call it with samples."""
    real, fake, critic = batches(penalty, 6)
    try:
        called = term(deepcopy(penalty), critic, real, fake).item()
    except NotImplementedError:
        return
    found = _value(penalty, critic(real), critic(fake)).item()
    if abs(found - called) > 1e-5 * (abs(called) + 1e-6):
        raise Flaw(
            f"on_outputs() gives {found:.6g}, but a call with the samples of these outputs gives {called:.6g}; "
            "the training loop uses the first, and the other checks used the second"
        )
