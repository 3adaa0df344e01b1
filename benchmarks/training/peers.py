"""Peers' own trainers, called as their documentation does, on ganbench's networks (or ours on theirs).

None of them is a dependency. A peer that cannot be imported is reported as missing. Two of them no longer run on
current packages without help; what is done about it is in :func:`_let_torchgan_run` and :func:`_let_mimicry_run`, and
none of it is inside what is timed.
"""

import contextlib
import importlib.util
import io
import os
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor, nn
from torch.optim import Adam
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.training.workloads import IMAGES, Workload, as_floats

EXAMPLE = "GANBENCH_FIDELITY_EXAMPLE"
"""Where ``examples/sngan_cifar10.py`` of torch-fidelity's repository lies; the package does not contain it."""


class MissingPeer(Exception):
    """The peer is not installed; the message says how to have it."""


def _dataset(workload: Workload, count: int | None = None) -> TensorDataset:
    images = as_floats(workload.samples())
    if count is not None:
        images = images.repeat(-(-count // len(images)), 1, 1, 1)[:count]
    return TensorDataset(images, torch.zeros(len(images), dtype=torch.int64))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _let_torchgan_run() -> None:
    """torchgan 0.1.0 calls ``make_grid(range=...)``, which torchvision has renamed."""
    original = torchvision.utils.make_grid
    if getattr(original, "takes_range", False):
        return

    def make_grid(*arguments: Any, **options: Any) -> Tensor:
        if "range" in options:
            options["value_range"] = options.pop("range")
        made: Tensor = original(*arguments, **options)
        return made

    make_grid.takes_range = True  # type: ignore[attr-defined]
    torchvision.utils.make_grid = make_grid


class Torchgan:
    """torchgan's Trainer (``pip install torchgan tensorboardX``), its losses and what it prints as they come."""

    def __init__(self, workload: Workload) -> None:
        # By default it sends every step to whichever of these is installed, whether anything listens there or not.
        os.environ.setdefault("TENSORBOARD_LOGGING", "0")
        os.environ.setdefault("VISDOM_LOGGING", "0")
        _let_torchgan_run()
        try:
            from torchgan.losses import (
                LeastSquaresDiscriminatorLoss,
                LeastSquaresGeneratorLoss,
                MinimaxDiscriminatorLoss,
                MinimaxGeneratorLoss,
            )
            from torchgan.models import Discriminator, Generator
            from torchgan.trainer import Trainer
        except ImportError as error:
            raise MissingPeer(f"torchgan ({error}); pip install torchgan") from error
        recipe, shape = workload.settings, workload.shape
        networks = workload.architecture.build(shape, recipe.latent_dim)

        class G(Generator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(recipe.latent_dim)
                self.network = networks.generator

            def forward(self, z: Tensor) -> Tensor:
                return self.network(z)  # type: ignore[no-any-return]

        class D(Discriminator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(shape[0])
                self.network = networks.discriminator

            def forward(self, x: Tensor) -> Tensor:
                return self.network(x)  # type: ignore[no-any-return]

        losses = {
            "vanilla": [MinimaxGeneratorLoss(), MinimaxDiscriminatorLoss()],
            "lsgan": [LeastSquaresGeneratorLoss(), LeastSquaresDiscriminatorLoss()],
        }[workload.loss]
        adam = {"lr": recipe.g_lr, "betas": (recipe.beta1, recipe.beta2)}
        self._folder = tempfile.TemporaryDirectory()
        self._workload = workload
        with _quiet():
            self._trainer = Trainer(
                {
                    "generator": {"name": G, "optimizer": {"name": Adam, "args": adam}},
                    "discriminator": {"name": D, "optimizer": {"name": Adam, "args": adam}},
                },
                losses,
                device=torch.device("cpu"),
                ncritic=recipe.n_critic,
                epochs=1,
                sample_size=8,
                checkpoints=f"{self._folder.name}/gan",
                recon=f"{self._folder.name}/images",
            )

    def steps(self, count: int) -> float:
        """Train one epoch of ``count`` batches; what the trainer does between epochs is not counted."""
        size = self._workload.settings.batch_size
        marks: list[float] = []

        class Marked(DataLoader):  # type: ignore[type-arg]
            def __iter__(self) -> Any:
                marks.append(time.perf_counter())
                yield from super().__iter__()
                marks.append(time.perf_counter())

        with _quiet():
            self._trainer(Marked(_dataset(self._workload, count * size), batch_size=size, shuffle=True))
        return (marks[1] - marks[0]) / count


def _let_mimicry_run() -> None:
    """mimicry imports TensorFlow for its metrics, which nobody needs to train."""
    import torch.utils.tensorboard  # noqa: F401  # before the stub: it looks for TensorFlow, too

    if "tensorflow" not in sys.modules and importlib.util.find_spec("tensorflow") is None:
        stub = types.ModuleType("tensorflow")
        stub.__spec__ = importlib.util.spec_from_loader("tensorflow", None)
        sys.modules["tensorflow"] = stub


class Mimicry:
    """mimicry's Trainer (``pip install git+https://github.com/kwotsin/mimicry``) with its losses."""

    def __init__(self, workload: Workload) -> None:
        if importlib.util.find_spec("torch_mimicry") is None:
            raise MissingPeer("torch_mimicry; pip install git+https://github.com/kwotsin/mimicry")
        _let_mimicry_run()
        try:
            from torch_mimicry.nets.sngan import sngan_base
            from torch_mimicry.training import Trainer
        except ImportError as error:
            raise MissingPeer(f"torch_mimicry ({error}); pip install git+https://github.com/kwotsin/mimicry") from error
        recipe = workload.settings
        networks = workload.architecture.build(workload.shape, recipe.latent_dim)
        loss = {"vanilla": "ns"}.get(workload.loss, workload.loss)  # non-saturating

        class G(sngan_base.SNGANBaseGenerator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(nz=recipe.latent_dim, ngf=0, bottom_width=4, loss_type=loss)
                self.network = networks.generator

            def forward(self, z: Tensor) -> Tensor:
                return self.network(z)  # type: ignore[no-any-return]

        class D(sngan_base.SNGANBaseDiscriminator):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(ndf=0, loss_type=loss)
                self.network = networks.discriminator

            def forward(self, x: Tensor) -> Tensor:
                return self.network(x)[:, None]  # type: ignore[no-any-return]

        self._workload, self._trainer_class, self._nets = workload, Trainer, (G(), D())
        betas = (recipe.beta1, recipe.beta2)
        self._optimisers = [Adam(net.parameters(), lr=recipe.g_lr, betas=betas) for net in self._nets]

    def steps(self, count: int) -> float:
        """Train ``count`` steps after a first one, which starts the loader; checkpoints at the end are not counted."""
        recipe = self._workload.settings
        marks: list[float] = []
        with tempfile.TemporaryDirectory() as folder, _quiet():
            trainer = self._trainer_class(
                netG=self._nets[0],
                netD=self._nets[1],
                optG=self._optimisers[0],
                optD=self._optimisers[1],
                dataloader=DataLoader(_dataset(self._workload), batch_size=recipe.batch_size, shuffle=True),
                num_steps=count + 1,
                n_dis=recipe.n_critic,
                lr_decay="linear",
                device=torch.device("cpu"),
                log_dir=folder,
            )
            step = trainer.scheduler.step

            def marked(**options: Any) -> Any:
                marks.append(time.perf_counter())
                return step(**options)

            trainer.scheduler.step = marked
            trainer.train()
        return (marks[-1] - marks[0]) / count


def load_example() -> types.ModuleType:
    """torch-fidelity's example as a module.

    Raises:
        MissingPeer: it is not where the environment says, or something that it imports is missing.
    """
    path = Path(os.environ.get(EXAMPLE, ""))
    if not path.is_file():
        raise MissingPeer(f"torch-fidelity's example; set {EXAMPLE} to examples/sngan_cifar10.py of its repository")
    spec = importlib.util.spec_from_file_location("sngan_cifar10", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise MissingPeer(f"torch-fidelity's example ({error})") from error
    return module


class Example:
    """torch-fidelity's example: its loop, its networks, its loader's four workers; the data are in memory."""

    def __init__(self, workload: Workload) -> None:
        self._module = load_example()
        self._workload = workload

    def steps(self, count: int) -> float:
        """Train ``count`` steps after a first one, which starts the loader's workers."""
        recipe, marks = self._workload.settings, []

        class Bar:
            def __init__(self, *arguments: Any, **options: Any) -> None:
                self.set_postfix = self.close = lambda *arguments, **options: None

            def update(self, count: int) -> None:
                marks.append(time.perf_counter())

        with tempfile.TemporaryDirectory() as folder, _quiet(), contextlib.ExitStack() as stack:
            data = _dataset(self._workload, IMAGES)
            for owner, name, value in (
                (self._module.torchvision.datasets, "CIFAR10", lambda *arguments, **options: data),
                (self._module.tqdm, "tqdm", Bar),
            ):
                stack.callback(setattr, owner, name, getattr(owner, name))
                setattr(owner, name, value)
            self._module.train(
                types.SimpleNamespace(
                    batch_size=recipe.batch_size,
                    num_total_steps=count + 1,
                    num_epoch_steps=1_000_000,
                    num_dis_updates=recipe.n_critic,
                    num_samples_for_metrics=0,
                    lr=recipe.g_lr,
                    z_size=recipe.latent_dim,
                    z_type="normal",
                    leading_metric="ISC",
                    disable_sn=False,
                    conditional=False,
                    dir_dataset=folder,
                    dir_logs=folder,
                )
            )
        return (marks[-1] - marks[0]) / count


PEERS: dict[str, Any] = {"torchgan": Torchgan, "mimicry": Mimicry, "torch-fidelity example": Example}


def network_classes(module: types.ModuleType) -> tuple[type[nn.Module], type[nn.Module]]:
    """The example's two networks."""
    return module.Generator, module.Discriminator
