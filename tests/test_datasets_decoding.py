"""Image files to pixels: formats, modes, cropping and resizing, hostile files."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganbench.datasets import decoding
from ganbench.datasets.decoding import decode, decode_all, read_header
from ganbench.errors import DataError

RAMP = (np.arange(12 * 20 * 3).reshape(12, 20, 3) % 256).astype(np.uint8)


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def read(data: bytes) -> None:
    read_header(data, "a.png")
    decode(data, "a.png", "RGB", 0)


def refused(data: bytes) -> str:
    with pytest.raises(DataError) as caught:
        read(data)
    message = str(caught.value)
    assert message.startswith("a.png ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("BMP", {}), ("WEBP", {"lossless": True})])
def test_lossless_formats_keep_every_pixel(kind: str, options: dict[str, Any]) -> None:
    data = encode(Image.fromarray(RAMP), kind, **options)
    header = read_header(data, "a")
    assert (header.width, header.height, header.grey) == (20, 12, False)
    assert np.array_equal(decode(data, "a", "RGB", 0), RAMP)


def test_jpeg() -> None:
    data = encode(Image.new("RGB", (16, 16), (200, 30, 60)), "JPEG", quality=95)
    assert np.abs(decode(data, "a", "RGB", 0).astype(int) - (200, 30, 60)).max() <= 3


@pytest.mark.parametrize(
    ("mode", "grey"), [("L", True), ("1", True), ("LA", True), ("RGB", False), ("RGBA", False), ("P", False)]
)
def test_modes(mode: str, grey: bool) -> None:
    image = Image.new("RGB", (4, 4), (255, 255, 255)).convert(mode)
    data = encode(image)
    assert read_header(data, "a").grey is grey
    assert decode(data, "a", "RGB", 0).shape == (4, 4, 3)
    assert np.all(decode(data, "a", "L", 0) == 255)


def test_cmyk_jpeg_becomes_colour() -> None:
    data = encode(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), "JPEG")
    assert not read_header(data, "a").grey
    assert decode(data, "a", "RGB", 0).min() > 250


def test_opaque_alpha_is_dropped_and_transparency_refused() -> None:
    rgba = np.concatenate([RAMP, np.full((12, 20, 1), 255, np.uint8)], axis=2)
    assert np.array_equal(decode(encode(Image.fromarray(rgba)), "a", "RGB", 0), RAMP)
    rgba[3, 4, 3] = 254
    assert "transparent pixels" in refused(encode(Image.fromarray(rgba)))
    palette = Image.new("P", (4, 4))
    assert "transparent pixels" in refused(encode(palette, transparency=0))


def test_the_crop_is_the_largest_centred_square() -> None:
    assert np.array_equal(decode(encode(Image.fromarray(RAMP)), "a", "RGB", 12), RAMP[:, 4:16])
    tall = RAMP.transpose(1, 0, 2).copy()
    assert np.array_equal(decode(encode(Image.fromarray(tall)), "a", "RGB", 12), tall[4:16])


def test_shrinking_is_antialiased() -> None:
    checks = np.indices((32, 32)).sum(0) % 2 * 255
    small = decode(encode(Image.fromarray(checks.astype(np.uint8))), "a", "L", 8)
    assert small.shape == (8, 8)
    assert np.abs(small[2:-2, 2:-2].astype(int) - 127).max() <= 1


def test_an_image_of_that_size_is_left_alone() -> None:
    square = RAMP[:, :12]
    assert np.array_equal(decode(encode(Image.fromarray(square.copy())), "a", "RGB", 12), square)


def test_truncated_damaged_and_foreign_files() -> None:
    noise = np.random.RandomState(0).randint(0, 256, (32, 32, 3)).astype(np.uint8)
    for kind in ("PNG", "JPEG", "WEBP", "BMP"):
        data = encode(Image.fromarray(noise), kind)
        refused(data[: len(data) // 2])
        refused(data[:-9])
    assert "is not an image in PNG, JPEG, WEBP, BMP format" in refused(b"")
    assert "is not an image" in refused(b"<svg/>")
    assert "is not an image" in refused(encode(Image.fromarray(noise), "TIFF"))
    assert "is not an image" in refused(encode(Image.fromarray(noise), "GIF"))


def test_deep_and_animated_images() -> None:
    assert "8 bits per channel" in refused(encode(Image.fromarray(np.zeros((4, 4), np.uint16))))
    frames = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (0, 255)]
    for kind in ("PNG", "WEBP"):
        assert "several frames" in refused(encode(frames[0], kind, save_all=True, append_images=frames[1:]))


@pytest.mark.parametrize("side", [9_000, 20_000, 2**31 - 1])
def test_a_small_file_that_claims_many_pixels(side: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    assert "pixels" in refused(bomb)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=200, deadline=None)
@given(st.sampled_from(["PNG", "JPEG", "WEBP", "BMP"]), st.data())
def test_any_damage_is_decoded_or_named(kind: str, data: st.DataObject) -> None:
    whole = bytearray(encode(Image.fromarray(RAMP), kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        header = read_header(bytes(whole), "a.png")
        pixels = decode(bytes(whole), "a.png", "RGB", 0)
    except DataError as error:
        assert str(error).startswith("a.png ")  # noqa: PT017
    else:
        assert pixels.shape == (header.height, header.width, 3)


class Memory:
    """A source held in memory."""

    described: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.names = tuple(content)

    def read(self, name: str) -> bytes:
        return self.content[name]

    def where(self, name: str) -> str:
        return name


def test_all_together() -> None:
    source = Memory({str(level): encode(Image.new("L", (3, 2), level)) for level in (0, 7, 255)})
    for grey, channels in ((True, 1), (False, 3)):
        stack = decode_all(source, ["7", "0", "255"], grey=grey, height=2, width=3, size=0)
        assert stack.shape == (3, channels, 2, 3)
        assert stack.amin(dim=(1, 2, 3)).tolist() == [7, 0, 255]


def test_more_than_fits_into_memory_is_refused_before_it_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "memory", lambda: 1000)
    with pytest.raises(DataError, match=r"choose a smaller size, as in \[size=64\]"):
        decode_all(Memory({}), ["a"] * 10, grey=False, height=8, width=8, size=0)
