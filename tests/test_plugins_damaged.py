"""Lists of entry points that cannot be read, and plugins of one package that contradict or repeat each other."""

from importlib import metadata
from pathlib import Path

import pytest

from ganbench import plugins
from ganbench.plugins import installed
from tests.distribution import write_distribution

GOOD = "from ganbench import hookimpl\n@hookimpl\ndef trial_started(trial_id): ...\n"


@pytest.fixture(autouse=True)
def _only_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "distributions", lambda: metadata.distributions(path=[str(tmp_path)]))
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.parametrize(
    ("points", "error"),
    [(b"[ganbench]\nmain\n", "TypeError"), (b"[ganbench]\nmain = \xff\n", "UnicodeDecodeError")],
)
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.filterwarnings("error")
def test_a_damaged_list_is_a_broken_plugin(tmp_path: Path, points: bytes, error: str, named: bool) -> None:
    write_distribution(tmp_path, "ganbench-damaged", {"gb_damaged": GOOD}, version="1.5")
    info = tmp_path / "ganbench_damaged-1.5.dist-info"
    (info / "entry_points.txt").write_bytes(points)
    if not named:
        (info / "METADATA").unlink()
    write_distribution(tmp_path, "ganbench-good", {"gb_good": GOOD})
    loaded = plugins.load(environ={})
    damaged, good = loaded.plugins
    assert (good.distribution, good.status) == ("ganbench-good", "ok")
    assert (damaged.distribution, damaged.version, damaged.status) == ("ganbench-damaged", "1.5", "broken")
    assert damaged.reason.startswith(f"the list of its plugins, {info / 'entry_points.txt'}, is damaged: {error}")
    assert loaded.registry.broken == ["ganbench-damaged"]
    assert plugins.load(environ={"GANBENCH_PLUGINS": ""}).plugins[0].status == "disabled"


def test_a_list_that_cannot_be_read_is_a_broken_plugin_too(tmp_path: Path) -> None:
    write_distribution(tmp_path, "ganbench-damaged", {"gb_damaged": GOOD})
    points = tmp_path / "ganbench_damaged-1.0.dist-info" / "entry_points.txt"
    points.unlink()
    points.symlink_to(points)
    (damaged,) = plugins.load(environ={}).plugins
    assert (damaged.distribution, damaged.status) == ("ganbench-damaged", "broken")
    assert damaged.reason.startswith(f"the list of its plugins, {points}, is damaged: OSError")


def test_a_damaged_list_of_a_package_in_a_zip_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Zipped:
        _path = tmp_path / "package.egg" / "EGG-INFO"

        @property
        def entry_points(self) -> object:
            raise TypeError("main")

    (tmp_path / "package.egg").write_bytes(b"PK")
    monkeypatch.setattr(installed, "distributions", lambda: [Zipped()])
    assert plugins.load(environ={}).plugins == []


def test_a_damaged_list_of_a_package_without_plugins_is_another_matter(tmp_path: Path) -> None:
    write_distribution(tmp_path, "damaged", {"gb_scripts": ""}, points="[console_scripts]\nmain\n")
    assert plugins.load(environ={}).plugins == []


REGISTER = """
from ganbench import hookimpl

@hookimpl(specname="register_losses")
def one(register):
    register("{0}", "json:JSONDecoder")

@hookimpl(specname="register_losses")
def two(register):
    register("{1}", "json:JSONDecoder")
"""


def test_a_name_that_two_plugins_of_one_package_register_breaks_the_second(tmp_path: Path) -> None:
    modules = {"gb_twice_a": REGISTER.format("same", "a"), "gb_twice_b": REGISTER.format("same", "b")}
    write_distribution(tmp_path, "gb-twice", modules, points="[ganbench]\na = gb_twice_a\nb = gb_twice_b\n")
    loaded = plugins.load(environ={})
    first, second = loaded.plugins
    assert (first.status, second.status, second.components) == ("ok", "broken", [])
    assert "another plugin of gb-twice also has a loss 'same'" in second.reason
    assert loaded.registry.find("loss", "same").qualified == "gb-twice:same"


def test_all_functions_that_implement_a_hook_are_called(tmp_path: Path) -> None:
    write_distribution(tmp_path, "gb-both", {"gb_both": REGISTER.format("first", "second")})
    (plugin,) = plugins.load(environ={}).plugins
    assert sorted(plugin.components) == [("loss", "first"), ("loss", "second")], plugin.reason
