"""``ganbench doctor`` looks where the worker looks, and compares what does not agree."""

import errno
import os
from pathlib import Path

import click.testing
import pytest
import torch

from ganbench.cli.doctor import _data, doctor
from ganbench.executors import devices
from ganbench.provenance import cuda


@pytest.mark.parametrize("variable", ["", "XDG_CACHE_HOME", "TORCH_HOME", "GANBENCH_INCEPTION_WEIGHTS"])
def test_inception_weights_are_looked_for_where_the_extractor_looks(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ganbench.extractors.inception import Inception

    for name in ("XDG_CACHE_HOME", "TORCH_HOME", "GANBENCH_INCEPTION_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, str(tmp_path))
    told, how = next((path, how) for name, path, how in _data(Path("data")) if name == "inception weights")
    assert told == (tmp_path if variable == "GANBENCH_INCEPTION_WEIGHTS" else Inception().cached)
    # A file that is named is used or refused; nothing is downloaded in its place.
    assert ("downloads" in how) == (variable != "GANBENCH_INCEPTION_WEIGHTS")


@pytest.mark.parametrize(
    ("listed", "obstacle", "words"),
    [
        (("H100",), "the driver is too old", "the driver lists a GPU that torch cannot use: the driver is too old"),
        ((), "", "torch finds 2 CUDA devices, but the driver lists none, so trials run on the CPU: see"),
        (("H100",), "", ""),
        ((), "no driver", ""),
    ],
)
def test_nvidia_smi_and_torch_must_agree_on_gpus(
    listed: tuple[str, ...], obstacle: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "gpus", lambda: listed)
    monkeypatch.setattr(cuda, "obstacle", lambda: obstacle)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr("ganbench.cli.doctor.PACKAGES", ("torch",))
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert answer.exception is None
    assert answer.return_value == (1 if words else 0)
    said = [
        line.strip()
        for line in answer.output.splitlines()
        if "cannot use" in line or "but the driver lists none" in line
    ]
    assert [line.startswith(words) for line in said] == ([True] if words else [])


def test_what_may_not_be_looked_into_is_told_as_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if str(path).startswith(str(tmp_path)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return os.lstat(path)

    monkeypatch.setattr(Path, "stat", refuse)
    monkeypatch.setattr(os.path, "exists", lambda path: not str(path).startswith(str(tmp_path)))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("GANBENCH_CACHE", "XDG_CACHE_HOME", "TORCH_HOME", "GANBENCH_INCEPTION_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert answer.exception is None
    assert f"mnist: not at {tmp_path}" in answer.output
    assert f"cache: {tmp_path / '.cache' / 'ganbench'}, " in answer.output


def test_places_are_told_in_harmless_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a\x1b[2J\nb"
    odd.mkdir()
    (odd / "file").touch()
    for cache, told in (("cache", "cache, "), ("file/cache", "file/cache cannot be used (Not a directory)")):
        monkeypatch.setenv("GANBENCH_CACHE", str(odd / cache))
        answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(odd)], standalone_mode=False)
        assert f"cache: {tmp_path}/a b/{told}" in answer.output
        assert f"mnist: not at {tmp_path}/a b/" in answer.output
        assert "\x1b" not in answer.output


def test_an_empty_folder_is_no_dataset_and_a_folder_no_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run would say so of both."""
    for name in ("MNIST/raw", "FashionMNIST/raw"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte").touch()
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path))
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert answer.exception is None
    found = {line.partition(":")[0].strip(): line for line in answer.output.splitlines()}
    assert found["mnist"].endswith(f"mnist: found at {tmp_path}/MNIST/raw")
    assert "not at" in found["fashion-mnist"]
    assert "correct GANBENCH_INCEPTION_WEIGHTS" in found["inception weights"]
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(tmp_path / "MNIST" / "raw" / "train-images-idx3-ubyte"))
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert "inception weights: found at" in answer.output


def test_one_of_a_thing_is_not_several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(devices, "cores", lambda: 1)
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert ", 1 thread\n" in answer.output
    assert "  1 processor core: 1 one-thread trial at once by default\n" in answer.output


def test_without_a_home_folder_it_says_that_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganbench.planning.planner.cache_folder", lambda: None)
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert answer.exception is None
    assert "cache: none, because there is no home folder; set GANBENCH_CACHE or HOME" in answer.output


def test_a_cache_in_which_nothing_can_be_kept_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run goes on without it, and plans and scores all references again each time."""
    (tmp_path / "file").touch()
    closed = tmp_path / "closed"
    closed.mkdir()
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: path != closed and access(path, mode))
    for place, why in {
        tmp_path / "file": "Not a directory",
        tmp_path / "file" / "cache": "Not a directory",
        tmp_path / ("x" * 300): "File name too long",
        closed / "cache": "Permission denied",
        tmp_path / "new" / "cache": "",
    }.items():
        monkeypatch.setenv("GANBENCH_CACHE", str(place))
        answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
        told = f"cannot be used ({why}), and nothing is kept; set GANBENCH_CACHE to a folder\n" if why else "GiB free\n"
        (line,) = (line for line in answer.output.splitlines(keepends=True) if line.startswith(f"  cache: {place}"))
        assert line.endswith(told)


def test_what_keeps_trials_from_starting_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot() -> None:
        raise ImportError("libgone.so: cannot open shared object file")

    monkeypatch.setattr("ganbench.processes.forkserver.import_for_all", cannot)
    answer = click.testing.CliRunner().invoke(doctor, ["--data-root", str(tmp_path)], standalone_mode=False)
    assert "  no trial can be started here: ImportError: libgone.so: cannot open" in answer.output
    assert answer.return_value == 1
