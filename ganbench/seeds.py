"""One named random stream per use, so that drawing more from one never changes another.

A trial's seed and a stream's name are hashed to the stream's own seed. Evaluating twice as often, adding a penalty
or drawing a preview grid therefore leaves the data order, the training noise and the initial weights as they were.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

WEIGHTS = "weights"
DATA = "data"
NOISE = "noise"
PENALTY = "penalty"
GENERATOR_PENALTY = "generator penalty"
REPLAY = "replay"
AUGMENT = "augment"
MIRROR = "mirror"
LABELS = "labels"
COMPARED = "compared"
COMPARED_AUGMENT = "compared augment"
LAYERS = "layers"
STANDING = "standing"
EVALUATION = "evaluation"
EVALUATION_LABELS = "evaluation labels"
QUERIES = "queries"
PREVIEW = "preview"


def stream_seed(seed: int, name: str) -> int:
    """Return the 63-bit seed of the stream ``name`` of a trial with ``seed``."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8], "big") >> 1


def stream(seed: int, name: str, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Return a fresh generator on ``device`` at the start of the stream ``name``."""
    import torch

    return torch.Generator(device=device).manual_seed(stream_seed(seed, name))
