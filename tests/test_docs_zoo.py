"""The catalogue of the zoo is what the registry says today."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def zoo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("zoo", DOCS / "zoo.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(zoo: ModuleType) -> None:
    message = "docs/zoo.md is not what the code says; run: python docs/zoo.py"
    assert (DOCS / "zoo.md").read_text("utf-8") == zoo.page(), message


@pytest.mark.parametrize("kind", ["loss", "penalty", "augmentation", "architecture", "dataset", "metric", "extractor"])
def test_every_component_that_ships_is_on_the_page(kind: str) -> None:
    from ganbench import plugins

    text = (DOCS / "zoo.md").read_text("utf-8")
    entries = list(plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry.entries(kind))
    assert entries
    missing = [one.name for one in entries if one.summary not in text or not re.search(f"`{one.name}[:`]", text)]
    assert missing == []


def test_everything_has_a_paper_and_a_formula(zoo: ModuleType) -> None:
    from ganbench import plugins

    registry = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
    for kind in ("loss", "penalty", "augmentation", "architecture"):
        for entry in registry.entries(kind):
            text = "\n".join(zoo.section(entry))
            assert entry.paper, entry.name
            assert f"({entry.paper})" in text
            assert kind in ("architecture", "augmentation") or "minimises: `" in text or "term: `" in text, entry.name
