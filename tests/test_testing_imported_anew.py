"""A class imported once more is what it was at its first import, and leaves the first one where it was."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ganbench.metrics
from ganbench.api import Metric
from ganbench.metrics.fid import FID
from ganbench.testing.imported_anew import imported_anew

PACKAGE = {
    "__init__.py": "",
    "kept.py": "SEEN = []\n",
    "metric.py": "from once_more.kept import SEEN\n\nclass Counts:\n    seen = SEEN\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "once_more"
    folder.mkdir()
    for name, text in PACKAGE.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "once_more"]:
        del sys.modules[name]


def test_nothing_is_kept_in_any_module_of_its_package(package: Path) -> None:
    counts = importlib.import_module("once_more.metric").Counts
    counts.seen.append(1)
    modules = {name: module for name, module in sys.modules.items() if name.startswith("once_more")}
    anew = imported_anew(counts)
    assert anew is not counts
    assert anew.seen == []
    assert counts.seen == [1]
    assert {name: sys.modules.get(name) for name in modules} == modules


def test_a_package_that_cannot_be_imported_twice_stays_as_it_is(package: Path) -> None:
    with (package / "kept.py").open("a") as file:
        file.write("import sys\nassert not hasattr(sys, 'once_more')\nsys.once_more = True\n")
    try:
        counts = importlib.import_module("once_more.metric").Counts
        assert imported_anew(counts) is None
        assert sys.modules["once_more.metric"].Counts is counts
    finally:
        vars(sys).pop("once_more")


def test_a_built_in_is_still_one_of_its_contract() -> None:
    before = ganbench.metrics
    anew = imported_anew(FID)
    assert anew is not FID
    assert issubclass(anew, Metric)
    assert ganbench.metrics is before
    assert sys.modules["ganbench.metrics"] is before


def test_a_class_within_a_function_is_not_found() -> None:
    class Here:
        pass

    assert imported_anew(Here) is None
