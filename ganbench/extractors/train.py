"""How the embedded extractors were trained: ``python -m ganbench.extractors.train digits --out digits.safetensors``.

Kept as the record of where the shipped weights come from. Running it again gives a working network but not the same
bytes (the number of threads and the library versions matter), hence another identity and other scores.

Noise is added to half of the images (sigma up to 32 grey levels): without it the FIDs of networks that differ only in
their training seed spread by 46 %, with it by 10 %. No label smoothing: it lowers the score of real images. Training
stops early: a network that is surer of its training images than of others sees a distance between train and test.
"""

import argparse
import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor, nn

from ganbench.api import Dataset, Samples
from ganbench.files import write_bytes

NOISE_LEVELS = 32.0
EPOCHS = {"digits": 25, "mnist": 3}
BATCH = {"digits": 64, "mnist": 128}
LEARNING_RATE = 1e-2
SEED = {"digits": 0, "mnist": 0}
"""The first seed in both cases: none was chosen by how it does on the test split."""


class Trainee(nn.Module):
    """The network while it trains: batch normalisation after each convolution, outputs as when folded."""

    def __init__(self) -> None:
        super().__init__()
        widths = (1, 16, 32, 64)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.classifier = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for index, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = F.relu(norm(convolution(x)))
            if index < 2:
                x = F.max_pool2d(x, 2)
        logits: Tensor = self.classifier(x.mean(dim=(2, 3)))
        return logits


def fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution that equals ``norm(convolution(x))`` in eval mode."""
    folded = torch.nn.utils.fuse_conv_bn_eval(convolution.eval(), norm.eval())
    assert folded.bias is not None
    return folded.weight.detach(), folded.bias.detach()


def folded_state(network: Trainee) -> dict[str, Tensor]:
    """Return the tensors of the weights file."""
    state = {"classifier.weight": network.classifier.weight, "classifier.bias": network.classifier.bias}
    for index, (convolution, norm) in enumerate(zip(network.convolutions, network.norms, strict=True), start=1):
        assert isinstance(convolution, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        state[f"conv{index}.weight"], state[f"conv{index}.bias"] = fold(convolution, norm)
    return {name: tensor.detach().contiguous() for name, tensor in state.items()}


def noisy(images: Tensor, rng: torch.Generator) -> Tensor:
    """Add Gaussian noise to half of the images (N, 1, H, W), sigma uniform in 0..32 levels; whole levels in 0..255."""
    n = len(images)
    sigma = torch.rand(n, 1, 1, 1, generator=rng) * NOISE_LEVELS * (torch.rand(n, 1, 1, 1, generator=rng) < 0.5)
    noise = torch.randn(images.shape, generator=rng)
    return (images + sigma * noise).round().clamp(0, 255)


def shuffled(n: int, batch: int, rng: torch.Generator) -> Iterator[Tensor]:
    """Index batches over one epoch, without the incomplete last one."""
    order = torch.randperm(n, generator=rng)
    yield from torch.split(order[: n - n % batch], batch)


def train(samples: Samples, *, epochs: int, batch: int, seed: int) -> Trainee:
    """Train with Adam under a one-cycle schedule and cross-entropy."""
    assert samples.labels is not None
    rng = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network = Trainee()
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    steps = epochs * (len(samples) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=LEARNING_RATE, total_steps=steps)
    for _ in range(epochs):
        for index in shuffled(len(samples), batch, rng):
            images = noisy(samples.data[index].float(), rng) / 127.5 - 1
            loss = F.cross_entropy(network(images), samples.labels[index])
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
    return network.eval()


def accuracy(network: nn.Module, samples: Samples) -> float:
    """Share of samples whose class is recognised."""
    assert samples.labels is not None
    with torch.no_grad():
        logits = torch.cat([network(part.float() / 127.5 - 1) for part in torch.split(samples.data, 500)])
    return float((logits.argmax(dim=1) == samples.labels).float().mean())


def dataset(name: str) -> Dataset:
    """Return the dataset that the extractor ``name`` is trained on."""
    if name == "digits":
        from ganbench.datasets.digits import Digits

        return Digits()
    from ganbench.datasets.idx import MNIST

    return MNIST()


def main() -> None:
    """Train one extractor and print what belongs on its card."""
    parser = argparse.ArgumentParser(description="Train an embedded extractor.")
    parser.add_argument("name", choices=sorted(EPOCHS))
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    parser.add_argument("--data-root", type=Path, default=Path("data"), help="where MNIST lies")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    source = dataset(arguments.name)
    network = train(
        source.load("train", root=arguments.data_root),
        epochs=EPOCHS[arguments.name],
        batch=BATCH[arguments.name],
        seed=SEED[arguments.name],
    )
    data = save(folded_state(network))
    write_bytes(arguments.out, data)
    held_out = accuracy(network, source.load("test", root=arguments.data_root))
    print(f"{arguments.out}: sha256 {hashlib.sha256(data).hexdigest()}, held-out accuracy {held_out:.4f}")


if __name__ == "__main__":
    main()
