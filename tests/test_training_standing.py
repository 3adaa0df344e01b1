"""Standing statistics: by hand, and without a trace in training."""

import copy
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.api import Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.mlp import MLP
from ganbench.evaluation.isolation import evaluation_mode, own_global_stream
from ganbench.evaluation.sampling import draw_latents
from ganbench.losses.vanilla import Vanilla
from ganbench.spec import Recipe
from ganbench.training.loop import train
from ganbench.training.standing import Standing, has_statistics
from ganbench.training.state import State
from tests.batches import SEEDS, assert_same_content, build, members, together
from tests.loops import Make, Notes, assert_bit_equal, flat, objective, recipe, run, weights

CPU = torch.device("cpu")


def small(*more: nn.Module) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), *more, nn.Linear(8, 2))


def made(generator: nn.Module, settings: Recipe, seed: int = 7, labels: Tensor | None = None) -> Standing:
    return Standing(generator, settings, settings.batch_size, seed, labels)


@pytest.mark.parametrize("latent", ["normal", "uniform"])
def test_the_statistics_are_the_means_of_those_of_the_batches(latent: Any) -> None:
    generator, settings = small(), recipe(standing_batches=5, latent=latent)
    generator(torch.full((8, 4), 5.0))  # what training leaves in its statistics counts for nothing
    assert generator.get_buffer("1.num_batches_tracked") == 1
    found = made(generator, settings).of(generator, CPU)
    z = draw_latents(40, 4, latent, seeds.stream(7, seeds.STANDING))
    hidden = [generator[0](batch) for batch in z.split(8)]
    means, variances = [each.mean(0) for each in hidden], [each.var(0) for each in hidden]
    torch.testing.assert_close(found.get_buffer("1.running_mean"), torch.stack(means).mean(0))
    torch.testing.assert_close(found.get_buffer("1.running_var"), torch.stack(variances).mean(0))
    for own, other in zip(generator.parameters(), found.parameters(), strict=True):
        assert torch.equal(own, other)


def test_the_generator_and_every_random_stream_stay_as_they_are() -> None:
    generator = small(nn.Dropout(0.5))
    generator[3].eval()  # which its author keeps so
    before, state = copy.deepcopy(generator.state_dict()), torch.get_rng_state()
    standing = made(generator, recipe(standing_batches=3))
    first = copy.deepcopy(standing.of(generator, CPU).state_dict())
    second = standing.of(generator, CPU)
    assert all(torch.equal(value, generator.state_dict()[name]) for name, value in before.items())
    assert torch.equal(torch.get_rng_state(), state)
    for network in (generator, second):
        assert [part.training for part in network.children()] == [True] * 3 + [False, True]
        assert network.get_submodule("1").momentum == 0.1
    # The same points each time, and nothing is dropped.
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.items())


