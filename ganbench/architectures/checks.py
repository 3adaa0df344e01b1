"""What every built-in architecture asks of its parameters and of the sample shape, in one clear line each."""

import math


def whole_number(name: str, value: int, *, at_least: int, at_most: int = 1 << 20) -> int:
    """Return ``value`` if it is a whole number between the limits, inclusive.

    Raises:
        ValueError: it is not; a boolean is not a number here.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not at_least <= value <= at_most:
        raise ValueError(f"{name} must be a whole number from {at_least} to {at_most}, not {value!r}")
    return value


def positive_number(name: str, value: float) -> float:
    """Return ``value`` as a float if it is finite and above zero, else raise :class:`ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        raise ValueError(f"{name} must be a finite number above 0, not {value!r}")
    return float(value)


def one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    """Return ``value`` if it is one of ``choices``, else raise :class:`ValueError`."""
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value


def switch(name: str, value: bool | str, *more: str) -> str:
    """Return ``"auto"``, ``"true"``, ``"false"`` or one of ``more``, a truth value as text.

    Raises:
        ValueError: it is none of them.
    """
    return one_of(name, str(value).lower() if isinstance(value, bool) else value, ("auto", "true", *more, "false"))


def no_condition(architecture: str, condition: str) -> None:
    """Raise :class:`ValueError` where unconditional networks are asked of a conditional architecture."""
    if condition != "none":
        raise ValueError(f"{architecture} with condition={condition} is conditional: use build_conditional")


def square_image(architecture: str, shape: tuple[int, ...], sizes: tuple[int, int]) -> tuple[int, int]:
    """Return (channels, side) of a square image whose side is a power of two within ``sizes``, inclusive.

    Args:
        architecture: its name, for the message.
        shape: the shape of one sample.
        sizes: the smallest and the largest side.

    Raises:
        ValueError: the shape is anything else.
    """
    smallest, largest = sizes
    if len(shape) != 3:
        raise ValueError(f"{architecture} makes images (C, H, W), not samples of shape {shape}")
    channels, height, width = shape
    if channels < 1 or height != width or not smallest <= height <= largest or height & (height - 1):
        raise ValueError(
            f"{architecture} makes square images with a power-of-two side from {smallest} to {largest}, "
            f"not {channels}x{height}x{width}"
        )
    return channels, height
