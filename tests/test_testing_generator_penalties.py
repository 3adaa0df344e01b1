"""Penalties on the generator with a mistake each: the kit's check for it says so in one line."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import GeneratorPenalty
from ganbench.penalties.mode_seeking import ModeSeeking
from ganbench.penalties.orthogonal import Orthogonal
from ganbench.penalties.path_length import PathLength
from ganbench.testing import check, checks_of
from tests.kit import assert_caught, failed, outcome_of


class Spread(GeneratorPenalty):
    """How near samples are to their mean; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return -self.weight * (fake - fake.mean(0)).square().mean()


class OfWhat(Spread):
    """Is for no kind of samples that there is."""

    kinds = ("images",)  # type: ignore[assignment]


class Unreduced(Spread):
    """Returns a value for each sample."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.weight * fake.square().flatten(1).mean(1)


class OfTriples(Spread):
    """Divides by how many triples there are, of which two samples have none."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.weight * fake.square().sum() / (len(fake) // 3)


class Detached(Spread):
    """Looks at numbers."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(generator, z, fake.detach(), rng)


class WithoutGraph(Spread):
    """Forgets that it is to be differentiated once more."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        z = z.detach().requires_grad_()
        (slopes,) = torch.autograd.grad(generator(z).sum(), z)
        return self.weight * slopes.square().mean()


class Halfway(Spread):
    """Detaches one of two factors."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.weight * (fake * fake.detach()).mean()


class ByModules(Spread):
    """Looks for layers."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        layers = [module for module in generator.modules() if isinstance(module, nn.Linear)]
        return self.weight * torch.stack([layer.weight.square().sum() for layer in layers]).sum()


class ByType(Spread):
    """Takes nothing for a weight that is no nn.Parameter."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        weights = [one for one in generator.parameters() if isinstance(one, nn.Parameter)]
        return self.weight * torch.stack([fake.new_zeros(()), *(one.square().sum() for one in weights)]).sum()


class OfHalf(Spread):
    """Calls the generator on half of a batch, of which no labels are known."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        found: Tensor = self.weight * generator(z[: len(z) // 2]).square().mean()
        return found


class Stepping(Spread):
    """Takes a step of its own."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        with torch.no_grad():
            for weight in generator.parameters():
                weight.mul_(0.99)
        return super().__call__(generator, z, generator(z), rng)


class Backwards(Spread):
    """Differentiates on its own."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        super().__call__(generator, z, generator(z), rng).backward()
        return super().__call__(generator, z, fake, rng)


class Freezing(Spread):
    """Leaves the generator in eval mode."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        if isinstance(generator, nn.Module):
            generator.eval()
        return super().__call__(generator, z, fake, rng)


class InPlace(Spread):
    """Changes the latent points."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        z.add_(0.01)
        return super().__call__(generator, z, generator(z), rng)


class SwitchingOn(Spread):
    """Lets the latent points it is given require gradients."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        (slopes,) = torch.autograd.grad(generator(z.requires_grad_()).sum(), z, create_graph=True)
        return self.weight * slopes.square().mean()


class OfTheWorld(Spread):
    """Draws from torch's own stream."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return self.weight * (fake * torch.randn(fake.shape)).square().mean()


class OfChance(Spread):
    """Draws from nowhere that can be repeated."""

    count = 0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        type(self).count += 1
        return self.weight * fake.square().mean() * (1 + self.count % 7)


class OnTheHost(Spread):
    """Makes a tensor on the CPU."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(generator, z, fake * torch.ones(len(fake), *[1] * (fake.dim() - 1)), rng)


class Coarse(Spread):
    """Is a small difference of large numbers, which bfloat16 loses."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        ones = torch.ones(fake.flatten(1).shape[1], 1, dtype=fake.dtype, device=fake.device)
        large = (100 + fake.flatten(1)) @ ones / len(ones)
        return self.weight * (large - 100).square().mean()


class Forgetful(Spread):
    """Remembers without saying so."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.mean = 0.0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.mean = 0.5 * self.mean + 0.5 * float(fake.detach().mean())
        return self.weight * (fake - self.mean).square().mean()


class Attached(Forgetful):
    """Remembers a tensor with its graph."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.mean = 0.5 * self.mean + 0.5 * fake.mean()  # type: ignore[assignment]
        return self.weight * (fake - self.mean).square().mean()


