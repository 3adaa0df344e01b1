"""Fixtures that several test files share. Nothing here imports torch until a fixture that needs it is used."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from ganbench.api import Architecture
    from ganbench.spec import TrialSpec
    from ganbench.training.state import State

# Tiny networks are slower on several threads, and child processes inherit this.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# On a busy machine the time of one example says nothing about the code.
settings.register_profile("ganbench", deadline=None)
settings.load_profile("ganbench")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True, scope="session")
def _own_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's caches and plugin settings out of the tests, and the tests out of the user's caches."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GANBENCH_CACHE", "MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR"):
            patch.setenv(name, str(tmp_path_factory.mktemp("cache")))
        patch.delenv("GANBENCH_PLUGINS", raising=False)
        patch.delenv("GANBENCH_DISABLE_PLUGINS", raising=False)
        yield


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real MNIST and CIFAR-10: ``GANBENCH_SHARED_DATA``, else ``../shared/data`` beside the repo."""
    given = os.environ.get("GANBENCH_SHARED_DATA")
    path = Path(given) if given else REPOSITORY.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"no shared data at {path}; set GANBENCH_SHARED_DATA to a folder with MNIST and CIFAR-10")
    return path


@pytest.fixture
def trial_spec() -> "Callable[..., TrialSpec]":
    """Make a trial's specification; keyword arguments replace its fields, ``recipe`` may be a dictionary."""
    from ganbench.spec import Component, DataSpec, EvaluationSpec, Recipe, ReferenceSpec, TrialSpec

    def component(name: str, **parameters: Any) -> Component:
        return Component(
            name=name, label=name, plugin="ganbench", version="0.1.0", source="0123456789ab", parameters=parameters
        )

    def make(**changes: Any) -> TrialSpec:
        if isinstance(changes.get("recipe"), dict):
            changes["recipe"] = Recipe(**changes["recipe"])
        fields: dict[str, Any] = {
            "loss": component("wgan-gp", lambda_gp=10.0),
            "architecture": component("dcgan", width=64, norm_d="layer"),
            "data": DataSpec(
                component=component("digits"), kind="image", shape=(1, 16, 16), size=1500, fingerprint="f" * 64
            ),
            "seed": 0,
            "recipe": Recipe(),
            "evaluation": EvaluationSpec(
                metrics=(component("fid"), component("is")),
                extractor=component("digits"),
                extractor_sha256="a" * 64,
                num_samples=297,
                reference=ReferenceSpec(split="test", size=297, fingerprint="e" * 64),
                every=400,
            ),
        }
        return TrialSpec(**(fields | changes))

    return make


@pytest.fixture
def tiny_architecture() -> "Callable[..., Architecture]":
    """Make an architecture for points: two layers each, with what makes training sensitive where it is asked for."""
    from torch import Tensor, nn

    from ganbench.api import Architecture, Networks

    class Squeeze(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.squeeze(1)

    class Tiny(Architecture):
        kinds = ("vector",)

        def __init__(self, *, batch_norm: bool = False, dropout: bool = False) -> None:
            self.batch_norm = batch_norm
            self.dropout = dropout

        def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
            generator = nn.Sequential(nn.Linear(latent_dim, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, shape[0]))
            extra: list[nn.Module] = [nn.BatchNorm1d(8)] if self.batch_norm else []
            extra += [nn.Dropout(0.3)] if self.dropout else []
            critic = nn.Sequential(nn.Linear(shape[0], 8), *extra, nn.LeakyReLU(0.2), nn.Linear(8, 1), Squeeze())
            return Networks(generator, critic)

    return Tiny


@pytest.fixture
def make_state(tiny_architecture: "Callable[..., Architecture]") -> "Callable[..., State]":
    """Make the state of a tiny trial on 40 points around (2, -1)."""
    import torch

    from ganbench.api import Samples
    from ganbench.spec import Recipe
    from ganbench.training.state import State

    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(5)) * 0.3 + torch.tensor([2.0, -1.0])

    def make(recipe: Recipe, *, seed: int = 0, device: str = "cpu", **options: bool) -> State:
        return State(
            architecture=tiny_architecture(**options),
            samples=Samples(data=points.to(torch.get_default_dtype(), copy=True)),
            recipe=recipe,
            seed=seed,
            device=torch.device(device),
        )

    return make


@pytest.fixture
def signals_as_before() -> Iterator[None]:
    """A trial answers signals by stopping; after the test this process is to answer them as before."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def float64() -> Iterator[None]:
    """Rounding must not decide: in float32 two orders of one sum part ways within a hundred steps."""
    import torch

    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)
