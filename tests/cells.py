"""What the tests of planning's checks share: a component and data as a plan has them."""

from typing import Any

from ganbench.spec import Component, DataSpec


def component(name: str) -> Component:
    return Component(name=name, label=name, plugin="ganbench-mine", version="1", source="0")


def data(shape: tuple[int, ...] = (3, 8, 8), classes: int = 0) -> DataSpec:
    kind: Any = "image" if len(shape) == 3 else "vector"
    return DataSpec(component=component("cells"), kind=kind, shape=shape, size=100, fingerprint="0", classes=classes)
