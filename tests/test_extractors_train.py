"""The script that trained the embedded extractors."""

from pathlib import Path

import torch

from ganbench.api import Samples
from ganbench.datasets.digits import Digits as DigitsData
from ganbench.extractors.embedded import DigitsFeatures
from ganbench.extractors.train import Trainee, accuracy, folded_state, noisy, train


def test_folding_changes_nothing() -> None:
    torch.manual_seed(0)
    network = Trainee()
    for _ in range(3):
        network(torch.randn(32, 1, 16, 16))  # moves the running statistics away from 0 and 1
    images = DigitsData().load("test", root=Path()).data[:8]
    expected = network.eval()(images.float() / 127.5 - 1)
    folded = DigitsFeatures("ganbench-digits", ["logits"])
    folded.load_state_dict(folded_state(network))
    torch.testing.assert_close(folded(images)[0], expected, rtol=1e-4, atol=1e-5)


def test_a_short_training_learns_and_repeats() -> None:
    source = DigitsData().load("train", root=Path())
    samples = Samples(data=source.data[:320], labels=source.labels[:320] if source.labels is not None else None)
    networks = [train(samples, epochs=4, batch=32, seed=0) for _ in range(2)]
    assert accuracy(networks[0], samples) > 0.5
    assert all(
        torch.equal(a, b)
        for a, b in zip(networks[0].state_dict().values(), networks[1].state_dict().values(), strict=True)
    )


def test_noise_touches_half_of_the_images_and_stays_in_range() -> None:
    images = torch.full((400, 1, 4, 4), 250.0)
    found = noisy(images, torch.Generator().manual_seed(0))
    changed = (found != images).flatten(1).any(dim=1).float().mean()
    assert 0.4 < float(changed) < 0.6
    assert float(found.max()) <= 255
    assert torch.equal(found, found.round())
