"""The batched model: what its updates leave, in which precision it computes, and what its seeds have afterwards."""

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Architecture, Discriminator, Loss, Networks, Penalty
from ganbench.losses.vanilla import Vanilla
from ganbench.training.batched import discriminator_updates, generator_updates
from ganbench.training.batched_model import BatchedModel
from ganbench.training.stacked import Stacked
from tests.batches import members, recipe, together
from tests.loops import Paired, objective


def gradients(stacked: Stacked) -> list[Tensor | None]:
    return [None if weight.grad is None else weight.grad.clone() for weight in stacked.parameters.values()]


@pytest.mark.parametrize("loss", [Vanilla, Paired])
def test_an_update_of_one_player_leaves_no_gradients_in_the_other(loss: type[Loss]) -> None:
    chosen = recipe()
    with BatchedModel(members(chosen, lambda: objective(loss())), chosen) as model:
        losses = discriminator_updates(model)
        assert gradients(model.generator) == [None] * len(model.generator.parameters)
        before = gradients(model.discriminator)
        more = generator_updates(model)
        for found, expected in zip(gradients(model.discriminator), before, strict=True):
            assert found is not None
            assert expected is not None
            assert torch.equal(found, expected)
        assert None not in gradients(model.generator)
    assert losses.shape == more.shape == (3,)
    assert not losses.requires_grad  # whoever keeps one keeps no graph
    assert not more.requires_grad


class Noting(nn.Module):
    """Notes whether autocast is on where the network is called."""

    def __init__(self, found: list[bool]) -> None:
        super().__init__()
        self._found = found

    def forward(self, x: Tensor) -> Tensor:
        self._found.append(torch.is_autocast_enabled("cpu"))
        return x


class Products(Architecture):
    """Nothing but products: a bias would be added in float32."""

    kinds = ("vector",)

    def __init__(self) -> None:
        self.found: list[bool] = []

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        generator = nn.Sequential(Noting(self.found), nn.Linear(latent_dim, shape[0], bias=False))
        critic = nn.Sequential(Noting(self.found), nn.Linear(shape[0], 1, bias=False), nn.Flatten(0))
        return Networks(generator, critic)


class Seeing(Penalty):
    """Notes the fakes that it is given, and whether they want gradients."""

    constrains, double_backward = "outputs", False

    def __init__(self) -> None:
        self.fakes: list[Tensor] = []

    def __call__(self, discriminator: Discriminator, real: Tensor, fake: Tensor, rng: torch.Generator) -> Tensor:
        self.fakes.append(fake)
        return 0.0 * discriminator(fake).sum()


class Losses(Paired):
    """Notes the outputs that both players' losses get."""

    def __init__(self) -> None:
        super().__init__()
        self.outputs: list[Tensor] = []

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        self.outputs += [real, fake]
        return super().discriminator(real, fake)

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        assert real is not None
        self.outputs += [real, fake]
        return super().generator(fake, real)


@pytest.mark.parametrize("batch", ["joint", "separate"])
def test_networks_compute_in_the_recipes_precision_and_losses_in_float32(batch: str) -> None:
    chosen, network = recipe(steps=3, precision="bfloat16", discriminator_batch=batch), Products()
    group = members(chosen, lambda: objective(Losses(), Seeing()), network)
    together(group, chosen)
    # In each step for the fakes, for both batches, for the penalty of each seed, and thrice for the generator.
    assert network.found == [True] * 3 * ((2 if batch == "joint" else 3) + 3 + 3)
    for member in group:
        loss, (penalty,) = member.objective.loss, member.objective.penalties
        assert isinstance(loss, Losses)
        assert isinstance(penalty, Seeing)
        assert (len(loss.outputs), len(penalty.fakes)) == (12, 3)
        for each in (*loss.outputs, *penalty.fakes):
            assert each.dtype == torch.float32
            assert torch.equal(each, each.bfloat16().float())  # eight bits of precision are left
        assert [fake.requires_grad for fake in penalty.fakes] == [False] * 3


def test_afterwards_every_seed_has_weights_of_its_own_and_nobody_keeps_a_part_of_it() -> None:
    """A stack that one of them still looked into would stay in memory as a whole."""
    chosen = recipe(steps=2)
    group = members(chosen, lambda: objective(Vanilla()))
    together(group, chosen)
    for member in group:
        networks: tuple[nn.Module, ...] = (member.state.generator, member.state.discriminator)
        for tensor in (each for network in networks for each in (*network.parameters(), *network.buffers())):
            assert tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
        assert member.state.refresh is None


def test_what_ends_a_member_is_its_first_error() -> None:
    group = members(recipe(), lambda: objective(Vanilla()))
    first = ValueError("first")
    with BatchedModel(group, recipe()) as model:
        for error in (first, ValueError("then")):
            with model.own(group[1]):
                raise error
        with pytest.raises(KeyboardInterrupt), model.own(group[0]):
            raise KeyboardInterrupt  # of the process, and not of a member
    assert model.errors == {group[1]: first}
