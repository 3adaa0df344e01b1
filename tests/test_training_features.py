"""Which layer of a discriminator gets its features, and how they are looked at."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn

from ganbench import plugins
from ganbench.api import Architecture
from ganbench.architectures.mlp import MLP
from ganbench.losses.vanilla import Vanilla
from ganbench.training.features import features_at
from ganbench.training.loop import generator_update
from tests.compared import Seen, compared, made
from tests.loops import differ, flat, objective, recipe, weights

IMAGES = {"dcgan": (1, 16, 16), "infogan": (1, 28, 28), "mlp": (1, 16, 16), "resnet": (3, 32, 32), "sagan": (3, 16, 16),
          "sndcgan": (3, 16, 16), "upsample": (1, 16, 16), "vgg": (3, 16, 16)}  # fmt: skip
CONDITIONS = ("none", "projection", "classifier")
NETWORKS = {
    **{f"{name}[condition={way}]": shape for name, shape in IMAGES.items() for way in CONDITIONS},
    "mlp": (2,),
    "pacgan[pack=3]": (2,),
    "pacdcgan[pack=3]": (1, 16, 16),
    "dcgan5x5[pack=3]": (1, 20, 24),
}


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_pre_hooks) + len(module._forward_hooks) for module in network.modules())


@pytest.mark.parametrize(("name", "shape"), NETWORKS.items())
def test_every_architecture_has_features(name: str, shape: tuple[int, ...]) -> None:
    """What makes the raw outputs gets them: one row for each output, or for each group."""
    state, term = made(plugins.build("architecture", name), recipe(batch_size=4), shape), Seen()
    before = hooks(state.discriminator)
    generator_update(state, objective(Vanilla(), term), recipe(batch_size=4))
    ((real, fake),) = term.given
    assert real.shape == fake.shape
    assert len(fake) == 4
    assert fake.shape[1] > 10
    (found,) = (own for own, module in state.discriminator.named_modules() if module is state.feature_layer)
    assert found.removeprefix("backbone.") == "output"
    assert hooks(state.discriminator) == before


def test_every_built_in_architecture_is_here() -> None:
    names = {
        entry.name for entry in plugins.load().registry.entries("architecture") if entry.distribution == "ganbench"
    }
    assert {name.partition("[")[0] for name in NETWORKS} == names


class Deep(nn.Module):
    """Has a layer of one output before the last one, which has three."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.output, self.other = nn.Linear(2, 5), nn.Linear(5, 1), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        raw: Tensor = self.output(torch.tanh(self.first(x))).squeeze(1)
        return raw


def test_the_layer_is_the_last_with_one_output_or_else_the_last() -> None:
    architecture, network = Architecture(), Deep()
    assert architecture.features(network) is network.output
    network.output = nn.Linear(5, 2)
    assert architecture.features(network) is network.other
    assert architecture.features(nn.Sequential(nn.Conv1d(2, 1, 3), nn.ReLU())).__class__ is nn.Conv1d
    with pytest.raises(ValueError, match="ReLU has no linear layer and no convolution whose input could be its"):
        architecture.features(nn.ReLU())


def test_to_look_for_the_layer_leaves_what_spectral_normalisation_remembers() -> None:
    network = nn.Sequential(nn.Linear(5, 6), nn.Linear(6, 1))
    for layer in network:
        nn.utils.parametrizations.spectral_norm(layer, n_power_iterations=1)
    before = weights(network)
    assert Architecture().features(network) is network[1]
    assert not differ(before, weights(network))


def test_an_architecture_may_name_another_layer() -> None:
    class Own(MLP):
        def features(self, discriminator: nn.Module) -> nn.Module:
            first: nn.Module = discriminator.get_submodule("hidden.0")
            return first

    term = Seen()
    state = made(Own(hidden=16), recipe(), (1, 4, 4))
    generator_update(state, objective(Vanilla(), term), recipe())
    assert term.given[0][0].shape == (8, 16)
    assert torch.equal(term.given[0][0], state.batches._data[compared(40)].flatten(1))


def test_nothing_of_the_looking_stays_with_a_network() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    with features_at(network[2]) as found:
        network(torch.ones(4, 2))
    assert found.only().shape == (4, 3)
    assert hooks(network) == 0
    with pytest.raises(RuntimeError), features_at(network[2]):
        network(torch.ones(4, 5))
    assert hooks(network) == 0
    assert flat(network.state_dict()).keys() == flat(copy.deepcopy(network).state_dict()).keys()
    assert hooks(pickle.loads(pickle.dumps(network))) == 0


def test_a_layer_that_is_not_called_once_is_refused() -> None:
    layer = nn.Linear(2, 2)
    with features_at(layer) as found:
        with pytest.raises(RuntimeError, match="is called 0 times in a pass of the discriminator, not once; let feat"):
            found.only()
        layer(input=torch.ones(3, 2))
        assert found.only().shape == (3, 2)
        layer(torch.ones(3, 2))
        with pytest.raises(RuntimeError, match="called 2 times"):
            found.only()
