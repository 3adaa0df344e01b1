"""Random streams such as a trial hands to its penalties and augmentations."""

import torch


class MetaStream(torch.Generator):
    """A stream on the CPU in place of one on the meta device, which draws nothing."""


def stream(seed: int = 0, device: str = "cpu") -> torch.Generator:
    """A stream on a device; for the meta device, a :class:`MetaStream`."""
    return (MetaStream() if device == "meta" else torch.Generator(device)).manual_seed(seed)