class Noisy(nn.Module):
    """Adds noise of the process's own stream, as some generators do."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x)


def test_statistics_are_taken_as_samples_are_drawn_with_nothing_dropped_and_noise_of_a_stream_of_their_own() -> None:
    generator = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), Noisy(), nn.BatchNorm1d(8), nn.Linear(8, 2))
    standing = made(generator, recipe(standing_batches=3))
    before = torch.get_rng_state()
    found = standing.of(generator, CPU)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(part.training for part in found.modules())
    assert not any(weight.requires_grad for weight in found.parameters())
    z = draw_latents(24, 4, "normal", seeds.stream(7, seeds.STANDING))
    with own_global_stream(seeds.stream_seed(7, seeds.STANDING), CPU), torch.no_grad():
        means = [generator[2](generator[0](batch)).mean(0) for batch in z.split(8)]
    torch.testing.assert_close(found.get_buffer("3.running_mean"), torch.stack(means).mean(0))


def test_the_statistics_follow_the_weights() -> None:
    generator = small()
    standing = made(generator, recipe(standing_batches=3))
    first = standing.of(generator, CPU).get_buffer("1.running_mean").clone()
    with torch.no_grad():
        generator.get_parameter("0.bias").add_(1.0)
    torch.testing.assert_close(standing.of(generator, CPU).get_buffer("1.running_mean"), first + 1.0)


def test_an_error_of_the_generator_leaves_it_as_it_was() -> None:
    generator = small()
    standing = made(generator, recipe(standing_batches=3, latent_dim=5))
    with pytest.raises(RuntimeError):
        standing.of(generator, CPU)
    assert standing._module.get_submodule("1").momentum == 0.1


def test_an_average_gets_statistics_of_its_own(make_state: Make) -> None:
    """On the points from which they are taken a batch norm with the right ones gives mean 0 and variance 1."""
    plain, chosen = recipe(ema_decay=0.98, g_lr=0.05), recipe(ema_decay=0.98, g_lr=0.05, standing_batches=50)
    off = []
    for settings in (plain, chosen):
        state = make_state(settings)
        run(state, settings, objective(Vanilla()))
        assert state.average is not None
        scored = state.scored
        assert (scored is state.average.module) is (settings is plain)
        own = zip(scored.parameters(), state.average.module.parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in own)
        z = draw_latents(400, 4, "normal", seeds.stream(0, seeds.STANDING))
        with evaluation_mode(scored), torch.no_grad():
            normed = scored.get_submodule("1")(scored.get_submodule("0")(z))
            hidden = (normed - scored.get_parameter("1.bias")) / scored.get_parameter("1.weight")
        off.append(float(hidden.mean(0).abs().max() + (hidden.var(0) - 1).abs().max()))
    assert off[1] < 0.2 < off[0]


def test_training_goes_the_same_way(make_state: Make) -> None:
    """Whether what is scored has standing statistics or not, and however often it is asked for."""
    plain, chosen = recipe(ema_decay=0.9), recipe(ema_decay=0.9, standing_batches=4)
    first = make_state(plain, dropout=True)
    run(first, plain, objective(Vanilla()))
    own = torch.get_rng_state()
    second = make_state(chosen, dropout=True)
    run(second, chosen, objective(Vanilla()), Notes(on_step=lambda state: weights(state.scored)))
    assert torch.equal(torch.get_rng_state(), own)
    assert_bit_equal(first, second)


def test_a_resumed_trial_scores_the_same(make_state: Make) -> None:
    chosen = recipe(ema_decay=0.9, standing_batches=4)
    whole, second = make_state(chosen), make_state(chosen)
    run(whole, chosen, objective(Vanilla()))
    second.load_state_dict(whole.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(weights(whole.scored), weights(second.scored), strict=True))


@pytest.mark.parametrize("ema_decay", [0.0, 0.9])
def test_seeds_trained_together_score_as_alone(float64: None, ema_decay: float) -> None:
    chosen = recipe(steps=10, standing_batches=4, ema_decay=ema_decay)
    network = MLP(hidden=16, layers=2, norm_g="batch", init="kaiming")
    group = members(chosen, lambda: objective(Vanilla()), network)
    within: dict[int, dict[str, Any]] = {}

    def note(seed: int, state: State) -> None:
        within[seed] = flat(state.scored.state_dict())

    for seed, member in zip(SEEDS, group, strict=True):
        member.observer = Notes(on_step=partial(note, seed))
    together(group, chosen)
    for seed, member in zip(SEEDS, group, strict=True):
        alone = build(chosen, seed, network)
        train(alone, objective(Vanilla()), chosen, Notes(), evaluate_every=0)
        assert_same_content(flat(member.state.scored.state_dict()), flat(alone.scored.state_dict()))
        assert_same_content(within[seed], flat(alone.scored.state_dict()))


def test_networks_that_take_labels_get_those_of_the_training_samples() -> None:
    chosen = recipe(standing_batches=6)
    labels = torch.tensor([0, 2] * 20)
    state = State(
        architecture=DCGAN(width=4, condition="projection"),
        samples=Samples(data=torch.zeros(40, 1, 16, 16, dtype=torch.uint8), labels=labels, classes=("a", "b", "c")),
        recipe=chosen, seed=0, device=CPU,
    )  # fmt: skip
    seen: list[Tensor] = []
    before = state.streams[seeds.LABELS].get_state()
    assert state._standing is not None
    state._standing._module.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
    assert has_statistics(state.scored)
    assert [len(batch) for batch in seen] == [8] * 6
    rng = seeds.stream(0, seeds.STANDING)
    draw_latents(48, 4, "normal", rng)
    drawn = labels[torch.randint(40, (48,), generator=rng)]
    assert set(drawn.tolist()) == {0, 2}
    assert torch.equal(torch.cat(seen), drawn)
    assert torch.equal(state.streams[seeds.LABELS].get_state(), before)
    own = torch.get_rng_state()
    assert has_statistics(state.scored)
    assert torch.equal(torch.cat(seen[6:]), drawn)
    assert torch.equal(torch.get_rng_state(), own)


def test_which_networks_have_statistics() -> None:
    for norm in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm):
        assert has_statistics(nn.Sequential(nn.Identity(), norm(2))) is True
    assert not has_statistics(nn.Sequential(nn.Linear(4, 2), nn.LayerNorm(2)))
    assert not has_statistics(nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2, track_running_stats=False)))


def test_a_batch_norm_that_its_author_keeps_in_eval_mode_keeps_its_statistics() -> None:
    generator = small(nn.BatchNorm1d(8))
    kept = generator[3].eval()
    generator.get_buffer("3.running_mean").fill_(5.0)
    found = made(generator, recipe(standing_batches=3)).of(generator, CPU)
    assert found.get_buffer("3.running_mean").tolist() == [5.0] * 8
    assert not torch.equal(found.get_buffer("1.running_mean"), generator.get_buffer("1.running_mean"))
    assert not has_statistics(kept)
