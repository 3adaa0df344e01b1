"""Random streams such as a trial hands to its penalties and augmentations."""

import torch


def stream(seed: int = 0, device: str = "cpu") -> torch.Generator:
    """A stream on a device; for the meta device, which draws nothing, one on the CPU."""
    return torch.Generator("cpu" if device == "meta" else device).manual_seed(seed)
