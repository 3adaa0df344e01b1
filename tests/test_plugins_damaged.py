"""A list of entry points that cannot be read is a broken plugin with a name, and a place to look at."""

from importlib import metadata
from pathlib import Path

import pytest

from ganbench import installed, plugins
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


def test_a_damaged_list_of_a_package_without_plugins_is_another_matter(tmp_path: Path) -> None:
    write_distribution(tmp_path, "damaged", {"gb_scripts": ""}, points="[console_scripts]\nmain\n")
    assert plugins.load(environ={}).plugins == []
