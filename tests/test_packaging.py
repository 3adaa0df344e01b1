"""What is built from the repository: a source distribution that can test itself, and a wheel that brings its suites."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
LEFT_BEHIND = {"__pycache__", "build", "dist", "venv", "runs", "data"}
FIND = "from ganbench.leaderboard.reproduction import find; print(find('pacgan-table1'))"


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
        if path.is_file() and not made and parts not in {("PKG-INFO",), ("setup.cfg",)}:
            found.add("/".join(parts))
    return found


def built(kind: str, source: Path, folder: Path) -> Path:
    """Build from ``source`` without a network, as pip does without isolation."""
    program = f"import sys; from setuptools import build_meta; build_meta.build_{kind}(sys.argv[1])"
    answer = subprocess.run(
        [sys.executable, "-c", program, folder], cwd=source, capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr
    [path] = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, built from the repository with a developer's leftovers in it, and unpacked."""
    place = tmp_path_factory.mktemp("packaging")
    for name in files():
        (place / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(REPOSITORY / name, place / "source" / name)
    for name in ("tests/__pycache__/a.pyc", "tests/.pytest_cache/a", "plugins/ganbench-spiral/build/a.py", "runs/a"):
        (place / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (place / "source" / name).touch()
    (place / "sdist").mkdir()
    with tarfile.open(built("sdist", place / "source", place / "sdist")) as archive:
        archive.extractall(place, filter="data")
    [folder] = place.glob("ganbench-*")
    return folder


@pytest.mark.slow
def test_the_source_distribution_is_the_repository(unpacked: Path) -> None:
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    made = {name for name in found if name in ("PKG-INFO", "setup.cfg") or name.startswith("ganbench.egg-info/")}
    assert found - made == files()


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
def test_a_published_table_comes_with_every_installation(way: str, unpacked: Path, tmp_path: Path) -> None:
    # A virtual environment has no user's packages of its own, and pip refuses to install any there.
    python = getattr(sys, "_base_executable", sys.executable) if way == "--user" else sys.executable
    if subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode:
        pytest.skip(f"{python} has no pip")
    wheels = unpacked.parent / "wheel"
    if not wheels.exists():
        wheels.mkdir()
        built("wheel", unpacked, wheels)
    [wheel] = wheels.iterdir()
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
    assert Path(answer.stdout.strip()).is_relative_to(tmp_path / "there"), answer.stderr
