"""What the tests of the grammar share: a registry to read against, and how a text is read."""

from typing import Any

from ganbench.grid import parse_component
from ganbench.registry import Entry, Registry


def _registry() -> Registry:
    registry = Registry()
    for kind, name, argument, distribution in [
        ("loss", "hinge", "", "ganbench"),
        ("loss", "wgan-gp", "", "ganbench"),
        ("loss", "rpgan", "", "ganbench-rpgan"),
        ("penalty", "r1", "", "ganbench"),
        ("penalty", "gp", "", "ganbench"),
        ("augmentation", "translation", "", "ganbench"),
        ("augmentation", "color", "", "ganbench-diffaugment"),
        ("architecture", "dcgan", "", "ganbench"),
        ("dataset", "digits", "", "ganbench"),
        ("dataset", "folder", "path", "ganbench"),
        ("dataset", "lmdb", "file", "ganbench-lmdb"),
    ]:
        registry.add(
            Entry(
                kind=kind,
                name=name,
                target="m:A",
                summary="",
                paper="",
                argument=argument,
                distribution=distribution,
                version="1",
            )
        )
    return registry


REGISTRY = _registry()


def parameters(kind: str, text: str) -> list[dict[str, Any]]:
    return [dict(request.parameters) for request in parse_component(kind, text, REGISTRY)]
