"""PacDCGAN: DCGAN's networks, and which images its discriminator judges together."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganbench.api import Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.architectures.pacdcgan import Discriminator, PacDCGAN
from ganbench.errors import UsageError
from ganbench.losses.vanilla import Vanilla
from ganbench.penalties.zero_centred import R1
from ganbench.resolving.compatibility import check_pair
from ganbench.spec import Component, DataSpec, Recipe
from ganbench.training.loop import discriminator_update, plain_step
from ganbench.training.objective import Objective
from ganbench.training.state import State

SMALL: dict[str, Any] = {"width": 4, "norm_d": "layer"}


def packed(recipe: Recipe, **parameters: Any) -> State:
    """The state of a trial on grey images of noise."""
    data = torch.randint(0, 256, (60, 1, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    device = torch.device("cpu")
    return State(architecture=PacDCGAN(**parameters), samples=Samples(data=data), recipe=recipe, seed=0, device=device)


def total(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize("pack", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 32, 32)])
def test_only_the_first_layer_of_the_discriminator_is_larger_than_dcgans(pack: int, shape: tuple[int, ...]) -> None:
    plain, own = DCGAN(width=4).build(shape, 8), PacDCGAN(pack=pack, width=4).build(shape, 8)
    assert own.generator(torch.randn(6, 8)).shape == (6, *shape)
    assert own.discriminator(torch.randn(6, *shape)).shape == (6 // pack,)
    assert total(own.generator) == total(plain.generator)
    assert total(own.discriminator) - total(plain.discriminator) == (pack - 1) * shape[0] * 4 * 4 * 4


def test_a_pack_of_one_is_dcgan_bit_for_bit() -> None:
    x = torch.randn(4, 1, 16, 16)
    outputs = []
    for architecture in (DCGAN(**SMALL), PacDCGAN(pack=1, **SMALL)):
        torch.manual_seed(0)
        networks = architecture.build((1, 16, 16), 8)
        outputs.append(torch.cat([networks.discriminator(x), networks.generator(x[:, 0, 0, :8]).flatten()]))
    assert torch.equal(*outputs)


@pytest.mark.parametrize("pack", [2, 3])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_an_output_is_that_of_consecutive_images_one_after_the_other_in_channels(pack: int, layout: Any) -> None:
    torch.manual_seed(0)
    discriminator = PacDCGAN(pack=pack, **SMALL).build((3, 16, 16), 8).discriminator
    assert isinstance(discriminator, Discriminator)
    x = torch.randn(4 * pack, 3, 16, 16)
    stacked = torch.stack([torch.cat(list(x[i * pack : (i + 1) * pack])) for i in range(4)])
    expected = discriminator.judge(discriminator.blocks(discriminator.input(stacked)))
    torch.testing.assert_close(discriminator(x.to(memory_format=layout)), expected)
    for sample in range(len(x)):
        changed = x.clone()
        changed[sample] += 1
        moved = (discriminator(changed) - expected).abs() > 1e-5
        assert moved.nonzero().flatten().tolist() == [sample // pack]


def test_images_that_make_no_whole_groups_are_refused() -> None:
    with pytest.raises(ValueError, match="7 samples cannot be packed in groups of 2"):
        PacDCGAN().build((1, 16, 16), 8).discriminator(torch.zeros(7, 1, 16, 16))


def test_a_batch_is_judged_in_whole_groups_of_real_and_of_fake_images(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Recipe(batch_size=5, latent_dim=8, discriminator_batch="joint")
    state = packed(recipe, pack=2, **SMALL)
    real: list[Tensor] = []
    seen: list[Tensor] = []
    draw = state.batches.next

    def noted(count: int = 1) -> Tensor:
        real.append(draw(count))
        return real[-1]

    monkeypatch.setattr(state.batches, "next", noted)
    convolution = state.discriminator.get_submodule("input.0")
    convolution.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    discriminator_update(state, Objective(loss=Vanilla(), penalties=()), recipe)
    assert seen[0].shape == (10, 2, 16, 16)
    assert torch.equal(seen[0][:5], real[0].reshape(5, 2, 16, 16))
    assert state.real_images == 10


@pytest.mark.parametrize("norm_d", ["batch", "layer", "spectral", "none"])
def test_a_few_steps_train_every_parameter(norm_d: str) -> None:
    recipe = Recipe(batch_size=4, latent_dim=8, replay=8)
    state = packed(recipe, pack=3, width=4, norm_d=norm_d)
    networks = (state.generator, state.discriminator)
    before = [parameter.clone() for network in networks for parameter in network.parameters()]
    for _ in range(6):
        losses = plain_step(state, Objective(loss=Vanilla(), penalties=()), recipe)
    assert losses.isfinite().all()
    after = [parameter for network in networks for parameter in network.parameters()]
    assert not any(torch.equal(old, new) for old, new in zip(before, after, strict=True))


def test_what_it_cannot_do_is_refused() -> None:
    own = Component(name="pacdcgan", label="pacdcgan", plugin="ganbench", version="0", source="0")
    digits = own.model_copy(update={"name": "digits", "label": "digits"})
    data = DataSpec(component=digits, kind="image", shape=(1, 16, 16), size=100, fingerprint="f")
    with pytest.raises(UsageError, match="judges 2 samples at once"):
        check_pair("vanilla+r1", [R1()], own, PacDCGAN(), data, Recipe())
    check_pair("vanilla+r1", [R1()], own, PacDCGAN(pack=1), data, Recipe())
    assert PacDCGAN().conditioning == "none"
    for shape in ((2,), (1, 8, 8), (1, 16, 32)):
        with pytest.raises(ValueError, match="pacdcgan makes"):
            PacDCGAN().build(shape, 8)


@pytest.mark.parametrize(
    "parameters", [{"pack": 0}, {"pack": 65}, {"width": 0}, {"norm_d": "group"}, {"norm_g": "layer"}]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(parameters))} must be"):
        PacDCGAN(**parameters)
