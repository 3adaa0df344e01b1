"""Which way a loss pushes outputs: real and fake apart, fakes up for the generator, and back if labels are smoothed."""

import itertools
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ganbench.api import Loss
from ganbench.errors import in_one_line
from ganbench.testing.kit import Flaw, NotApplicable, Subject
from ganbench.testing.loss_outputs import LEVELS, build, gradients, objective, outputs

SWEEP = (-50.0, -20.0, -5.0, -2.0, -1.5, -0.9, -0.5, 0.0, 0.5, 0.9, 1.5, 2.0, 5.0, 20.0, 50.0)
"""Outputs of a discriminator that is more or less right, wrong or unsure."""
SLIGHT = 1e-5
"""A slope up to this size may be rounding."""


def direction(subject: Subject) -> None:
    """A gradient step makes the discriminator separate and the generator fool it."""
    loss = build(subject)
    _undecided(loss)
    _everywhere(loss)


def smoothing(subject: Subject) -> None:
    """Label smoothing does what smoothable declares, and holds outputs back."""
    loss: Any = build(subject)
    if not loss.smoothable:
        raise NotApplicable("smoothable is False: label smoothing is refused for it")
    real, fake = outputs(5, 5)
    try:
        plain = loss.discriminator(real, fake)
        same = loss.discriminator(real, fake, real_label=1.0, fake_label=0.0)
        smoothed = {
            "smoothing_real": loss.discriminator(real, fake, real_label=0.9, fake_label=0.0),
            "smoothing_fake": loss.discriminator(real, fake, real_label=1.0, fake_label=0.1),
        }
    except TypeError as error:
        raise Flaw(
            "smoothable is True, but discriminator() does not take real_label and fake_label "
            f"({in_one_line(error, 160)}); the first training step would fail"
        ) from error
    if not torch.allclose(plain, same):
        raise Flaw(
            "labels 1 and 0 give another value than no labels; every run passes labels, so no run would train the "
            "paper's loss"
        )
    for setting, value in smoothed.items():
        label = "a real label of 0.9" if setting == "smoothing_real" else "a fake label of 0.1"
        if torch.allclose(plain, value):
            raise Flaw(f"{label} changes nothing; --set {setting}=0.1 would be recorded and have no effect")
    _held_back(loss)


class _Slopes(NamedTuple):
    """The gradients by the outputs at one pair of outputs; a gradient step moves against them."""

    real: float
    fake: float
    generator: float


def _undecided(loss: Loss) -> None:
    """Check what a loss must do where real and fake samples have the same output."""
    caught: list[float] = []
    every = [(level, _slopes(loss, level, level)) for level in LEVELS]
    for level, slopes in every:
        gap = slopes.fake - slopes.real
        if gap <= 0:
            how = "lowers real below fake" if gap < 0 else "does not move real and fake apart"
            raise Flaw(
                f"at r = f = {level:g} a gradient step of the discriminator {how}; it would learn "
                f"{'to call fakes real' if gap < 0 else 'nothing'}, and every score would stay near an untrained one"
            )
        if slopes.generator > 0:
            caught.append(level)
    # A target between the two labels (LSGAN's c = 0 between -1 and 1) is overshot by outputs beyond it, and only there.
    if caught and (len(caught) == len(LEVELS) or min(caught) == min(LEVELS)):
        raise Flaw(
            f"at r = f = {caught[0]:g} a gradient step of the generator lowers the output on its fakes; it "
            "would learn to be caught, and samples would get worse while both losses look good"
        )
    for side in ("real", "fake"):
        if not any(getattr(slopes, side) for _, slopes in every):
            raise Flaw(
                f"the discriminator's objective does not depend on its outputs on {side} samples; it would never see "
                f"what {side} ones look like"
            )
    if not any(slopes.generator for _, slopes in every):
        raise Flaw("the generator's objective has no gradient at an undecided discriminator; it would never move")


