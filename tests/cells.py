"""What the tests of planning's checks share: a component, data and an architecture as a plan has them."""

from typing import Any

from ganbench.api import Architecture
from ganbench.spec import Component, DataSpec


def component(name: str) -> Component:
    return Component(name=name, label=name, plugin="ganbench-mine", version="1", source="0")


def data(shape: tuple[int, ...] = (3, 8, 8), classes: int = 0) -> DataSpec:
    kind: Any = "image" if len(shape) == 3 else "vector"
    return DataSpec(component=component("cells"), kind=kind, shape=shape, size=100, fingerprint="0", classes=classes)


class Made(Architecture):
    """Declares how many samples its discriminator judges together; nothing is built."""

    def __init__(self, *, pack: int = 1) -> None:
        self.pack = pack