class Later(Forgetful):
    """Has its term from an update on; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0, after: int = 2) -> None:
        super().__init__(weight)
        self.after = after
        self.updates = 0

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.updates += 1
        return self.weight * fake.square().mean() if self.updates > self.after else torch.zeros((), device=fake.device)

    def state_dict(self) -> dict[str, Any]:
        return {"updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class Inert(Spread):
    """Holds weights near their moving mean, from which they are at first no way off; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__(weight)
        self.means: list[Tensor] = []

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        weights = [*generator.parameters()]
        means = [mean.to(weight) for mean, weight in zip(self.means or weights, weights, strict=True)]
        self.means = [mean.detach().lerp(one.detach(), 0.1) for mean, one in zip(means, weights, strict=True)]
        apart = [(one - mean.detach()).square().sum() for one, mean in zip(weights, means, strict=True)]
        return self.weight * torch.stack(apart).sum()

    def state_dict(self) -> dict[str, Any]:
        return {"means": self.means}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.means = state["means"]


class LaterDetached(Later):
    """Is a number when it is no longer 0."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return super().__call__(generator, z, fake.detach(), rng)


class Idle(Spread):
    """Has a weight that does nothing."""

    def __call__(self, generator: Any, z: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        return -(fake - fake.mean(0)).square().mean()


WRONG: list[tuple[type[GeneratorPenalty], str, str]] = [
    (OfWhat, "declared", "it declares kinds = ('images',)"),
    (Unreduced, "scalar", "it returns shape (2,) on 2 samples, not a scalar tensor; the first generator update would"),
    (OfTriples, "scalar", "it is inf on 2 samples of shape (3,); a trial would end as diverged"),
    (Detached, "gradient", "it has no gradient by the generator's weights"),
    (LaterDetached, "gradient", "it has no gradient by the generator's weights"),
    (WithoutGraph, "gradient", "it has no gradient by the generator's weights"),
    (Halfway, "gradient", "the penalty's gradient is not the derivative of its value"),
    (ByModules, "training-modes", "with a conditional architecture it fails (AttributeError: 'Labelled' object has no"),
    (ByType, "training-modes", "under --batch-seeds it is 0, but"),
    (OfHalf, "training-modes", "with a conditional architecture it fails"),
    (Stepping, "undisturbed", "calling it changes the generator's weights"),
    (Backwards, "undisturbed", "calling it leaves gradients on the generator"),
    (Freezing, "undisturbed", "calling it freezes the generator or leaves it in eval mode"),
    (InPlace, "undisturbed", "it changes the latent points or samples it is given in place"),
    (
        SwitchingOn,
        "undisturbed",
        "it switches on gradients of the latent points or samples it is given; use z.detach()",
    ),
    (OfTheWorld, "repeatable", "it draws from torch's own random stream"),
    (OfChance, "repeatable", "the same random stream gives another value when it is called again"),
    (OnTheHost, "devices", "a tensor that it makes stays on the CPU; make it with device=fake.device"),
    (Coarse, "half-precision", "it loses its digits there"),
    (Forgetful, "memory", "it remembers something that its state_dict() does not contain"),
    (Attached, "memory", "detach what it remembers, or every trial would fail at its second step"),
    (Idle, "used-parameters", "weight changes nothing"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[one.__name__ for one, *_ in WRONG])
def test_a_mistake_is_caught_by_the_check_that_is_for_it(
    penalty: type[GeneratorPenalty], name: str, words: str
) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Spread, Later, Inert, ModeSeeking, PathLength, Orthogonal])
def test_one_with_which_nothing_is_wrong_passes(penalty: type[GeneratorPenalty]) -> None:
    outcomes = check(penalty)
    assert failed(outcomes) == {}
    assert [one.status for one in outcomes] == ["ok"] * len(outcomes)


def test_one_that_waits_for_very_long_is_to_be_checked_with_other_parameters() -> None:
    outcome = outcome_of("gradient", Later, parameters={"after": 1000})
    assert outcome.status == "skipped"
    assert outcome.message == "it is 0 in its first 20 updates; check it with parameters with which it acts earlier"
    assert outcome_of("gradient", Later, parameters={"after": 19}).status == "ok"


def test_penalties_on_the_discriminator_keep_their_own_checks() -> None:
    names = {one.name for one in checks_of("penalty")}
    assert "closed-form" in names
    assert "closed-form" not in {one.name for one in checks_of("penalty", ModeSeeking)}
    assert {"gradient", "memory"} <= {one.name for one in checks_of("penalty", ModeSeeking)}