def _everywhere(loss: Loss) -> None:
    """Check what a loss must do wherever the outputs are.

    A loss may draw an output to a target from both sides (least squares) or not move it at all (a hinge beyond its
    margin). No loss drives it away from a point on both sides, or always the wrong way.
    """
    table = {(r, f): _slopes(loss, r, f) for r, f in itertools.product(SWEEP, repeat=2)}
    for side, wrong, consequence in (
        ("real", 1, "it would learn to call real samples fake"),
        ("fake", -1, "it would learn to call fakes real"),
        ("generator", 1, "it would learn to be caught"),
    ):
        who, what = ("generator", "its fakes") if side == "generator" else ("discriminator", f"{side} samples")
        how = "lowers" if wrong > 0 else "raises"
        slopes = [getattr(one, side) for one in table.values()]
        if all(wrong * slope >= 0 for slope in slopes):
            raise Flaw(f"a gradient step of the {who} {how} the output on {what} wherever it is; {consequence}")
        for other in SWEEP:
            line = [(level, _pair(side, level, other)) for level in SWEEP]
            repelled = _repelled([(level, getattr(table[pair], side)) for level, pair in line], wrong)
            if side == "generator":
                # A game of a square (f-GAN's Pearson) turns for both players at once: there fakes are too low for both.
                repelled = [level for level in repelled if table[other, level].fake > -SLIGHT]
            if repelled:
                r, f = _pair(side, repelled[0], other)
                raise Flaw(
                    f"at r = {r:g}, f = {f:g} a gradient step of the {who} {how} the output on {what}, and elsewhere "
                    f"it does not: it drives them apart, away from a point between; {consequence} there"
                )


def _repelled(line: list[tuple[float, float]], wrong: int) -> list[float]:
    """Levels at which the slope has the wrong sign although it has the right one further on in the same direction."""
    found = []
    for level, slope in line:
        beyond = [other for at, other in line if wrong * (at - level) > 0]
        if wrong * slope > SLIGHT and any(wrong * other < -SLIGHT for other in beyond):
            found.append(level)
    return found


def _pair(side: str, level: float, other: float) -> tuple[float, float]:
    """The outputs (r, f) where the one that ``side`` moves is at ``level``."""
    return (level, other) if side == "real" else (other, level)


def _slopes(loss: Loss, r: float, f: float) -> _Slopes:
    real, fake = (torch.full((4,), level, dtype=torch.float64, requires_grad=True) for level in (r, f))
    by_real, by_fake = gradients(loss.discriminator(real, fake), real, fake)
    (by_generator,) = gradients(objective(loss, "generator", real, fake), fake)
    return _Slopes(*(float(by.sum()) for by in (by_real, by_fake, by_generator)))


def _held_back(loss: Any) -> None:
    """Check that smoothed labels pull the surest outputs back, real ones down and fake ones up."""

    def pushes(side: str, **labels: float) -> Tensor:
        sure = torch.linspace(-6.0, 6.0, 241, dtype=torch.float64, requires_grad=True)
        undecided = torch.zeros_like(sure)
        real, fake = (sure, undecided) if side == "real" else (undecided, sure)
        return gradients(loss.discriminator(real, fake, **labels), sure)[0] * len(sure)

    plain = {"real_label": 1.0, "fake_label": 0.0}
    at = torch.linspace(-6.0, 6.0, 241)
    for side, label, sign in (("real", 0.9, 1), ("fake", 0.1, -1)):
        change = sign * (pushes(side, **plain | {f"{side}_label": label}) - pushes(side, **plain))
        if bool((change[sign * at > 1.5] < -SLIGHT).any()):
            beyond = f"{2 - label if side == 'real' else -label:g}"
            raise Flaw(
                f"a {side} label of {label:g} drives outputs on {side} samples further "
                f"{'up' if sign > 0 else 'down'}, as one of {beyond} would; --set smoothing_{side}=0.1 would do "
                "the opposite of smoothing"
            )
        if not bool((change > SLIGHT).any()):
            raise Flaw(
                f"a {side} label of {label:g} changes the value but does not limit the output on {side} "
                f"samples; --set smoothing_{side}=0.1 would be recorded and have no effect"
            )
