"""Which penalties a loss can have: what cannot be is refused by name, in one line, before anything trains."""

from typing import Any

import pytest

from ganbench.api import GeneratorPenalty, Penalty
from ganbench.losses.hinge import Hinge
from ganbench.losses.wgan import WGAN, WGANGP
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.consistency import Consistency
from ganbench.penalties.gradient import GradientPenalty
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.zero_centred import R1
from ganbench.resolving.penalties import check_kinds, check_penalties
from tests.cells import component, data
from tests.refusals import refusal


def test_what_bounds_the_slope_of_a_critic_is_refused_beside_what_a_loss_bounds_it_with() -> None:
    gp, clip, lecam = (
        (component("gp"), GradientPenalty()),
        (component("clip"), WeightClip()),
        (component("lecam"), LeCam()),
    )
    for name, loss, bounded in (("wgan", WGAN(), "weights"), ("wgan-gp", WGANGP(), "gradient")):
        for added in (gp, clip):
            assert refusal(check_penalties, component(name), loss, [lecam, added]) == (
                f"penalty '{added[0].name}' cannot be added to loss '{name}', which already has a penalty on the "
                f"critic's {bounded}; add it to another loss, as in 'hinge+{added[0].name}'"
            )
        check_penalties(component(name), loss, [lecam])
    check_penalties(component("hinge"), Hinge(), [gp, clip, lecam])


def test_a_penalty_given_twice_is_refused() -> None:
    twice = [(component("r1"), R1(0.1)), (component("lecam"), LeCam()), (component("r1"), R1(10.0))]
    words = refusal(check_penalties, component("hinge"), Hinge(), twice)
    assert words == "penalty 'r1' is added twice to loss 'hinge'; add it once"


def test_penalties_on_the_generator_join_whatever_the_discriminator_has() -> None:
    both: list[Any] = [(component("mode-seeking"), ModeSeeking()), (component("orthogonal"), Orthogonal())]
    for loss in (Hinge(), WGAN(), WGANGP()):
        check_penalties(component("mine"), loss, both)
    words = refusal(check_penalties, component("hinge"), Hinge(), [*both, both[0]])
    assert words == "penalty 'mode-seeking' is added twice to loss 'hinge'; add it once"


def test_a_loss_that_carries_something_else_is_refused() -> None:
    loss = Hinge()
    loss.penalty = ModeSeeking()  # type: ignore[assignment]
    assert refusal(check_penalties, component("mine"), loss, []) == (
        "the penalty of loss 'mine' is a ModeSeeking, not a ganbench.api.Penalty; run `ganbench plugins check "
        "ganbench-mine` for details"
    )


@pytest.mark.parametrize("penalty", [R1, Orthogonal])
@pytest.mark.parametrize("kinds", ["image", ("images",), ()])
def test_kinds_that_are_not_those_of_the_contract_are_refused(kinds: Any, penalty: Any) -> None:
    """``("image")`` is a text to Python, and each of its letters a kind."""
    mine = penalty()
    mine.kinds = kinds
    assert refusal(check_kinds, "hinge+mine", [mine], data((2,))) == (
        f"a penalty of loss 'hinge+mine' declares kinds = {kinds!r}; it must be a tuple of 'image' and 'vector', such "
        "as ('image',)"
    )


def test_a_penalty_for_other_samples_is_refused() -> None:
    class OfImages(Orthogonal):
        kinds = ("image",)

    for penalty in (Consistency(), OfImages()):
        penalties: list[Penalty | GeneratorPenalty] = [R1(), ModeSeeking(), penalty]
        assert refusal(check_kinds, "hinge+mine", penalties, data((2,))) == (
            "loss 'hinge+mine' has a penalty for images, but dataset 'cells' contains vectors; choose another penalty"
        )
        check_kinds("hinge+mine", penalties, data())
