"""Both transforms held by the kit, and what each does to an image."""

from typing import Any

import pytest
import torch
from ganbench_diffaugment.color import Color
from ganbench_diffaugment.cutout import Cutout
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from ganbench import plugins
from ganbench.testing import Conformance


class TestColor(Conformance):
    component = Color


class TestCutout(Conformance):
    component = Cutout


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, channels: int, side: int = 16) -> Tensor:
    return torch.rand((n, channels, side, side), generator=stream(1)) * 1.8 - 0.9


def test_color_keeps_the_pattern_of_each_image_and_changes_its_level_and_range() -> None:
    x = images(400, 1)
    y = Color()(x, stream())
    flat_x, flat_y = x.flatten(1), y.flatten(1)
    # Brightness moves the mean by up to a half; contrast scales what is left by 0.5 to 1.5.
    moved = flat_y.mean(1) - flat_x.mean(1)
    scale = flat_y.std(1) / flat_x.std(1)
    assert moved.abs().max() <= 0.5
    assert moved.min() < -0.4
    assert moved.max() > 0.4
    assert 0.5 - 1e-5 <= scale.min() < 0.55
    assert 1.45 < scale.max() <= 1.5 + 1e-5
    patterns = torch.stack([torch.corrcoef(torch.stack(pair))[0, 1] for pair in zip(flat_x, flat_y, strict=True)])
    assert patterns.min() > 0.999


def test_saturation_of_grey_images_changes_nothing_and_of_coloured_ones_does() -> None:
    grey = images(4, 1).expand(4, 3, 16, 16)
    assert Color()(grey, stream()).std(1).max() < 1e-6
    coloured = images(100, 3)
    spread = Color(brightness=0.0, contrast=0.0)(coloured, stream()).std(1).mean((1, 2)) / coloured.std(1).mean((1, 2))
    assert 0 <= spread.min() < 0.1
    assert 1.9 < spread.max() <= 2 + 1e-5


def test_without_any_width_color_changes_nothing() -> None:
    x = images(4, 3)
    torch.testing.assert_close(Color(brightness=0.0, saturation=0.0, contrast=0.0)(x, stream()), x)


@pytest.mark.parametrize("side", [8, 15, 16, 31])
def test_cutout_blanks_one_rectangle_of_at_most_half_the_side(side: int) -> None:
    y = Cutout()(torch.ones(200, 2, side, side), stream())
    half = int(side / 2 + 0.5)
    sizes = set()
    for image in y:
        assert torch.equal(image[0], image[1])
        rows, columns = (image[0] == 0).any(1), (image[0] == 0).any(0)
        assert half // 2 <= int(rows.sum()) <= half
        assert half // 2 <= int(columns.sum()) <= half
        assert int((image[0] == 0).sum()) == int(rows.sum()) * int(columns.sum())
        sizes.add(int(rows.sum()))
    assert sizes >= {half // 2, half}


def test_cutout_leaves_the_rest_alone() -> None:
    x = images(20, 3) + 2
    y = Cutout(hole=0.25)(x, stream())
    assert torch.equal(torch.where(y == 0, x, y), x)
    assert 0 < (y == 0).double().mean() <= 1 / 16


class Operations(TorchDispatchMode):
    """Notes what torch is asked to do."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch has no type for it
        self.names: set[str] = set()

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.add(operation.overloadpacket.__name__)
        return operation(*args, **kwargs or {})


@pytest.mark.parametrize("component", [Color, Cutout])
def test_nothing_passes_between_host_and_device(component: type[Color | Cutout]) -> None:
    """On a GPU each such copy would wait, and keep ganbench from recording a step as a CUDA graph."""
    with Operations() as seen:
        component()(images(2, 3), stream())
    # A tensor made of Python's numbers, and a number taken out of a tensor.
    assert not seen.names & {"lift_fresh", "_local_scalar_dense"}


@pytest.mark.parametrize(
    ("component", "parameters"),
    [(Color, {"brightness": -1.0}), (Color, {"saturation": 1.5}), (Color, {"contrast": 3.0}), (Cutout, {"hole": 1.0})],
)
def test_nonsense_is_named(component: type[Color | Cutout], parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(parameters))):
        component(**parameters)


def test_they_are_registered() -> None:
    registry = plugins.load().registry
    assert registry.find("augmentation", "ganbench-diffaugment:color").load() is Color
    assert registry.find("augmentation", "ganbench-diffaugment:cutout").load() is Cutout
