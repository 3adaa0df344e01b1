"""What a penalty on the discriminator's gradient must do: its closed form, sample by sample."""

import itertools
import math
from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from ganbench.api import Penalty
from ganbench.testing.formulas import SLOPE, NotAFormula, names, parse
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.penalty_critics import IMAGE, differentiable, sample_shapes, samples, term
from ganbench.testing.used_parameters import at_other_values

SLOPES = (0.3, 1.0, 3.0)


class Formula(nn.Module):
    """A critic that is a formula of the samples (N, ...), and has no weights."""

    def __init__(self, formula: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.formula = formula

    def forward(self, x: Tensor) -> Tensor:
        return self.formula(x)


def on_gradient(subject: Subject) -> Penalty:
    """Return an instance if it acts on the discriminator's gradient."""
    penalty = differentiable(subject)
    if penalty.constrains != "gradient":
        raise NotApplicable(f"it constrains {penalty.constrains}, not the gradient")
    return penalty


def batch_size(subject: Subject) -> None:
    """On a linear critic it is the same at every batch size."""
    penalty = on_gradient(subject)
    for shape in sample_shapes(penalty):
        weights = samples(1, shape, seed=3)[0]
        found = {n: _on_linear(penalty, weights, n) for n in (1, 2, 8)}
        if not all(math.isclose(value, found[1], rel_tol=1e-6, abs_tol=1e-9) for value in found.values()):
            listed = ", ".join(f"{value:.4g} at {n}" for n, value in found.items())
            raise Flaw(
                f"on D(x) = w.x, whose gradient is w at every sample, it depends on the batch size ({listed}): "
                "it takes the norm over the whole batch, not per sample; the slope of the critic would depend "
                "on --batch-size"
            )


def all_dimensions(subject: Subject) -> None:
    """The norm of a sample's gradient is over channels, rows and columns together."""
    penalty = on_gradient(subject)
    if IMAGE not in sample_shapes(penalty):
        raise NotApplicable("it is not for images")
    one, channels, everywhere = torch.zeros(IMAGE), torch.zeros(IMAGE), torch.ones(IMAGE)
    one[0, 0, 0], channels[:, 0, 0] = 1.0, 1.0
    cases = {"in one number": one, "over the channels of a pixel": channels, "over all numbers": everywhere}
    found = {where: _on_linear(penalty, 3.0 * (way / way.norm()).double(), 4) for where, way in cases.items()}
    if max(found.values()) - min(found.values()) > 1e-6 * (1 + abs(max(found.values()))):
        listed = ", ".join(f"{value:.4g} where it lies {where}" for where, value in found.items())
        raise Flaw(
            f"a gradient of norm 3 costs {listed}: the norm is not taken over all dimensions of a sample (per "
            "pixel?); the slope of the critic would depend on the image size"
        )


def closed_form(subject: Subject) -> None:
    """On a linear critic it is what its declared formula says, at several slopes, batch sizes and parameters."""
    penalty = on_gradient(subject)
    if not penalty.formula:
        raise NotApplicable("no formula is declared; declare one, and it is compared with the code")
    try:
        if SLOPE not in (named := names(penalty.formula)):
            raise NotApplicable("its formula does not speak of ||grad D(x)||")
        if _left_out_at_first(penalty):
            raise NotApplicable("it has no term in its first update; check it with parameters with which it has one")
        _agree(penalty, "")
        for given, other in at_other_values(subject, named):
            varied = on_gradient(other)
            if not _left_out_at_first(varied):
                _agree(varied, f" with {given}")
    except NotAFormula as reason:
        raise NotApplicable(f"its formula is not one that can be computed: {reason}") from reason


def _left_out_at_first(penalty: Penalty) -> bool:
    """Whether a penalty that counts updates has no term at the first one, as one of every second update may have."""
    tried, shape = deepcopy(penalty), sample_shapes(penalty)[0]
    critic = Formula(lambda x: SLOPES[-1] * x.flatten(1)[:, 0])
    value = term(tried, critic, samples(1, shape), samples(1, shape, seed=2))
    return bool(tried.state_dict()) and value.item() == 0


def _agree(penalty: Penalty, given: str) -> None:
    """Compare a penalty with its formula on linear critics; ``given`` says with which parameters."""
    constants = {name: value for name, value in vars(penalty).items() if isinstance(value, int | float)}
    expression = parse(penalty.formula)
    for slope in SLOPES:
        wanted = float(expression({**constants, SLOPE: torch.tensor([slope], dtype=torch.float64)}).mean())
        for shape, n in itertools.product(sample_shapes(penalty), (1, 4)):
            weights = samples(1, shape, seed=3)[0]
            found = _on_linear(penalty, slope * weights / weights.norm(), n)
            if not math.isclose(found, wanted, rel_tol=1e-6, abs_tol=1e-9):
                raise Flaw(
                    f"on a critic of slope {slope:g} it is {found:.6g} at {n} samples of shape {shape}, the "
                    f"declared '{penalty.formula}'{given} gives {wanted:.6g}; a run would not train what it says"
                )


def neighbours(subject: Subject) -> None:
    """One sample's share does not depend on the others in the batch."""
    penalty = on_gradient(subject)
    for shape in sample_shapes(penalty):
        slopes = [samples(1, shape, seed=10 + i)[0] * scale for i, scale in enumerate((0.2, 1.0, 4.0))]
        real, fake = samples(3, shape), samples(3, shape, seed=2)
        together = term(deepcopy(penalty), _row_linear(slopes), real, fake).item()
        alone = [term(deepcopy(penalty), _row_linear([one] * 3), real, fake).item() for one in slopes]
        wanted = sum(alone) / 3
        if not math.isclose(together, wanted, rel_tol=1e-6, abs_tol=1e-9):
            raise Flaw(
                f"three samples whose penalties are {', '.join(f'{value:.4g}' for value in alone)} cost "
                f"{together:.4g} together, not their mean {wanted:.4g}; a sample's penalty would depend on which "
                "others are in its batch"
            )


def positions(subject: Subject) -> None:
    """Points between real and fake have one random position per sample."""
    penalty = on_gradient(subject)
    for shape in sample_shapes(penalty):
        _positions(penalty, shape)


def _positions(penalty: Penalty, shape: tuple[int, ...]) -> None:
    real = 10 + 0.01 * samples(8, shape)
    fake = -10 + 0.01 * samples(8, shape, seed=2)
    calls = [_seen(penalty, real, fake, seed=seed) for seed in range(16)]
    if not all(calls):
        raise NotApplicable("it does not call the discriminator in its first update")
    drawn = [torch.cat(points) for points in calls]
    if any(len(points) != len(real) for points in drawn):
        raise NotApplicable("it does not look at one point per sample")
    every = [((points - fake) / (real - fake)).flatten(1) for points in drawn]
    position = every[0]
    if not any(bool(((one > 0.2) & (one < 0.8)).any()) for one in every):
        raise NotApplicable("it does not look between real and fake samples")
    if float((position - position[:, :1]).abs().max()) > 1e-3:
        raise Flaw(
            "the position between real and fake differs within one sample, so the points are not on the line "
            "between the two; the critic would be held at noisy samples that are neither real nor fake"
        )
    if len(position[:, 0].mul(1e4).round().unique()) < len(real):
        raise Flaw(
            "all samples of a batch share one position between real and fake; the critic would be held at only "
            "one distance per step, which makes the penalty noisy"
        )
    if torch.allclose(drawn[0], drawn[1]):
        raise Flaw(
            "the positions between real and fake are the same at every step; the critic would be held only there"
        )


def _on_linear(penalty: Penalty, weights: Tensor, n: int) -> float:
    """What it is on D(x) = w.x, whose gradient is w everywhere, at a batch of ``n`` samples of the weights' shape."""
    real, fake = samples(n, tuple(weights.shape)), samples(n, tuple(weights.shape), seed=2)
    return term(deepcopy(penalty), Formula(lambda x: x.flatten(1) @ weights.flatten()), real, fake).item()


def _row_linear(slopes: list[Tensor]) -> nn.Module:
    """A critic that is linear on each row of a batch, with a slope for each row."""
    stacked = torch.stack([one.flatten() for one in slopes])
    return Formula(lambda x: (x.flatten(1) * stacked.repeat(-(-len(x) // len(stacked)), 1)[: len(x)]).sum(1))


def _seen(penalty: Penalty, real: Tensor, fake: Tensor, seed: int) -> list[Tensor]:
    """The points at which a penalty calls the critic, one batch per call."""
    seen: list[Tensor] = []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return 0.5 * x.flatten(1).square().sum(1)

    term(deepcopy(penalty), Formula(critic), real, fake, seed)
    return seen
