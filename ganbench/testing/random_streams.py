"""The global random streams of torch, numpy and Python: what a component leaves of them."""

import random

import numpy as np
import torch


def states() -> dict[str, bytes]:
    """Where each stream is now, by whose it is."""
    _, keys, position, *_ = np.random.get_state(legacy=True)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": np.asarray(keys).tobytes() + bytes(str(position), "ascii"),
        "Python": repr(random.getstate()).encode(),
    }


def moved(before: dict[str, bytes]) -> list[str]:
    """The streams that are elsewhere than they were."""
    now = states()
    return [whose for whose, state in before.items() if now[whose] != state]
