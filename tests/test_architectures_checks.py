"""Parameter checks: what passes is returned, what does not is named."""

import pytest

from ganbench.architectures.checks import one_of, positive_number, square_image, switch, whole_number


def test_accepted_values_are_returned() -> None:
    assert whole_number("width", 8, at_least=1) == 8
    assert positive_number("std", 1) == 1.0
    assert one_of("norm", "batch", ("batch", "none")) == "batch"
    assert [switch("spectral", value) for value in (False, True, "true", "auto")] == ["false", "true", "true", "auto"]
    assert switch("spectral", "generator", "generator") == "generator"
    assert square_image("dcgan", (3, 64, 64), (16, 128)) == (3, 64)


@pytest.mark.parametrize("value", [0, -1, 1.5, "8", True, None, 1 << 30])
def test_whole_number_refuses(value: object) -> None:
    with pytest.raises(ValueError, match="width must be a whole number from 1"):
        whole_number("width", value, at_least=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [0, -0.1, float("nan"), float("inf"), "0.1", True])
def test_positive_number_refuses(value: object) -> None:
    with pytest.raises(ValueError, match="std must be a finite number above 0"):
        positive_number("std", value)  # type: ignore[arg-type]


def test_choices_and_switches_are_named() -> None:
    with pytest.raises(ValueError, match="norm must be one of batch, none, not 'bath'"):
        one_of("norm", "bath", ("batch", "none"))
    for value in (1, "generator", "True"):
        with pytest.raises(ValueError, match=f"spectral must be one of auto, true, false, not {value!r}"):
            switch("spectral", value)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(2,), (1, 8, 8), (1, 256, 256), (1, 24, 24), (1, 16, 32), (0, 16, 16)])
def test_square_image_refuses(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="dcgan makes"):
        square_image("dcgan", shape, (16, 128))
