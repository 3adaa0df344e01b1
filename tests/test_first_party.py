"""The packages under ``plugins/``, installed beside ganbench and run by their own tests."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from ganbench.registry import ELSEWHERE, KINDS

PLUGINS = sorted(path.parent for path in (Path(__file__).resolve().parents[1] / "plugins").glob("*/pyproject.toml"))
# What a plugin may import of ganbench; everything else may change without notice.
PUBLIC = {"api", "errors", "executors", "files", "hookspecs", "plugins", "testing", "trackers"}


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_package_uses_the_public_interface_alone(folder: Path) -> None:
    (package,) = (path.parent for path in folder.glob("ganbench_*/__init__.py"))
    for path in package.rglob("*.py"):
        rooms = {name.split(".")[1] for name in imported(path) if name.startswith("ganbench.")}
        assert rooms - {"hookimpl"} <= PUBLIC, path


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_a_package_is_complete(folder: Path) -> None:
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {folder.name}\n")
    assert "MIT License" in (folder / "LICENSE").read_text("utf-8")
    assert list((folder / "tests").glob("test_*.py"))


def test_the_registry_knows_what_the_packages_bring() -> None:
    """Whoever names a component of theirs without having it is told where it comes from."""
    registered: dict[str, dict[str, str]] = {}
    for folder in PLUGINS:
        (module,) = folder.glob("ganbench_*/__init__.py")
        for function in ast.parse(module.read_text("utf-8")).body:
            if not isinstance(function, ast.FunctionDef) or not function.name.startswith("register_"):
                continue
            kinds = [kind for kind, hook in KINDS.items() if hook == function.name]
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "register":
                    (kind,) = kinds
                    registered.setdefault(kind, {})[ast.literal_eval(call.args[0])] = folder.name
    assert registered == ELSEWHERE


@pytest.mark.slow
def test_packages_are_typed_strictly(tmp_path: Path) -> None:
    """Which the py.typed in each of them says."""
    pytest.importorskip("mypy")
    packages = [path.parent for folder in PLUGINS for path in folder.glob("ganbench_*/py.typed")]
    assert len(packages) == len(PLUGINS)
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"),
         *map(str, packages)],
        capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"MYPYPATH": os.pathsep.join(map(str, PLUGINS))}, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.slow
@pytest.mark.skipif(
    Version(version("setuptools")) < Version("77"),
    reason="setuptools 77 is needed to build packages without a download; tox installs it",
)
def test_packages_install_and_pass_their_own_tests(tmp_path: Path) -> None:
    assert len(PLUGINS) >= 5
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    # Copied first: building leaves folders beside the sources.
    copies = tmp_path / "plugins"
    subprocess.run(["cp", "-r", str(PLUGINS[0].parent), str(copies)], check=True)
    folders = [str(copies / folder.name) for folder in PLUGINS]
    installed = subprocess.run([*pip, *folders], capture_output=True, text=True, check=False)
    assert installed.returncode == 0, installed.stderr
    environment = os.environ | {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    tests = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir",
         str(tmp_path), *folders],
        capture_output=True, text=True, cwd=tmp_path, env=environment, check=False,
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout[-4000:] + tests.stderr[-2000:]
