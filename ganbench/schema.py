"""Versions of what is stored, and how what an older version of ganbench wrote is read by this one.

A field that is added with a default needs nothing here: an older file is read with that default, and a trial keeps
the name that was made of what is in its file. Where a field changes its name or meaning, :data:`ganbench.spec.SCHEMA`
is raised by one and a function is added to :data:`MIGRATIONS` that brings the version before to the new one.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from ganbench.errors import StoreError
from ganbench.spec import SCHEMA

What = Literal["spec", "result"]
Migration = Callable[[What, dict[str, Any]], dict[str, Any]]

MIGRATIONS: dict[int, Migration] = {}
"""By the version they read. Each gets what the file is and its content, and returns that of the next version."""


def upgrade(
    what: What,
    content: Mapping[str, Any],
    path: Path,
    *,
    schema: int = SCHEMA,
    migrations: Mapping[int, Migration] = MIGRATIONS,
) -> dict[str, Any]:
    """Return a stored content in the form of this version.

    Args:
        what: the part of a trial.
        content: what was read, with a ``schema_version``.
        path: the file, for messages.
        schema: the version to reach.
        migrations: the steps there.

    Raises:
        StoreError: it was written by a later version, or says no version.
    """
    version = content.get("schema_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise StoreError(f"{path} has schema {version!r}, but this version of ganbench reads {schema} and older")
    if version > schema:
        raise StoreError(
            f"{path} has schema {version}, but this version of ganbench reads {schema} and older; upgrade ganbench"
        )
    current = dict(content)
    for step in range(version, schema):
        if step not in migrations:
            raise StoreError(f"{path} has schema {version}, which this version of ganbench no longer reads")
        current = {**migrations[step](what, current), "schema_version": step + 1}
    return current
