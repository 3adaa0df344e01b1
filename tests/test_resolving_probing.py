"""Components are called while planning: what would fail in training is refused by name, in one line."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench import components, plugins
from ganbench.api import Architecture, Augmentation, Conditioning, Loss, Networks
from ganbench.augmentations.translation import Translation
from ganbench.losses.hinge import Hinge
from ganbench.resolving.probing import check_augmentations, check_loss, check_networks
from ganbench.spec import DataSpec, Recipe
from tests.cells import component, data
from tests.refusals import refusal


class Generator(nn.Module):
    labelled = False

    def __init__(self, shape: tuple[int, ...], latent_dim: int) -> None:
        super().__init__()
        self.shape = shape
        self.layer = nn.Linear(latent_dim, torch.Size(shape).numel())

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        assert (labels is not None) is self.labelled
        samples: Tensor = self.layer(z).tanh().view(len(z), *self.shape)
        return samples


class Judge(nn.Module):
    """What a discriminator returns, made by ``answer`` of (N, 2) features; a batch norm needs two samples."""

    labelled = False

    def __init__(self, shape: tuple[int, ...], answer: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.answer = answer
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(torch.Size(shape).numel(), 2), nn.BatchNorm1d(2))

    def forward(self, x: Tensor, labels: Tensor | None = None) -> Any:
        assert (labels is not None) is self.labelled
        return self.answer(self.layers(x))


class Made(Architecture):
    """Networks of which the discriminator answers as it is told to."""

    def __init__(
        self,
        answer: Callable[[Tensor], Any],
        *,
        pack: int = 1,
        condition: Conditioning = "none",
        makes: tuple[int, ...] | None = None,
    ) -> None:
        self.answer = answer
        self.pack = pack
        self.makes = makes
        self.condition = condition

    @property
    def conditioning(self) -> Conditioning:
        return self.condition

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        return Networks(Generator(self.makes or shape, latent_dim), Judge(self.makes or shape, self.answer))

    def build_conditional(self, shape: tuple[int, ...], latent_dim: int, classes: int) -> Networks:
        networks = self.build(shape, latent_dim)
        networks.generator.labelled, networks.discriminator.labelled = True, self.condition == "labels"  # type: ignore[assignment]
        return networks


def check(architecture: Architecture, samples: DataSpec | None = None) -> None:
    check_networks(component("mine"), architecture, samples or data(), Recipe(latent_dim=4))


def fails(x: Tensor) -> Tensor:
    raise RuntimeError("mat1 and mat2\ncannot be multiplied")


@pytest.mark.parametrize(
    ("architecture", "labels", "words"),
    [
        (
            Made(lambda x: x[:, :1]),
            0,
            "returns shape (2, 1) for two samples, not (2,): it must return one raw output for each",
        ),
        (Made(lambda x: x), 0, "returns shape (2, 2) for two samples, not (2,)"),
        (Made(lambda x: x.mean()), 0, "returns shape () for two samples"),
        (Made(lambda x: [x[:, 0]]), 0, "returns a list for two samples"),
        (Made(lambda x: x[:, 0], pack=3), 0, "returns shape (6,) for two groups of samples, not (2,)"),
        (Made(lambda x: x[:, :1], condition="labels"), 5, "returns shape (2, 1) for two samples"),
        (Made(lambda x: (x[:, :1], x), condition="classifier"), 2, "returns shape (2, 1) for two samples"),
        (
            Made(lambda x: (x[:, 0], x), condition="classifier"),
            5,
            "class logits shape (2, 2) for 2 samples of 5 classes",
        ),
        (Made(lambda x: (x[:, 0], x, x), condition="classifier"), 2, "returns a tuple, not raw outputs and"),
        (Made(lambda x: x[:, 0], condition="classifier"), 2, "returns shape (2,), not raw outputs and class logits"),
        (Made(fails), 0, "fails on 2 samples of 'cells': mat1 and mat2 cannot be multiplied"),
        (Made(lambda x: x[:, 0], makes=(1, 8, 8)), 0, "generator of architecture 'mine' returns shape (2, 1, 8, 8)"),
    ],
)
def test_networks_that_return_other_shapes_are_refused(architecture: Made, labels: int, words: str) -> None:
    message = refusal(check, architecture, data(classes=labels))
    assert "architecture 'mine'" in message
    assert words in message


def test_networks_that_need_two_samples_are_refused_one_at_a_time() -> None:
    """Of a packed discriminator it is one group, and its generator's batch norm may well have enough."""
    words = [
        "architecture 'mine' cannot be trained with batch_size=1 on dataset 'cells' (Expected more than 1 value",
        "; use --batch-size 2 or more",
    ]
    one = Made(lambda x: x[:, 0])
    message = refusal(lambda: check_networks(component("mine"), one, data(), Recipe(latent_dim=4, batch_size=1)))
    assert all(part in message for part in words)
    check_networks(component("mine"), one, data(), Recipe(latent_dim=4))
    packed = Made(lambda x: x.view(-1, 3, 2)[:, 0, 0], pack=3)
    check_networks(component("mine"), packed, data(), Recipe(latent_dim=4, batch_size=1))


