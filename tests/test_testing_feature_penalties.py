"""Penalties on features with a mistake each: the kit's check for it says so in one line."""

from typing import Any

import pytest
import torch
from torch import Tensor

from ganbench.api import FeaturePenalty
from ganbench.penalties.feature_matching import FeatureMatching
from ganbench.testing import check, checks_of
from tests.kit import assert_caught, failed, outcome_of


class Spread(FeaturePenalty):
    """How far the spreads are apart; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (real.var(0, unbiased=False) - fake.var(0, unbiased=False)).square().mean()


class PullingAway(Spread):
    """EBGAN's pulling-away term, of fakes alone: the squared cosine of the angle between two; nothing is wrong."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        length = fake.norm(dim=1, keepdim=True) + 1e-6
        squared = ((fake / length) @ (fake / length).T).square()
        value: Tensor = self.weight * (squared.sum() - squared.trace()) / (len(fake) * (len(fake) - 1))
        return value


class OfWhat(Spread):
    """Is for no kind of samples that there is."""

    kinds = ("images",)  # type: ignore[assignment]


class Unreduced(Spread):
    """Returns a value for each feature."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (real.mean(0) - fake.mean(0)).square()


class Pair(Spread):
    """Returns two values."""

    def on_features(self, real: Tensor, fake: Tensor) -> Any:
        return super().on_features(real, fake), 0.0


class OfTriples(Spread):
    """Divides by how many triples there are, of which two samples have none."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (real - fake).square().sum() / (len(fake) // 3)


class OfThree(Spread):
    """Counts on three features."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (fake @ fake.new_ones(3)).square().mean()


class Sum(Spread):
    """Is summed over the batch."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (real - fake).square().sum()


class Detached(Spread):
    """Looks at numbers."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_features(real, fake.detach())


class Halfway(Spread):
    """Detaches one of two factors."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.weight * (fake * fake.detach()).mean()


class InPlace(Spread):
    """Centres the real samples' features where they are."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        real.sub_(real.mean(0))
        return super().on_features(real, fake)


class InPlaceOnFakes(Spread):
    """Changes the fakes' features where they are."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        fake.detach().mul_(0.5)
        return super().on_features(real, fake)


class SwitchingOn(Spread):
    """Lets the features it is given require gradients."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_features(real.requires_grad_(), fake)


class OfTheWorld(Spread):
    """Draws from torch's own stream."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_features(real, fake * torch.rand(fake.shape[1]))


class SeedsTorch(Spread):
    """Seeds torch, always in the same way."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        torch.manual_seed(0)
        return super().on_features(real, fake)


class OfChance(Spread):
    """Draws from nowhere that can be repeated."""

    count = 0

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        type(self).count += 1
        return super().on_features(real, fake) * (1 + self.count % 7)


class OnTheHost(Spread):
    """Makes a tensor on the CPU."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return super().on_features(real, fake * torch.ones(fake.shape[1]))


class Moving(Spread):
    """Compares with a moving mean, of which it says; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0, decay: float = 0.5) -> None:
        super().__init__(weight)
        self.decay = decay
        self.mean = torch.zeros(())

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        self.mean = self.mean.to(real).lerp(real.detach().mean(), self.decay)
        return self.weight * (fake.mean(0) - self.mean).square().mean()

    def state_dict(self) -> dict[str, Any]:
        return {"mean": self.mean.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean = state["mean"]


class LeftBehind(Moving):
    """Leaves what it has loaded on the CPU."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        mean = real.detach().mean(0)
        self.mean = (self.mean + mean) / 2 if self.mean.dim() else mean
        return self.weight * (fake.mean(0) - self.mean).square().mean()


