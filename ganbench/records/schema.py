"""Versions of what is stored, and how what an older version of ganbench wrote is read by this one.

A field that is added with a default needs nothing here: an older file is read with that default, and a trial keeps
the name that was made of what is in its file. Where a field changes its name or meaning, :data:`ganbench.spec.SCHEMA`
is raised by one and a function is added to :data:`MIGRATIONS` that brings the version before to the new one.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ganbench.complaints import explain
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
    version = require_readable(content.get("schema_version"), f"{path} has", schema)
    current = dict(content)
    for step in range(version, schema):
        if step not in migrations:
            raise StoreError(f"{path} has schema {version}, which this version of ganbench no longer reads")
        current = {**migrations[step](what, current), "schema_version": step + 1}
    return current


def require_readable(version: object, whose: str, schema: int) -> int:
    """Return the version of what was stored, which is that of this ganbench or an older one.

    Args:
        version: what the file says.
        whose: the file and what of it has that version, for messages: ``runs/x/spec.json has``.
        schema: the latest version that can be read.

    Raises:
        StoreError: it was written by a later ganbench, or says no version.
    """
    reads = f"this version of ganbench reads {schema}{' and older' if schema > 1 else ''}"
    if isinstance(version, bool) or not isinstance(version, int):
        raise StoreError(f"{whose} schema {version!r}, but {reads}")
    if version > schema:
        raise StoreError(f"{whose} schema {version}, but {reads}; a later version wrote it: upgrade ganbench")
    return version


def why_unreadable(error: ValidationError) -> str:
    """What a stored content lacks, has too much of or has wrong, in a line.

    A later ganbench adds fields without another schema, since it reads what lacks them. To this one they are unknown.
    """
    unknown = error.errors(include_url=False)[0]["type"] == "extra_forbidden"
    return f"{explain(error)}{'; if a later version of ganbench wrote it, upgrade ganbench' if unknown else ''}"
