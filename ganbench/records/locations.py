"""Where a user's own samples lie: what a trial opens, and no part of what it asks.

A dataset names the parameters that are paths (:attr:`ganbench.api.Dataset.locations`). A plan sets them aside, so that
equal samples are one trial wherever they lie, and a table shows the last name of each.
"""

from collections.abc import Mapping
from pathlib import Path

from ganbench.spec import Component

SPLITS = ("train", "training", "test", "testing", "val", "valid", "validation")
"""Folders that say little alone: the one around them is named too."""


def absolute(path: str) -> str:
    """Return a path as every process can open it, from whatever folder it works in; ``~`` is the home folder."""
    return str(Path(path).expanduser().absolute())


def last_name(path: str) -> str:
    """Return the name a path is known by: its last part, after the one above where that is ``train`` and the like."""
    place = Path(path)
    if place.name.lower() in SPLITS and place.parent.name:
        return f"{place.parent.name}/{place.name}"
    return place.name or path


def shown(component: Component, data_at: Mapping[str, str]) -> str:
    """Return a dataset's name for people: ``folder:photos[size=32]`` of ``folder[size=32]`` at ``/data/photos``."""
    if not data_at:
        return component.label
    names = ",".join(map(last_name, data_at.values()))
    return f"{component.name}:{names}{component.label.removeprefix(component.name)}"


def shown_of(text: str) -> str:
    """Return, of a dataset as it was typed, the name for people: ``folder:photos`` of ``folder:data/photos``."""
    head, bracket, parameters = text.partition("[")
    name, colon, path = head.partition(":")
    return f"{name}{colon}{last_name(path)}{bracket}{parameters}" if path else text
