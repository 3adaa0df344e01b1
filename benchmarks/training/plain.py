"""The loop that people write by hand: a DataLoader in memory, torch's Adam as it comes, losses looked at now and then.

It is the same algorithm as ganbench's, step for step: the generator's update draws fresh fakes.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.harness import timed
from benchmarks.training.floor import counted
from benchmarks.training.operators import shares
from benchmarks.training.workloads import Workload, as_floats

PRINT_EVERY = 50


class Plain:
    """Trains a workload; every call goes on where the last one ended."""

    def __init__(self, workload: Workload, *, device: str = "cpu", seed: int = 0) -> None:
        torch.manual_seed(seed)
        self._recipe = recipe = workload.settings
        self._device = torch.device(device)
        self._loss = workload.build_loss()
        networks = workload.architecture.build(workload.shape, recipe.latent_dim)
        self.generator, self.discriminator = (network.to(self._device) for network in networks)
        betas = (recipe.beta1, recipe.beta2)
        self._g_optimiser = Adam(self.generator.parameters(), lr=recipe.g_lr, betas=betas)
        self._d_optimiser = Adam(self.discriminator.parameters(), lr=recipe.d_lr, betas=betas)
        data = TensorDataset(as_floats(workload.samples()))
        self._loader = DataLoader(data, batch_size=recipe.batch_size, shuffle=True, drop_last=True)
        self._real = self._batches()
        self._rng = torch.Generator(device=self._device).manual_seed(seed)
        self._step = 0

    def steps(self, count: int) -> float:
        """Train ``count`` steps and return the seconds per step."""
        return timed(lambda: self._steps(count), self._device) / count

    def _steps(self, count: int) -> None:
        for _ in range(count):
            self._one_step()

    def operators(self, count: int) -> dict[str, float]:
        """The operators that take the largest shares of the time of ``count`` steps."""
        return shares(lambda: self.steps(count))

    def flops(self) -> int:
        """The floating-point operations of one step: a generator update after ``n_critic`` discriminator updates."""
        return counted(self._one_step)

    def _batches(self) -> Iterator[Tensor]:
        while True:
            for (real,) in self._loader:
                yield real.to(self._device)

    def _latents(self) -> Tensor:
        return torch.randn(self._recipe.batch_size, self._recipe.latent_dim, device=self._device)

    def _one_step(self) -> None:
        for _ in range(self._recipe.n_critic):
            real = next(self._real)
            fake = self.generator(self._latents()).detach()
            d_loss = self._loss.discriminator(self.discriminator(real), self.discriminator(fake))
            penalty = self._loss.penalty
            if penalty is not None and penalty.differentiable:
                d_loss = d_loss + penalty(self.discriminator, real, fake, self._rng)
            self._d_optimiser.zero_grad()
            d_loss.backward()
            self._d_optimiser.step()
            if penalty is not None:
                penalty.project(self.discriminator)
        g_loss = self._loss.generator(self.discriminator(self.generator(self._latents())), None)
        self._g_optimiser.zero_grad()
        g_loss.backward()
        self._g_optimiser.step()
        self._step += 1
        if self._step % PRINT_EVERY == 0:
            self.losses = d_loss.item(), g_loss.item()
