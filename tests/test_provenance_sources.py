"""What is part of a component's code: modules of its distribution, wherever they lie; none of other packages."""

import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.losses.wgan import WGANGP
from ganbench.plugins import installed
from ganbench.provenance import sources
from ganbench.provenance.sources import source_files, source_hash
from ganbench.registry import BUILTIN, KINDS
from ganbench.resolving.plans import loaded_sources
from tests.distribution import write_distribution

LOSS = "from ganbench.api import Loss\n{imported}\nclass L(Loss):\n    pass\n"
REGISTER = """
from ganbench import hookimpl

@hookimpl
def register_losses(register):
    register("src", "gb_src_loss:L")
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    sources._file.cache_clear()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("gb_src"):
            del sys.modules[name]


def follows(cls: type[Any], helper: Path) -> bool:
    """Whether an edit of a file makes another component."""
    before = source_hash(cls)
    helper.write_text(helper.read_text() + "# edited\n")
    return source_hash(cls) != before


def test_a_helper_in_another_module_of_the_distribution_is_followed(site: Path) -> None:
    modules = {
        "gb_src_register": REGISTER,
        "gb_src_loss": LOSS.format(imported="from gb_src_core import scale\nimport gb_src_other"),
        "gb_src_core": "from gb_src_deep import scale\n",
        "gb_src_deep": "scale = 1.0\n",
    }
    write_distribution(site, "gb-src", modules)
    record = "".join(f"{name}.py,,\n" for name in modules)
    (site / "gb_src-1.0.dist-info" / "RECORD").write_text(record)
    (site / "gb_src_other.py").write_text("")
    cls = import_module("gb_src_loss").L
    assert follows(cls, site / "gb_src_core.py")
    assert follows(cls, site / "gb_src_deep.py")
    assert not follows(cls, site / "gb_src_other.py"), "it comes with no plugin"
    plan = {Path(file).name for file in loaded_sources(plugins.load().registry)}
    assert {"gb_src_loss.py", "gb_src_core.py", "gb_src_deep.py"} <= plan, "or else the plan itself is the old one"


@pytest.mark.parametrize(
    ("imported", "helper"),
    [
        ("from . import helper", "two/helper.py"),
        ("from .helper import f", "two/helper.py"),
        ("from ..shared import f", "shared.py"),
        ("from .. import shared", "shared.py"),
    ],
)
def test_relative_imports_are_followed_in_a_namespace(site: Path, imported: str, helper: str) -> None:
    space = site / "gb_src_space"
    (space / "two").mkdir(parents=True)
    for name in ("two/__init__.py", "two/helper.py", "shared.py"):
        (space / name).write_text("def f(): ...\n")
    (space / "two" / "loss.py").write_text(LOSS.format(imported=imported))
    assert follows(import_module("gb_src_space.two.loss").L, space / helper)


def test_relative_imports_of_a_package_are_its_own(site: Path) -> None:
    package = site / "gb_src_pack"
    package.mkdir()
    (package / "__init__.py").write_text(LOSS.format(imported="from .helper import f"))
    (package / "helper.py").write_text("def f(): ...\n")
    assert follows(import_module("gb_src_pack").L, package / "helper.py")


def test_what_an_edit_imports_is_followed_in_the_same_process(site: Path) -> None:
    package = site / "gb_src_later"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "helper.py").write_text("def f(): ...\n")
    (package / "loss.py").write_text(LOSS.format(imported=""))
    cls = import_module("gb_src_later.loss").L
    assert not follows(cls, package / "helper.py")
    (package / "loss.py").write_text(LOSS.format(imported="from .helper import f"))
    assert follows(cls, package / "helper.py")


def test_the_order_of_files_is_that_of_modules_wherever_they_are_installed(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modules = {"gb_src_b": LOSS.format(imported="import gb_src_a\nimport gb_src_c"), "gb_src_a": "", "gb_src_c": ""}
    write_distribution(site, "gb-src", modules)
    record = "".join(f"{name}.py,,\n" for name in modules)
    (site / "gb_src-1.0.dist-info" / "RECORD").write_text(record)
    for name, folder in (("gb_src_a", "z"), ("gb_src_c", "0")):
        (site / folder).mkdir()
        (site / f"{name}.py").rename(site / folder / f"{name}.py")
        monkeypatch.syspath_prepend(site / folder)
    files = source_files(import_module("gb_src_b").L)
    assert [Path(file).stem for file in files] == ["gb_src_a", "gb_src_b", "gb_src_c"]


def test_a_compiled_module_has_no_source_to_follow(site: Path) -> None:
    package = site / "gb_src_fast"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / f"core{EXTENSION_SUFFIXES[0]}").write_bytes(b"\x7fELF\x00")
    (package / "loss.py").write_text(LOSS.format(imported="def f():\n    from . import core"))
    files = source_files(import_module("gb_src_fast.loss").L)
    assert {Path(file).name for file in files} == {"__init__.py", "loss.py"}


def test_a_built_in_asks_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its code is ganbench's, whatever is installed beside it: published trials hold its hash."""

    def asked() -> None:
        raise AssertionError("installed packages were read")

    monkeypatch.setattr(installed, "brought_by_plugins", asked)
    package = Path(installed.__file__).parents[1]
    files = {Path(file).relative_to(package).as_posix() for file in source_files(WGANGP)}
    assert {"losses/wgan.py", "penalties/gradient.py"} <= files
    assert len(source_hash(WGANGP)) == 12


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - {"executor", "tracker"}))
def test_a_built_in_does_not_import_what_registers_it(kind: str) -> None:
    """Or else registering another one would rename its trials."""
    package = Path(installed.__file__).parents[1]
    for entry in plugins.load().registry.entries(kind):
        if entry.distribution == BUILTIN:
            files = {Path(file).relative_to(package).as_posix() for file in source_files(entry.load())}
            assert not [file for file in files if file.endswith("__init__.py")], entry.name
            # The version covers what lies under all of them.
            assert not [
                file for file in files if file.startswith("api/") or file in ("grid.py", "spec.py", "errors.py")
            ]
