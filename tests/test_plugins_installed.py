"""Which modules come with which package, however it was built and installed."""

from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from ganbench.plugins import installed
from ganbench.plugins.installed import brought_by_plugins, said, siblings
from tests.distribution import write_distribution


@pytest.fixture(autouse=True)
def _as_installed_now() -> Iterator[None]:
    installed._brought.cache_clear()
    yield
    installed._brought.cache_clear()


def write(site: Path, where: Path, **lists: str) -> None:
    """A distribution with a loss, its helper and a package in ``where``, and lists of its files beside its metadata."""
    where.mkdir(exist_ok=True)
    write_distribution(site, "gb-sib", {"gb_sib_unused": ""}, points="[ganbench]\nmain = gb_sib:plugin\n")
    (site / "gb_sib_unused.py").unlink()
    for name in ("gb_sib.py", "gb_sib_core.py"):
        (where / name).write_text("")
    (where / "gb_sib_parts").mkdir(exist_ok=True)
    (where / "gb_sib_parts" / "loss.py").write_text("")  # since Python 3.12, listed files that are missing are left out
    for name, text in lists.items():
        (site / "gb_sib-1.0.dist-info" / name.replace("_txt", ".txt")).write_text(text)


ALL = frozenset({"gb_sib", "gb_sib_core", "gb_sib_parts"})


@pytest.mark.parametrize("how", ["RECORD", "top_level", "no list", "editable"])
def test_what_a_distribution_brought_belongs_together(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, where = tmp_path / "site", tmp_path / ("project" if how == "editable" else "site")
    record = "gb_sib.py,,\ngb_sib_core.py,,\ngb_sib_parts/loss.py,,\n../../bin/gb,,\ngb_sib-1.0.dist-info/METADATA,,\n"
    lists = {
        "RECORD": {"RECORD": record},
        "top_level": {"top_level_txt": "gb_sib\ngb_sib_core\ngb_sib_parts\n", "RECORD": "__editable__.gb.py,,\n"},
        "no list": {},
        "editable": {"RECORD": "_gb_sib.pth,,\ngb_sib-1.0.dist-info/METADATA,,\n"},
    }[how]
    write(site, where, **lists)
    if how == "editable":
        (site / "_gb_sib.pth").write_text(f"import site\n{where}\n")
    monkeypatch.syspath_prepend(site)
    for name in ALL:
        assert siblings([name]) == ALL
    assert siblings(["json"]) == {"json"}


def test_a_folder_of_many_packages_says_nothing_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a list of files, in the folder that others' lie in too, only the entry points' modules are known."""
    site = tmp_path / "site-packages"
    write(site, site)
    monkeypatch.syspath_prepend(site)
    assert siblings(["gb_sib"]) == {"gb_sib"}


def test_ganbench_brings_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed for development it is on the path with all that lies in its repository, such as its tests."""
    write_distribution(tmp_path / "site", "ganbench", {}, points="[ganbench]\nlosses = ganbench.losses\n")
    (tmp_path / "site" / "ganbench-1.0.dist-info" / "RECORD").write_text("_ganbench.pth,,\n")
    (tmp_path / "site" / "_ganbench.pth").write_text(f"{tmp_path / 'repository'}\n")
    for folder in ("ganbench", "tests", "docs"):
        (tmp_path / "repository" / folder).mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    assert brought_by_plugins()["ganbench"] == {"ganbench"}


@pytest.mark.parametrize("there", [{}, None])
def test_a_field_of_metadata_is_not_asked_for_where_it_is_missing(there: dict[str, str] | None) -> None:
    """Later Pythons raise ``KeyError``, or have no metadata."""

    class Bare(Distribution):
        metadata = there  # type: ignore[assignment]

        def read_text(self, filename: str) -> None:
            return None

        def locate_file(self, path: object) -> Path:
            return Path()

    assert said(Bare(), "Name") == ""


def test_damaged_lists_leave_what_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, tmp_path)
    (tmp_path / "gb_sib-1.0.dist-info" / "top_level.txt").write_bytes(b"\xff\xfe\xff")
    monkeypatch.syspath_prepend(tmp_path)
    assert siblings(["gb_sib"]) == {"gb_sib"}
