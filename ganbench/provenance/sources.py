"""Which code a component consists of, read from its source, so that an edit anywhere in it makes another trial."""

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from ganbench.plugins.installed import siblings
from ganbench.registry import package_of

PLUMBING = frozenset(
    f"ganbench{part}"
    for part in ("", ".api", ".errors", ".files", ".hookspecs", ".registry", ".plugins", ".spec", ".seeds", ".grid")
)
"""What lies under every component, the modules inside ``ganbench.api`` too; it is covered by the version."""
_FOREIGN = frozenset({"builtins", "abc", "typing", "torch", "torch_fidelity"})


def source_files(cls: type[Any]) -> tuple[str, ...]:
    """The files whose code decides what a component computes.

    Those of the class and its bases, and whatever of the same plugins' distributions their modules import, directly or
    not. In the order of the modules' names, which does not depend on where packages are installed.
    """
    waiting = [base.__module__ for base in cls.__mro__ if not _is_plumbing(base.__module__)]
    own = siblings({package_of(name) for name in waiting} - _FOREIGN) - _FOREIGN
    found: dict[str, str] = {}
    while waiting:
        name = waiting.pop()
        if name in found or _is_plumbing(name) or package_of(name) not in own:
            continue
        file = _file(name)
        if file is not None:
            found[name] = file
            waiting.extend(_imported(name, file, Path(file).stat().st_mtime_ns))
    return tuple(dict.fromkeys(found[name] for name in sorted(found)))


def source_hash(cls: type[Any]) -> str:
    """Twelve digits of the SHA-256 of the code that a component consists of."""
    state = hashlib.sha256()
    for file in source_files(cls):
        state.update(hashlib.sha256(Path(file).read_bytes()).digest())
    return state.hexdigest()[:12]


def _is_plumbing(module: str) -> bool:
    return module in PLUMBING or module.startswith("ganbench.api.")


@cache
def _file(module: str) -> str | None:
    """The source file of a module; ``None`` for what is no module or has no source."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return str(Path(spec.origin).resolve())


@cache
def _imported(module: str, file: str, changed: int) -> tuple[str, ...]:
    """The modules that one may import, wherever in it; read from the text, since what happens to be loaded varies."""
    package = module if Path(file).name == "__init__.py" else module.rpartition(".")[0]
    return tuple(dict.fromkeys(_imports(ast.parse(Path(file).read_bytes()), package)))


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                above = package.split(".")[: package.count(".") + 2 - node.level]
                module = ".".join(part for part in (*above, module) if part)
            yield module
            # `from package import module` names a module too.
            yield from (f"{module}.{alias.name}" for alias in node.names)
