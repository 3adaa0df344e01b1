"""What a trained trial leaves behind."""

import torch
from safetensors.torch import load, save
from torch import nn

from ganbench.outputs import weights_of


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.second = self.first
        self.kernel = nn.Parameter(torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last))


def test_tied_weights_and_any_layout_are_written() -> None:
    network = Tied()
    written = load(save(weights_of(network)))
    assert written.keys() == {"first.weight", "first.bias", "second.weight", "second.bias", "kernel"}
    again = Tied()
    again.load_state_dict(written)
    assert torch.equal(again.second.weight, network.first.weight)
    assert torch.equal(again.kernel, network.kernel)
