"""A plugin that was written for another ganbench, as its metadata say it."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from ganbench import __version__, plugins
from tests.distribution import write_distribution

SOURCE = """
from ganbench import hookimpl

@hookimpl
def register_losses(register):
    register("rpgan", "json:JSONDecoder")
"""


@pytest.mark.parametrize(
    ("requires", "status"),
    [
        ("ganbench>=99", "broken"),
        ("GANbench<0.0.1", "broken"),
        ("ganbench>=0.0.1", "ok"),
        ("ganbench>=99; python_version<'3'", "ok"),
        ("ganbench>=99; extra=='later'", "ok"),
        ("nothing that can be read", "ok"),
        ("numpy<0.1", "ok"),  # what else a plugin needs is between it and pip
    ],
)
def test_a_plugin_for_another_ganbench_is_broken_and_not_imported(
    requires: str, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "plugin_for_versions", raising=False)
    write_distribution(tmp_path, "ganbench-other", {"plugin_for_versions": SOURCE}, requires=requires)
    (found,) = metadata.distributions(path=[str(tmp_path)])
    (plugin,) = plugins.load(points=list(found.entry_points), environ={}).plugins
    assert plugin.status == status
    assert ("plugin_for_versions" in sys.modules) == (status == "ok")
    if status == "broken":
        assert "it needs ganbench" in plugin.reason
        assert f"but this is {__version__}" in plugin.reason
