"""Where the suites of published tables are found, and which there are."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ganbench
from ganbench.errors import UsageError
from ganbench.leaderboard.locating import find, tables
from tests.published import LEADERBOARDS, PATH

PUBLISHED = sorted(path for path in LEADERBOARDS.glob("*.toml") if "\n[published]\n" in path.read_text("utf-8"))
EITHER = "or the path of a suite with a table [published]"


def test_a_table_is_found_by_its_name_and_by_its_path() -> None:
    assert PATH in PUBLISHED
    for path in PUBLISHED:
        assert find(path.stem).resolve() == path
        assert find(str(path)) == path


def test_a_table_in_the_folder_where_one_stands_is_found_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "leaderboards").mkdir()
    for name in (PATH.name, "mine.toml"):
        shutil.copy(PATH, tmp_path / "leaderboards" / name)
    assert find(PATH.stem).resolve() == tmp_path / "leaderboards" / PATH.name
    assert find("mine").resolve() == tmp_path / "leaderboards" / "mine.toml"
    assert "mine" in tables()


@pytest.mark.parametrize("name", ["pacgan-table9", "digit", "", None])
def test_without_a_name_or_with_another_one_those_there_are_are_named(
    name: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``digit``: there is a suite of nearly that name, but nothing was published of it."""
    with pytest.raises(UsageError) as refused:
        find(name)
    wrong = "no published table was named" if name is None else f"there is no published table '{name}'"
    assert str(refused.value) == f"{wrong}; choose one of: {', '.join(path.stem for path in PUBLISHED)}, {EITHER}"
    monkeypatch.setattr("ganbench.leaderboard.locating.folders", lambda: (tmp_path, tmp_path / "missing"))
    (tmp_path / "mine.toml").mkdir()
    with pytest.raises(UsageError) as refused:
        find(name)
    assert str(refused.value) == f"{wrong}; name the path of a suite with a table [published]"
    shutil.copy(PATH, tmp_path / "other.toml")
    assert tables() == ["other"]


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("[published]\ntitle = 'T'\n", True),
        ("\ufeff[ published ]  # theirs\ntitle = 'T'\n", True),
        ("published.title = 'T'\n", True),
        ("[[published.cells]]\nname = 'GAN'\n", True),
        ("# no table [published] here\nsteps = 1\n", False),
        ('losses = ["[published]"]\n', False),
        ("[recipe]\n[recipe.published]\ntitle = 'T'\n", False),
        ("[published]\n", False),
        ("published = 3\n", False),
        ("[published]\ntitle = \n", False),
        (f"[published]\ntitle = {'[' * 100_000}\n", False),
    ],
)
def test_what_is_published_is_a_table_of_the_suite(
    text: str, listed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganbench.leaderboard.locating.folders", lambda: (tmp_path,))
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    (tmp_path / "latin.toml").write_bytes(b"[published]\ntitle = '\xe9'\n")
    assert tables() == (["mine"] if listed else [])


@pytest.mark.parametrize("package", ["lib/python3.11/site-packages", "local/lib/python3.11/dist-packages", "Lib", "."])
def test_a_suite_is_found_wherever_the_package_is_installed(package: str, tmp_path: Path) -> None:
    """An installation may have its own prefix (``--user``, ``--prefix``), or none at all (``--target``)."""
    site = tmp_path / "prefix" / package
    shutil.copytree(Path(ganbench.__file__).parent, site / "ganbench", ignore=shutil.ignore_patterns("__pycache__"))
    share = tmp_path / "prefix" / "share" / "ganbench" / "leaderboards"
    share.mkdir(parents=True)
    shutil.copy(PATH, share)
    program = "from ganbench.leaderboard.locating import find; print(find('pacgan-table1'))"
    environment = os.environ | {"PYTHONPATH": str(site)}
    answer = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True)
    assert answer.stdout.decode().strip() == str(share / PATH.name), answer.stderr.decode()
