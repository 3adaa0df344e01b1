"""Random streams such as a trial hands to its penalties and augmentations, and what they may do with them: draw."""

from collections.abc import Callable

import torch
from torch import Tensor

from ganbench.testing.kit import Flaw

UNUSUAL = 917_357
"""A seed that no component would choose: one that seeds a stream leaves another."""


class MetaStream(torch.Generator):
    """A stream on the CPU in place of one on the meta device, which draws nothing."""


def stream(seed: int = 0, device: str = "cpu") -> torch.Generator:
    """A stream on a device; for the meta device, a :class:`MetaStream`."""
    return (MetaStream() if device == "meta" else torch.Generator(device)).manual_seed(seed)


def drawn_from_a_stream(call: Callable[[torch.Generator], Tensor], harm: str) -> Tensor:
    """Return what ``call`` makes with a stream of the seed ``UNUSUAL``.

    Args:
        call: makes the same of the same stream.
        harm: what a user would see where it draws from elsewhere.

    Raises:
        Flaw: it draws from torch's own stream, seeds either, or sets the one that it is given back.
    """
    rng = stream(UNUSUAL)
    before = rng.get_state()
    made = without_torchs_stream(lambda: call(rng), harm, ", not from the one it is given")
    if rng.initial_seed() != UNUSUAL:
        raise Flaw(
            "it seeds the random stream that it is given (manual_seed() or seed()); each step would draw the same "
            "numbers, or a resumed trial others; only draw from it"
        )
    if torch.equal(rng.get_state(), before) and torch.equal(call(stream(UNUSUAL)), made):
        further = stream(UNUSUAL)
        torch.rand(64, generator=further)
        if not torch.equal(call(further), made):
            raise Flaw(
                "it draws from the random stream that it is given and sets it back (set_state(), or draws from a copy "
                "of it); each step would draw the same numbers, and so would whatever draws next; only draw from it"
            )
    return made


def without_torchs_stream(call: Callable[[], Tensor], harm: str, instead: str = "") -> Tensor:
    """Return what ``call`` makes.

    Raises:
        Flaw: it draws from torch's own stream or seeds it, and not ``instead`` from where it should; says the ``harm``.
    """
    # One that seeds torch's stream leaves the state that it has left before: start from another.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(UNUSUAL)
        state = torch.get_rng_state()
        made = call()
        if not torch.equal(torch.get_rng_state(), state):
            raise Flaw(f"it draws from torch's own random stream or seeds it{instead}; {harm}")
    return made
