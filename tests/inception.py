"""Weights of the right shapes for torch-fidelity's Inception: random ones, for tests of the plumbing."""

import os
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY


def random_weights(path: Path) -> Path:
    """Write a state dict whose features tell images apart.

    torch's own initial weights would not do: each layer makes what it is given smaller, and after forty of them the
    features of all images are nearly zero. He et al.'s keep the size. The class outputs are made larger, so that images
    are of different classes.
    """
    name = "inception-v3-compat"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("torch_fidelity.feature_extractor_inceptionv3.torch.load", lambda *_a, **_k: {})
        patch.setattr(nn.Module, "load_state_dict", lambda *_a, **_k: None)
        network = FEATURE_EXTRACTORS_REGISTRY[name](name, ["2048"], feature_extractor_weights_path=os.devnull)
    stream = torch.Generator().manual_seed(0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=stream)
    network.get_submodule("fc").weight.data.mul_(30)
    torch.save(network.state_dict(), path)
    return path


def varied_images(n: int, side: int = 24) -> Tensor:
    """Return uint8 images (n, 3, side, side) that differ in brightness, colour and grain."""
    stream = torch.Generator().manual_seed(0)
    colour = torch.rand(n, 3, 1, 1, generator=stream) * 255
    grain = torch.randn(n, 3, side, side, generator=stream) * torch.rand(n, 1, 1, 1, generator=stream) * 80
    return (colour + grain).round().clamp(0, 255).to(torch.uint8)
