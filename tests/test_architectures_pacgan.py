"""PacGAN's networks: the shapes and numbers of the paper, and what packing means to the rest."""

import pytest
import torch
from torch import Tensor

from ganbench.api import Penalty, Samples
from ganbench.architectures.pacgan import Generator, Maxout, PacGAN
from ganbench.errors import UsageError
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.clip import WeightClip
from ganbench.penalties.lecam import LeCam
from ganbench.penalties.zero_centred import R1
from ganbench.resolving.compatibility import check_pair
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.loop import discriminator_update, generator_update
from ganbench.training.objective import Objective
from ganbench.training.state import State

RING = Component(name="ring", label="ring", plugin="ganbench", version="0", source="0")
PACKED = Component(name="pacgan", label="pacgan[pack=2]", plugin="ganbench", version="0", source="0")
POINTS = DataSpec(component=RING, kind="vector", shape=(2,), size=100, fingerprint="f")


def packed(pack: int, recipe: Recipe) -> State:
    """The state of a trial whose discriminator judges so many points at once."""
    return State(
        architecture=PacGAN(pack=pack, hidden=8, hidden_d=8),
        samples=Samples(data=torch.randn(100, 2)),
        recipe=recipe,
        seed=0,
        device=torch.device("cpu"),
    )


def test_the_networks_have_the_sizes_of_the_authors_code() -> None:
    generator, discriminator = PacGAN().build((2,), 2)
    hidden = 2 * 400 + 3 * 400 * 400 + 4 * 2 * 400  # no biases; a scale and a shift per unit of the batch norm
    assert sum(p.numel() for p in generator.parameters()) == hidden + 400 * 2 + 2
    maxout = (2 + 1) * 1000 + 2 * (200 + 1) * 1000
    assert sum(p.numel() for p in discriminator.parameters()) == maxout + 201


def test_weights_are_small_and_biases_zero() -> None:
    torch.manual_seed(0)
    networks = PacGAN(pack=3).build((2,), 2)
    for network in networks:
        for layer in network.modules():
            if isinstance(layer, torch.nn.Linear):
                assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15)
                assert layer.bias is None or not layer.bias.any()
    assert isinstance(networks.generator, Generator)
    assert networks.generator[1].eps == 1e-4


def test_maxout_is_the_largest_of_its_pieces() -> None:
    layer = Maxout(3, 4, 5)
    x = torch.randn(6, 3)
    each = torch.stack([torch.nn.functional.linear(x, w, b) for w, b in _pieces(layer)])
    assert torch.allclose(layer(x), each.max(dim=0).values)


def _pieces(layer: Maxout) -> list[tuple[torch.Tensor, torch.Tensor]]:
    weights, biases = layer.linear.weight.reshape(5, 4, 3), layer.linear.bias.reshape(5, 4)
    return list(zip(weights, biases, strict=True))


@pytest.mark.parametrize("pack", [1, 2, 3, 4])
def test_one_output_per_group_that_depends_on_all_of_it_and_on_nothing_else(pack: int) -> None:
    discriminator = PacGAN(pack=pack, hidden_d=8).build((2,), 2).discriminator
    x = torch.randn(5 * pack, 2)
    before = discriminator(x)
    assert before.shape == (5,)
    for sample in range(len(x)):
        changed = x.clone()
        changed[sample] += 100.0
        assert (discriminator(changed) != before).nonzero().flatten().tolist() == [sample // pack]


def test_samples_that_make_no_whole_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="7 samples cannot be packed in groups of 3"):
        PacGAN(pack=3).build((2,), 2).discriminator(torch.zeros(7, 2))


@pytest.mark.parametrize("joint", ["separate", "joint"])
def test_a_loss_sees_batch_size_outputs_whatever_the_packing(joint: str) -> None:
    seen: list[tuple[int, ...]] = []

    class Counting(Vanilla):
        def discriminator(self, real: Tensor, fake: Tensor, real_label: float = 1.0, fake_label: float = 0.0) -> Tensor:
            seen.append((*real.shape, *fake.shape))
            return super().discriminator(real, fake, real_label, fake_label)

        def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
            seen.append(tuple(fake.shape))
            return super().generator(fake, real)

    recipe = Recipe(batch_size=10, latent_dim=2, discriminator_batch=joint)
    state = packed(3, recipe)
    objective = Objective(loss=Counting(), penalties=())
    discriminator_update(state, objective, recipe)
    generator_update(state, objective, recipe)
    assert seen == [(10, 10), (10,)]
    assert state.real_images == 30


def test_a_penalty_on_single_samples_is_refused_where_samples_are_packed() -> None:
    with pytest.raises(UsageError, match="judges 2 samples at once"):
        check_pair("vanilla+r1", [R1()], PACKED, PacGAN(pack=2), POINTS, Recipe())
    check_pair("vanilla+r1", [R1()], PACKED, PacGAN(pack=1), POINTS, Recipe())


@pytest.mark.parametrize("penalty", [WeightClip(), LeCam()])
def test_a_penalty_on_weights_or_outputs_is_not(penalty: Penalty) -> None:
    check_pair("vanilla+other", [penalty], PACKED, PacGAN(pack=2), POINTS, Recipe())


def test_a_penalty_on_outputs_sees_one_output_per_group() -> None:
    seen: list[tuple[int, ...]] = []

    class Counting(LeCam):
        def on_outputs(self, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
            seen.append((*real.shape, *fake.shape))
            return super().on_outputs(real, fake)

    recipe = Recipe(batch_size=10, latent_dim=2)
    state = packed(3, recipe)
    loss = discriminator_update(state, Objective(loss=Vanilla(), penalties=(Counting(),)), recipe)
    assert seen == [(10, 10)]
    assert loss.isfinite()


def test_a_history_of_fakes_shows_the_discriminator_whole_groups() -> None:
    """Every group that is judged was made by the generator of one step."""
    recipe = Recipe(batch_size=6, latent_dim=2, replay=8, discriminator_batch="separate")
    state = packed(2, recipe)
    made: set[tuple[float, ...]] = set()
    judged: list[list[tuple[float, ...]]] = []

    def groups(x: torch.Tensor) -> list[tuple[float, ...]]:
        return [tuple(group) for group in x.detach().reshape(-1, 4).tolist()]

    state.generator.register_forward_hook(lambda module, inputs, output: made.update(groups(output)))
    state.discriminator.register_forward_pre_hook(lambda module, inputs: judged.append(groups(inputs[0])))
    objective = Objective(loss=Vanilla(), penalties=())
    for _ in range(10):
        new = len(made)
        discriminator_update(state, objective, recipe)
        assert len(made) == new + 6
        assert set(judged[-1]) <= made
    shown = {group for batch in judged[1::2] for group in batch}
    assert len(shown) < len(made)  # of the last six batches, each half made way for earlier groups


@pytest.mark.parametrize(
    ("parameters", "words"), [({"pack": 0}, "pack"), ({"pieces": 0}, "pieces"), ({"std": 0.0}, "std")]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PacGAN(**parameters)


def test_images_are_refused() -> None:
    with pytest.raises(ValueError, match="makes points"):
        PacGAN().build((1, 16, 16), 2)
