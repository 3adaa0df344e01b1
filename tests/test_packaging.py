"""What is built from the repository: a source distribution that can test itself, and a wheel that brings its suites."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="hatchling builds the package; pip install hatchling")

REPOSITORY = Path(__file__).resolve().parents[1]
LEFT_BEHIND = {"__pycache__", "build", "dist", "venv", "runs", "data"}
FIND = "from ganbench.leaderboard.locating import find, tables; print(*map(find, tables()), sep='\\n')"


def files() -> set[str]:
    """What belongs to the repository: as git says, or else (in an unpacked source distribution) what lies there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    if (REPOSITORY / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
        return {name for name in listed if (REPOSITORY / name).is_file()}
    kept = {".ci", ".github", ".gitignore"}
    found = set()
    for path in REPOSITORY.rglob("*"):
        parts = path.relative_to(REPOSITORY).parts
        hidden = any(part.startswith(".") and part not in kept for part in parts)
        made = hidden or parts[0] in LEFT_BEHIND or "__pycache__" in parts or any("egg-info" in part for part in parts)
        if path.is_file() and not made and parts != ("PKG-INFO",):
            found.add("/".join(parts))
    return found


def built(kind: str, source: Path, folder: Path) -> Path:
    """Build from ``source`` without a network, as pip does without isolation."""
    program = f"import sys; from hatchling import build; build.build_{kind}(sys.argv[1])"
    answer = subprocess.run(
        [sys.executable, "-c", program, folder], cwd=source, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    [path] = folder.iterdir()
    return path


LEFTOVERS = (
    "tests/__pycache__/a.pyc", "tests/.pytest_cache/a", "plugins/ganbench-spiral/build/a.py", "runs/a",
    "build/lib/ganbench/gone.py", "ganbench.egg-info/SOURCES.txt", "dist/ganbench-0.0.tar.gz",
)  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's files, with a developer's leftovers among them."""
    place = tmp_path_factory.mktemp("packaging") / "source"
    for name in files():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, place / name)
    for name in LEFTOVERS:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    return place


@pytest.fixture(scope="module")
def unpacked(source: Path) -> Path:
    """The source distribution, built from the repository and unpacked."""
    place = source.parent
    (place / "sdist").mkdir()
    with tarfile.open(built("sdist", source, place / "sdist")) as archive:
        archive.extractall(place, filter="data")
    [folder] = place.glob("ganbench-*")
    return folder


@pytest.fixture(scope="module")
def wheel(unpacked: Path) -> Path:
    """The wheel that is built from the source distribution."""
    folder = unpacked.parent / "wheel"
    folder.mkdir()
    return built("wheel", unpacked, folder)


def test_the_source_distribution_is_the_repository(unpacked: Path) -> None:
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert found - {"PKG-INFO"} == files()


def test_the_wheel_is_the_package_and_the_suites(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = set(archive.namelist())
    code = {name for name in files() if name.startswith("ganbench/")}
    shared = f"{wheel.name.removesuffix('-py3-none-any.whl')}.data/data/share/ganbench"
    suites = {f"{shared}/{name}" for name in files() if re.fullmatch(r"leaderboards/[^/]*\.toml", name)}
    assert {name for name in found if ".dist-info/" not in name} == code | suites
    assert {"py.typed", "extractors/weights/digits.safetensors"} <= {name.removeprefix("ganbench/") for name in code}


def test_nothing_that_an_earlier_build_left_is_built_and_nothing_is_left(
    source: Path, wheel: Path, tmp_path: Path
) -> None:
    """A module that was moved would be in the wheel twice, and nodes installed from one commit would differ."""
    before = {path: path.stat().st_mtime_ns for path in source.rglob("*")}
    assert source / "build" / "lib" / "ganbench" / "gone.py" in before
    again = built("wheel", source, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in source.rglob("*")} == before
    assert zipfile.ZipFile(again).namelist() == zipfile.ZipFile(wheel).namelist()


@pytest.mark.slow
def test_its_tests_are_collected(unpacked: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=unpacked, env=os.environ | {"PYTHONPATH": str(unpacked)}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout
    assert int(re.findall(r"(\d+) tests collected", answer.stdout)[0]) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("way", ["--target", "--prefix", "--user"])
def test_the_published_tables_come_with_every_installation(way: str, wheel: Path, tmp_path: Path) -> None:
    # A virtual environment has no user's packages of its own, and pip refuses to install any there.
    python = getattr(sys, "_base_executable", sys.executable) if way == "--user" else sys.executable
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip(f"{python} has no pip")
    where = [way] if way == "--user" else [way, str(tmp_path / "there")]
    install = ["install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", *where, str(wheel)]
    environment = os.environ | {"PYTHONUSERBASE": str(tmp_path / "there"), "PIP_CONFIG_FILE": os.devnull}
    environment["PIP_BREAK_SYSTEM_PACKAGES"] = "1"  # nothing of the system's is touched
    environment.pop("PYTHONPATH", None)
    answer = subprocess.run(
        [python, "-m", "pip", *install], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert answer.returncode == 0, answer.stderr
    [package] = [path.parent for path in (tmp_path / "there").rglob("ganbench/__init__.py")]
    answer = subprocess.run(
        [sys.executable, "-c", FIND], env=environment | {"PYTHONPATH": str(package.parent)}, cwd=tmp_path,
        capture_output=True, text=True,
    )  # fmt: skip
    found = [Path(line) for line in answer.stdout.splitlines()]
    assert all(path.is_relative_to(tmp_path / "there") for path in found), answer.stderr
    suites = (REPOSITORY / "leaderboards").glob("*.toml")
    published = sorted(path.name for path in suites if "\n[published]\n" in path.read_text("utf-8"))
    assert [path.name for path in found] == published
    assert "pacgan-table1.toml" in published