class Hooked(Made):
    """A discriminator whose weight a hook computes at every call."""

    def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
        networks = super().build(shape, latent_dim)
        assert isinstance(networks.discriminator, Judge)
        torch.nn.utils.weight_norm(networks.discriminator.layers[1])
        return networks


@pytest.mark.parametrize("role", Networks._fields)
def test_a_layer_that_has_no_size_before_it_is_called_is_refused(role: str) -> None:
    class Lazy(Made):
        def build(self, shape: tuple[int, ...], latent_dim: int) -> Networks:
            networks = super().build(shape, latent_dim)
            late = nn.Sequential(nn.Identity(), nn.LazyLinear(4))
            getattr(networks, role).late = late
            return networks

    assert refusal(check, Lazy(lambda x: x[:, 0])) == (
        f"architecture 'mine' cannot be built for dataset 'cells': layer 'late.1' (LazyLinear) of the {role} has no "
        "size before it is called, but its weights are drawn before; give build() a layer with sizes, such as nn.Linear"
        " for nn.LazyLinear"
    )


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_weights_that_cannot_be_drawn_anew_are_refused_where_that_is_asked_for() -> None:
    hooked = Hooked(lambda x: x[:, 0])
    check(hooked)
    message = refusal(
        lambda: check_networks(component("mine"), hooked, data(), Recipe(latent_dim=4, init="orthogonal"))
    )
    assert message.startswith(
        "architecture 'mine': init=orthogonal cannot draw the weight of layer 'layers.1' (Linear)"
    )


def test_what_to_do_is_said() -> None:
    message = refusal(check, Made(lambda x: x[:, :1]))
    assert "e.g. with `.flatten()` at its end" in message
    assert message.endswith("run `ganbench plugins check ganbench-mine` for details")


@pytest.mark.parametrize(
    ("architecture", "samples"),
    [
        (Made(lambda x: x[:, 0]), data()),
        (Made(lambda x: x.view(-1, 6, 2)[:, 0, 0], pack=6), data()),
        (Made(lambda x: x[:, 0], condition="labels"), data(classes=3)),
        (Made(lambda x: (x[:, 0], x), condition="classifier"), data(classes=2)),
    ],
)
def test_networks_that_return_what_they_should_are_not(architecture: Made, samples: DataSpec) -> None:
    state = torch.get_rng_state()
    check(architecture, samples)
    assert torch.equal(torch.get_rng_state(), state)


class Halved(Augmentation):
    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        if images.shape[1] != 3:
            raise ValueError(f"it is for colour images, not for {images.shape[1]} channel")
        return images[..., ::2]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (
            data((2,)),
            "augment=halved transforms images, but dataset 'cells' contains vectors; use --set augment=none",
        ),
        (
            data((1, 8, 8)),
            "'halved' cannot transform the images of dataset 'cells': it is for colour images, not for 1",
        ),
        (data(), "'halved' makes shape (2, 3, 8, 4) of images of dataset 'cells', whose batches are (2, 3, 8, 8)"),
    ],
)
def test_an_augmentation_that_cannot_transform_the_data_is_refused(samples: DataSpec, words: str) -> None:
    assert words in refusal(check_augmentations, [(component("halved"), Halved())], samples)


