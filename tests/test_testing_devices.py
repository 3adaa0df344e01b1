"""Losses, penalties and augmentations that leave a tensor on the CPU are caught, also where there is no GPU."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from ganbench.api import Augmentation, Discriminator, Loss, Penalty
from ganbench.testing import check
from ganbench.testing.other_device import fails_elsewhere
from tests.kit import assert_caught, failed
from tests.kit.losses import Right


class OnesOnCPU(Right):
    """Labels of a size, not like the outputs."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        ones, zeros = (make(real.shape, dtype=real.dtype) for make in (torch.ones, torch.zeros))
        return binary_cross_entropy_with_logits(real, ones) + binary_cross_entropy_with_logits(fake, zeros)


class Labels(Right):
    """Right: labels like the outputs."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
        return binary_cross_entropy_with_logits(real, ones) + binary_cross_entropy_with_logits(fake, zeros)


class Looks(Right):
    """Right, if slow: it looks at the size of the outputs before it computes."""

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        if not bool(real.isfinite().all()):
            raise ValueError("the outputs are not finite")
        return super().discriminator(real, fake)


class R1(Penalty):
    """Right: the squared norm of the gradient on real samples, with grad_outputs."""

    double_backward = True

    def ones(self, outputs: Tensor) -> Tensor:
        return torch.ones_like(outputs)

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        x = real.detach().requires_grad_()
        outputs = discriminator(x)
        (slopes,) = torch.autograd.grad(outputs, x, grad_outputs=self.ones(outputs), create_graph=True)
        return slopes.flatten(1).square().sum(1).mean()


class CPUGradOutputs(R1):
    """As in many a copy of WGAN-GP."""

    def ones(self, outputs: Tensor) -> Tensor:
        return torch.ones(outputs.size(), dtype=outputs.dtype)


class Between(R1):
    """Right: between real and fake, drawn on their device."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        size = len(real), *[1] * (real.dim() - 1)
        alpha = torch.rand(size, generator=rng, device=real.device, dtype=real.dtype)
        return super().__call__(discriminator, real.lerp(fake.detach(), alpha), fake, rng)


class CPUAlpha(R1):
    """Between real and fake, drawn on the CPU."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        alpha = torch.rand(len(real), *[1] * (real.dim() - 1), generator=rng, dtype=real.dtype)
        return super().__call__(discriminator, alpha * real + (1 - alpha) * fake.detach(), fake, rng)


class MovedAlpha(R1):
    """Between real and fake, drawn on the CPU from a stream that is not there, and moved."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        alpha = torch.rand(len(real), *[1] * (real.dim() - 1), generator=rng).to(real)
        return super().__call__(discriminator, alpha * real + (1 - alpha) * fake.detach(), fake, rng)


class OwnAlpha(R1):
    """Right, if slow: between real and fake, drawn on the CPU from a stream there, and moved."""

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        seed = int(torch.randint(1 << 31, (), generator=rng, device=rng.device))
        own = torch.Generator().manual_seed(seed)
        alpha = torch.rand(len(real), *[1] * (real.dim() - 1), generator=own).to(real)
        return super().__call__(discriminator, alpha * real + (1 - alpha) * fake.detach(), fake, rng)


class FromMean(Penalty):
    """Right: the squared output at samples moved by a running mean of them, which has their shape and is kept."""

    constrains = "outputs"
    mean: Tensor | None = None

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        mean = real.detach().mean(0)
        self.mean = mean if self.mean is None else self.kept(self.mean, mean).lerp(mean, 0.1)
        return discriminator(real.detach() + self.mean).square().mean()

    def kept(self, mean: Tensor, like: Tensor) -> Tensor:
        return mean.to(like)

    def state_dict(self) -> dict[str, Any]:
        return {} if self.mean is None else {"mean": self.mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean = state.get("mean")


class LoadedOnCPU(FromMean):
    """What it has loaded stays on the CPU."""

    def kept(self, mean: Tensor, like: Tensor) -> Tensor:
        return mean


class Brightness(Augmentation):
    """Right: drawn on the images' device."""

    def device(self, images: Tensor) -> torch.device:
        return images.device

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        drawn = torch.rand(len(images), 1, 1, 1, generator=rng, device=self.device(images), dtype=images.dtype)
        return images + drawn - 0.5


class CPUBrightness(Brightness):
    """Drawn on the CPU."""

    def device(self, images: Tensor) -> torch.device:
        return torch.device("cpu")


@pytest.mark.parametrize("component", [OnesOnCPU, CPUGradOutputs, CPUAlpha, MovedAlpha, LoadedOnCPU, CPUBrightness])
def test_a_tensor_that_stays_on_the_cpu_is_found(component: type) -> None:
    assert_caught(component, "devices", "--device cuda would fail")


@pytest.mark.parametrize("component", [Labels, Looks, R1, Between, OwnAlpha, FromMean, Brightness])
def test_what_computes_where_its_samples_are_passes(component: type[Loss | Penalty | Augmentation]) -> None:
    assert failed(check(component)) == {}


def test_a_gpu_without_memory_says_nothing_of_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(device: str) -> None:
        asked.append(device)
        if device == "cuda":
            raise errors[0]

    asked: list[str] = []
    errors = [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("Expected all tensors on the same device")]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert fails_elsewhere(call) == ""
    del errors[0]
    assert "same device" in fails_elsewhere(call)
    assert asked == ["meta", "cuda"] * 2
