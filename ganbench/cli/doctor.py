"""``ganbench doctor``."""

import errno
import os
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from ganbench.cleaning import clean_line
from ganbench.cli.values import PATH
from ganbench.errors import in_one_line, with_kind
from ganbench.tables.wording import counted

PACKAGES = ("torch", "torchvision", "torch-fidelity", "scipy", "pandas", "click", "pluggy", "scikit-learn")
WEIGHTS = "inception weights"


@click.command()
@click.option("--data-root", type=PATH, default=Path("data"), show_default=True,
              help="Folder of data files.")  # fmt: skip
def doctor(data_root: Path) -> int:
    """Check versions, devices, plugins, data and weights; say what is missing and how to get it.

    Exit code 1 if something that every run needs is missing.

    \b
    Examples:
      ganbench doctor
      ganbench doctor --data-root ~/data
    """
    click.secho("versions", bold=True)
    complete = _packages()
    works = _torch()
    start = works and _trials_start()
    click.secho("devices", bold=True)
    agree = _gpus(works)
    click.secho("plugins", bold=True)
    _entry_points()
    click.secho("data and weights", bold=True)
    _files(data_root)
    return 0 if complete and start and agree else 1


def _packages() -> bool:
    """Print the versions; return whether all packages are there."""
    from ganbench import __version__

    complete = True
    click.echo(
        f"  ganbench {__version__}, Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    )
    for package in PACKAGES:
        try:
            click.echo(f"  {package} {version(package)}")
        except PackageNotFoundError:
            complete = False
            click.echo(f"  {package} is missing: {sys.executable} -m pip install {package}")
    return complete


def _gpus(torch_works: bool) -> bool:
    """Print the devices; return whether driver and torch agree on them, which only a working torch can tell."""
    from ganbench.executors import devices

    found, cores = devices.gpus(), devices.cores()
    click.echo(f"  {counted(cores, 'processor core')}: {counted(cores, 'one-thread trial')} at once by default")
    for index, name in enumerate(found):
        click.echo(f"  cuda:{index} {name}")
    if not found:
        click.echo("  no CUDA device: trials run on the CPU (the NVIDIA driver lists none)")
    disagreement = _disagreement(bool(found)) if torch_works else ""
    if disagreement:
        click.echo(f"  {disagreement}")
    return not disagreement


def _entry_points() -> None:
    from ganbench import plugins

    loaded = plugins.load().plugins
    broken = sum(plugin.status == "broken" for plugin in loaded)
    click.echo(f"  {len(loaded)} entry points, {broken} broken{'; see: ganbench plugins list' if broken else ''}")


def _files(data_root: Path) -> None:
    from ganbench.planning.planner import cache_folder

    click.echo("  digits: embedded, with its extractor; needs no download")
    for name, place, how in _data(data_root):
        there = os.path.isfile(place) if name == WEIGHTS else _has_files(place)
        click.echo(clean_line(f"  {name}: {f'found at {place}' if there else f'not at {place}; {how}'}"))
    cache = cache_folder()
    if cache is None:
        click.echo("  cache: none, because there is no home folder; set GANBENCH_CACHE or HOME to a folder")
        return
    around = next(path for path in (cache.absolute(), *cache.absolute().parents) if os.path.exists(path))
    if obstacle := _obstacle(cache, around):
        told = f"{cache} cannot be used ({obstacle}), and nothing is kept; set GANBENCH_CACHE to a folder"
        click.echo(clean_line(f"  cache: {told}"))
        return
    click.echo(clean_line(f"  cache: {cache}, {shutil.disk_usage(around).free / 2**30:.1f} GiB free"))


def _obstacle(folder: Path, around: Path) -> str:
    """Why a folder cannot be written to or made in ``around``, the nearest that is there; empty if it can."""
    from ganbench.places import is_too_long

    if is_too_long(folder):
        return os.strerror(errno.ENAMETOOLONG)
    if not os.path.isdir(around):
        return os.strerror(errno.ENOTDIR)
    return "" if os.access(around, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)


def _has_files(folder: Path) -> bool:
    """Whether a folder is there and not empty; one that may not be looked into is not there for this user."""
    try:
        return bool(os.listdir(folder))
    except OSError:
        return False


def _torch() -> bool:
    """Import torch and torchvision: their versions must fit together."""
    try:
        import torch
        import torchvision  # noqa: F401
    except Exception as error:
        click.echo(f"  torch and torchvision do not work together ({in_one_line(error, 120)});")
        click.echo(
            f"  install both with one command: {sys.executable} -m pip install --force-reinstall torch torchvision"
        )
        return False
    built = f"with CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    click.echo(f"  torch works, built {built}, {counted(torch.get_num_threads(), 'thread')}")
    return True


def _trials_start() -> bool:
    """Import what every trial needs besides, as the process that starts them does where there can be one."""
    if not hasattr(os, "fork"):
        return True
    from ganbench.processes.forkserver import import_for_all

    try:
        import_for_all()
    except Exception as error:
        click.echo(f"  no trial can be started here: {with_kind(error, 120)}")
        return False
    return True


def _disagreement(listed: bool) -> str:
    """How the driver, which devices are chosen by, and torch, which computes on them, disagree; empty if they agree."""
    import torch

    from ganbench.processes.server import NoGPU
    from ganbench.provenance.cuda import obstacle

    why = obstacle()
    if listed and why:
        return str(NoGPU(why))
    if not listed and not why:
        return (
            f"torch finds {counted(torch.cuda.device_count(), 'CUDA device')}, but the driver lists none, so trials "
            "run on the CPU: see what nvidia-smi says, or, if it is slow, keep the driver loaded (nvidia-smi -pm 1)"
        )
    return ""


def _data(root: Path) -> list[tuple[str, Path, str]]:
    """Where each dataset's and extractor's files are looked for, and how to get them."""
    weights = os.environ.get("GANBENCH_INCEPTION_WEIGHTS")
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = Path(os.path.expanduser(os.environ.get("TORCH_HOME") or f"{cache}/torch"))
    cached = home / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    inception = (
        (WEIGHTS, Path(os.path.expanduser(weights)), "correct GANBENCH_INCEPTION_WEIGHTS, or unset it")
        if weights
        else (WEIGHTS, cached, "the first use downloads them, or set GANBENCH_INCEPTION_WEIGHTS")
    )
    by_itself = "the first run downloads it, or put the files there by hand"
    return [
        ("mnist", root / "MNIST" / "raw", by_itself),
        ("fashion-mnist", root / "FashionMNIST" / "raw", by_itself),
        ("cifar10", root / "cifar-10-batches-py", by_itself),
        ("cifar100", root / "cifar-100-python", by_itself),
        inception,
    ]