class Forgetful(Moving):
    """Remembers without saying so."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class OfReal(Spread):
    """Compares with a moving mean of real samples that begins with the first batch; nothing is wrong with it."""

    def __init__(self, weight: float = 1.0, decay: float = 0.5) -> None:
        super().__init__(weight)
        self.decay = decay
        self.mean: Tensor | None = None

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        latest = real.mean(0)
        self.mean = latest if self.mean is None else latest.lerp(self.mean.to(latest), self.decay)
        return self.weight * (fake.mean(0) - self.mean).square().mean()

    def state_dict(self) -> dict[str, Any]:
        return {} if self.mean is None else {"mean": self.mean.cpu()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.mean = state.get("mean")


class ForgetfulOfReal(OfReal):
    """Does not say what it remembers of real samples."""

    def state_dict(self) -> dict[str, Any]:
        return {}


class Attached(Moving):
    """Remembers a tensor with its graph."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        self.mean = 0.5 * self.mean + 0.5 * fake.mean()
        return self.weight * (fake.mean(0) - self.mean).square().mean()


class Idle(Spread):
    """Has a weight that does nothing."""

    def on_features(self, real: Tensor, fake: Tensor) -> Tensor:
        return (real.mean(0) - fake.mean(0)).square().mean()


WRONG: list[tuple[type[FeaturePenalty], str, str]] = [
    (OfWhat, "declared", "it declares kinds = ('images',)"),
    (Unreduced, "scalar", "it returns shape (3,) on 2 samples, not a scalar tensor; the first generator update would"),
    (
        Pair,
        "scalar",
        "not a scalar tensor; the first generator update would fail in backward(); return one tensor",
    ),
    (OfTriples, "scalar", "it is inf on 2 samples of shape (3,); a trial would end as diverged"),
    (OfThree, "scalar", "size mismatch"),
    (Sum, "reduction", "times as large on 64 samples as on 8: it is summed over samples; take the mean"),
    (Detached, "gradient", "it has no gradient by the generator's weights"),
    (Halfway, "gradient", "the penalty's gradient is not the derivative of its value"),
    (InPlace, "undisturbed", "it changes the features it is given in place; a second penalty would see others"),
    (InPlaceOnFakes, "undisturbed", "it changes the features it is given in place"),
    (SwitchingOn, "undisturbed", "it switches on gradients of the real samples' features"),
    (OfTheWorld, "deterministic", "it draws from torch's own random stream or seeds it; adding it would change what"),
    (SeedsTorch, "deterministic", "it draws from torch's own random stream or seeds it; adding it would change what"),
    (OfChance, "deterministic", "the same features give another value when it is called again (drawn from numpy"),
    (OnTheHost, "devices", "a tensor that it makes stays on the CPU; make it with device=fake.device"),
    (
        LeftBehind,
        "devices",
        "it has loaded in load_state_dict() stays on the CPU; move it to fake.device",
    ),
    (Forgetful, "memory", "it remembers something that its state_dict() does not contain"),
    (ForgetfulOfReal, "memory", "it remembers something that its state_dict() does not contain"),
    (Attached, "memory", "detach what it remembers, or every trial would fail at its second step"),
    (Idle, "used-parameters", "weight changes nothing"),
]


@pytest.mark.parametrize(("penalty", "name", "words"), WRONG, ids=[one.__name__ for one, *_ in WRONG])
def test_a_mistake_is_caught_by_the_check_that_is_for_it(penalty: type[FeaturePenalty], name: str, words: str) -> None:
    assert_caught(penalty, name, words)


@pytest.mark.parametrize("penalty", [Spread, PullingAway, Moving, OfReal, FeatureMatching])
def test_one_with_which_nothing_is_wrong_passes(penalty: type[FeaturePenalty]) -> None:
    outcomes = check(penalty)
    assert failed(outcomes) == {}
    assert [one.status for one in outcomes] == ["ok"] * len(outcomes)


def test_every_check_is_tried_on_a_mistake() -> None:
    names = {one.name for one in checks_of("penalty", FeatureMatching)}
    of_any_component = {one.name for one in checks_of("augmentation")} & {one.name for one in checks_of("metric")}
    assert {name for _, name, _ in WRONG} >= names - of_any_component


def test_draws_of_its_own_are_not_taken_for_a_wrong_gradient() -> None:
    found = outcome_of("gradient", OfChance)
    assert (found.status, found.message[:38]) == ("skipped", "it gives another value each time that ")