def test_an_augmentation_that_keeps_the_shape_and_none_at_all_are_not() -> None:
    check_augmentations([(component("translation"), Translation())], data())
    check_augmentations([], data((2,)))


class Played(Loss):
    """Both objectives as they are given."""

    def __init__(self, discriminator: Any = None, generator: Any = None, *, needs_real: bool = False) -> None:
        self.players = discriminator or (lambda r, f: (f - r).mean()), generator or (lambda f, r: -f.mean())
        self.needs_real = needs_real  # type: ignore[misc]

    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        value: Tensor = self.players[0](real, fake)
        return value

    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        value: Tensor = self.players[1](fake, real)
        return value


class Silent(Loss):
    def discriminator(self, real: Tensor, fake: Tensor) -> Tensor:
        return (fake - real).mean()


class Labelless(Silent):
    smoothable = True


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (Played(lambda r, f: f - r), "discriminator() of loss 'mine' returns shape (6,) for 6 raw outputs, not a"),
        (Played(generator=lambda f, r: -f), "generator() of loss 'mine' returns shape (6,) for 6 raw outputs"),
        (Played(lambda r, f: (f - r).mean().item()), "returns a float for 6 raw outputs, not a scalar tensor"),
        (Played(lambda r, f: f @ r[:3]), "discriminator() of loss 'mine' fails on 6 raw outputs: inconsistent tensor"),
        (
            Played(generator=lambda f, r: (r - f).mean()),
            "generator() of loss 'mine' fails on 6 raw outputs and real=None (its needs_real is false): unsupported",
        ),
        (Played(lambda r, f: (f - r).mean().detach()), "does not depend on the raw outputs (a .detach(), .item()"),
        (
            Played(generator=lambda f, r: (r - f.detach()).mean(), needs_real=True),
            "generator() of loss 'mine' does not depend on the fakes",
        ),
        (Played(generator=lambda f, r: f @ r[:3], needs_real=True), "'mine' fails on 6 raw outputs: inconsistent"),
        (Silent(), "generator() of loss 'mine' fails on 6 raw outputs and real=None"),
        (Labelless(), "unexpected keyword argument 'real_label'"),
    ],
)
def test_a_loss_that_cannot_be_trained_on_is_refused(loss: Loss, words: str) -> None:
    message = refusal(check_loss, component("mine"), loss, Recipe(batch_size=6))
    assert words in message
    assert "loss 'mine'" in message
    assert message.endswith("; run `ganbench plugins check ganbench-mine` for details")


def test_every_loss_that_is_installed_passes() -> None:
    registry = plugins.load().registry
    names = registry.names("loss")
    assert "hinge" in names
    for name in names:
        loss = components.load_class(registry.find("loss", name))()
        for recipe in (Recipe(), Recipe(batch_size=1, smoothing_real=0.1)):
            check_loss(component(name), loss, recipe)


class Drawing(Hinge):
    def generator(self, fake: Tensor, real: Tensor | None) -> Tensor:
        return super().generator(fake * torch.rand(()), real)


def test_what_draws_leaves_the_random_state_as_it_was() -> None:
    state = torch.get_rng_state()
    check_loss(component("drawing"), Drawing(), Recipe())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loss_is_tried_on_a_batch_as_large_as_its_recipes_and_no_larger_than_need_be() -> None:
    seen: list[int] = []
    loss = Played(lambda r, f: seen.append(len(r)) or (f - r).mean())  # type: ignore[func-returns-value]
    check_loss(component("mine"), loss, Recipe(batch_size=48))
    check_loss(component("mine"), loss, Recipe(batch_size=1 << 40))
    assert seen == [48, 1024]
