"""What code a machine would run: the same on the host and on every node, or nothing runs there."""

import hashlib
import importlib.util
import platform
import socket
from collections.abc import Iterator
from pathlib import Path

from ganbench import plugins
from ganbench.provenance.versions import installed
from ganbench.registry import package_of
from ganbench.spec import Frozen

BESIDES = ("torch", "torchvision", "torch-fidelity")
"""Packages that decide results besides ganbench and its plugins."""


class Package(Frozen):
    """One installed package: its version, and a hash over its modules (empty where they are not compared)."""

    version: str
    code: str = ""


class Fingerprint(Frozen):
    """The packages of a machine by name, and the machine's name."""

    host: str
    python: str
    packages: dict[str, Package]

    def differences(self, other: "Fingerprint") -> list[str]:
        """Say in one line each where ``other`` has another package, version or code than this."""
        found = []
        if self.python != other.python:
            found.append(f"Python is {self.python} on {self.host} and {other.python} on {other.host}")
        for name in sorted({*self.packages, *other.packages}):
            here, there = self.packages.get(name), other.packages.get(name)
            if here == there:
                continue
            if here is None or there is None or here.version != there.version:
                versions = [one.version if one else "missing" for one in (here, there)]
                found.append(f"{name} is {versions[0]} on {self.host} and {versions[1]} on {other.host}")
            else:
                found.append(
                    f"{name} is {here.version} on both {self.host} and {other.host}, but its code differs "
                    f"({here.code} and {there.code})"
                )
        return found


def fingerprint() -> Fingerprint:
    """The fingerprint of this machine. Imports plugins' registration modules, and no torch."""
    brought: dict[str, tuple[str, set[str]]] = {}
    for plugin in plugins.load().plugins:
        if plugin.status != "disabled":
            brought.setdefault(plugin.distribution, (plugin.version, set()))[1].add(package_of(plugin.module))
    packages = {name: Package(version=its_own, code=_code(names)) for name, (its_own, names) in brought.items()}
    packages |= {name: Package(version=installed(name)) for name in BESIDES}
    python = ".".join(platform.python_version_tuple()[:2])
    return Fingerprint(host=socket.gethostname(), python=python, packages=packages)


def _code(packages: set[str]) -> str:
    """Twelve digits of the SHA-256 over the Python files of top-level packages, by their path in the package."""
    state = hashlib.sha256()
    for package in sorted(packages):
        for name, file in _files(package):
            state.update(f"{name}\n".encode())
            state.update(hashlib.sha256(file.read_bytes()).digest())
    return state.hexdigest()[:12]


def _files(package: str) -> Iterator[tuple[str, Path]]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if not spec.submodule_search_locations:
        if spec.origin and spec.origin.endswith(".py"):
            yield package, Path(spec.origin)
        return
    for folder in spec.submodule_search_locations:
        for file in sorted(Path(folder).rglob("*.py")):
            yield f"{package}/{file.relative_to(folder).as_posix()}", file
