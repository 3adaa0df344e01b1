"""What the tests of the training loop share: an observer, short recipes, comparisons of states."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Discriminator, GeneratorPenalty, Loss, Networks, Penalty, Samples
from ganbench.spec import Recipe
from ganbench.training.conditional import generate, judge
from ganbench.training.loop import train
from ganbench.training.objective import Objective
from ganbench.training.state import State

Make = Callable[..., State]


class Notes:
    """An observer that writes down what it is told, and stops where it is asked to."""

    def __init__(
        self,
        stop_after: int = 0,
        on_step: Callable[[State], object] = lambda state: None,
        on_evaluate: Callable[[State], object] = lambda state: None,
    ) -> None:
        self.reports: list[tuple[int, float, float]] = []
        self.evaluations: list[int] = []
        self.steps: list[int] = []
        self._stop_after = stop_after
        self._on_step = on_step
        self._on_evaluate = on_evaluate

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        self.reports.append((state.step, discriminator_loss, generator_loss))

    def evaluate(self, state: State) -> None:
        self.evaluations.append(state.step)
        self._on_evaluate(state)

    def after_step(self, state: State) -> bool:
        self.steps.append(state.step)
        self._on_step(state)
        return state.step == self._stop_after


class Orthogonal(Penalty):
    """How far the rows of the weights are from being orthogonal, and the square of the biases."""

    constrains, double_backward = "weights", False

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        rows = [weight.flatten(1) for weight in discriminator.parameters() if weight.dim() > 1]
        biases = [weight for name, weight in discriminator.named_parameters() if name.endswith("bias")]
        products = [(one @ one.T).tril(-1).square().sum() for one in rows]
        return 0.05 * torch.stack([*products, *(bias.square().sum() for bias in biases)]).sum()


def objective(loss: Loss, *penalties: Penalty | GeneratorPenalty) -> Objective:
    own = (loss.penalty,) if loss.penalty is not None else ()
    return Objective(loss=loss, penalties=(*own, *penalties))


def recipe(**settings: Any) -> Recipe:
    return Recipe(**({"steps": 20, "batch_size": 8, "latent_dim": 4} | settings))


def state_with(discriminator: nn.Module, settings: Recipe, *, device: str = "cpu") -> State:
    """The state of a trial on 40 points, with a discriminator (N, 2) -> (N,) of one's own."""

    class Own(Architecture):
        kinds = ("vector",)

        def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
            return Networks(nn.Sequential(nn.Linear(latent_dim, 8), nn.ReLU(), nn.Linear(8, 2)), discriminator)

    points = torch.randn(40, 2, generator=torch.Generator().manual_seed(5))
    return State(architecture=Own(), samples=Samples(data=points), recipe=settings, seed=0, device=torch.device(device))


class Peculiar(nn.Module):
    """A discriminator of points that does something else in each forward pass."""

    ema: Tensor

    def __init__(self, also: Callable[["Peculiar"], object]) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(2, 8), nn.Linear(8, 1)
        self.register_buffer("ema", torch.zeros(()))
        self.calls = 0
        self._also = also

    def forward(self, x: Tensor) -> Tensor:
        self._also(self)
        raw: Tensor = self.outer(torch.tanh(self.inner(x)) * (1 + self.ema + 1e-4 * self.calls))
        return raw.squeeze(1)


class Slotted:
    """Counts where it has no dictionary of attributes."""

    __slots__ = ("updates",)

    def __init__(self) -> None:
        self.updates = 0


class Odd:
    """Shows no attributes, and compares with nothing."""

    @property
    def __dict__(self) -> dict[str, object]:  # type: ignore[override]
        raise ValueError

    def __eq__(self, other: object) -> bool:
        raise ValueError

    __hash__ = None  # type: ignore[assignment]


def rebinds(network: Peculiar) -> None:
    network.ema = 0.999 * network.ema + 0.001


def counts(network: Peculiar) -> None:
    network.calls += 1


def run(state: State, settings: Recipe, goal: Objective, notes: Notes | None = None, every: int = 0) -> bool:
    return train(state, goal, settings, notes or Notes(), evaluate_every=every)


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """Every leaf of nested dictionaries and lists, by its path."""
    if isinstance(value, dict):
        return {key: leaf for k, v in value.items() for key, leaf in flat(v, f"{name}/{k}").items()}
    if isinstance(value, list | tuple):
        return {key: leaf for k, v in enumerate(value) for key, leaf in flat(v, f"{name}/{k}").items()}
    return {name: value.clone() if isinstance(value, Tensor) else value}


def assert_bit_equal(first: State, second: State) -> None:
    """Torch's own stream is the process's, not a state's: whoever asks about it does so when training has ended."""
    a, b = flat(first.state_dict()), flat(second.state_dict())
    assert a.keys() == b.keys()
    for name, value in a.items():
        same = torch.equal(value, b[name]) if isinstance(value, Tensor) else value == b[name]
        assert same, f"{name} differs"


def assert_close_networks(first: State, second: State) -> None:
    """Within rounding, by what they compute: a bias before a batch norm, which nothing depends on, has no gradient but
    rounding, of which Adam makes a whole step."""
    z = torch.randn(64, 4, generator=torch.Generator().manual_seed(0)).to(first.device)
    labels = None if first.conditioning == "none" else torch.zeros(64, dtype=torch.int64, device=first.device)
    with torch.no_grad():
        own, other = (generate(state.generator, z, labels) for state in (first, second))
        torch.testing.assert_close(own, other, rtol=1e-5, atol=1e-6)
        of_own, of_other = (judge(state.discriminator, own, labels, state.conditioning) for state in (first, second))
        torch.testing.assert_close(of_own.raw, of_other.raw, rtol=1e-5, atol=1e-6)


def weights(network: nn.Module) -> list[Tensor]:
    return [value.detach().clone() for value in network.state_dict().values()]


def differ(first: list[Tensor], second: list[Tensor]) -> bool:
    return not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


class Paired(Loss):
    """Looks at real samples in the generator's objective, as relativistic losses do."""

    needs_real = True

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - real).exp().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        return (real - fake).exp().mean()


class Recording(Loss):
    """Least squares that notes its calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.outputs: list[Tensor] = []

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.calls.append("D")
        self.outputs += [real.detach(), fake.detach()]
        return 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean()

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        self.calls.append("G")
        assert real is None
        return 0.5 * (fake - 1).square().mean()
