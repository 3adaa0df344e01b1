"""Running ganbench as a user does, in processes that can be seen and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ganbench.records.folder import TrialFolder
from tests.distribution import write_distribution

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MARK = "GANBENCH_FAULTS"


def install_hostile(folder: Path) -> Path:
    """Make a folder that, on ``PYTHONPATH``, has the hostile plugin as an installed package; return it."""
    site = folder / "site"
    write_distribution(
        site, "ganbench-hostile", {"ganbench_hostile": (HERE / "ganbench_hostile.py").read_text("utf-8")}
    )
    return site


def environment(folder: Path, *paths: Path) -> dict[str, str]:
    """The environment of a run: a cache of its own, one thread, a mark by which its processes are found."""
    python_path = os.pathsep.join([*map(str, paths), str(REPOSITORY)])
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GANBENCH_")}
    return kept | {
        "GANBENCH_CACHE": str(folder / "cache"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": python_path,
        MARK: str(folder),
    }


def heed_signals() -> None:
    """Take back what `nohup` or a background job of a shell has its children ignore."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start(
    folder: Path, arguments: list[str], *paths: Path, log: str = "messages", output: int = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start ``ganbench run``; its stdout is a pipe, its stderr is appended to a file in ``folder``.

    Whoever does not read the pipe gives ``DEVNULL`` as ``output``: a table longer than the pipe holds would wait for a
    reader for ever.
    """
    with (folder / log).open("a") as messages:
        return subprocess.Popen(
            [sys.executable, "-m", "ganbench", *arguments],
            cwd=folder,
            env=environment(folder, *paths),
            stdout=output,
            stderr=messages,
            stdin=subprocess.DEVNULL,
            text=True,
            preexec_fn=heed_signals,
        )


def wait_for_progress(folder: Path, *, seconds: float = 300) -> TrialFolder:
    """Wait until the only trial in ``folder`` has reported a step."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = list(folder.glob("runs/*/progress.jsonl"))
        if found and found[0].stat().st_size:
            return TrialFolder(found[0].parent)
        time.sleep(0.02)
    raise AssertionError("no progress")


def alive(folder: Path) -> dict[int, str]:
    """The living processes that descend from runs in ``folder``, by their mark: id and command."""
    mark = f"{MARK}={folder}".encode()
    found: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it has ended
    return found


@contextmanager
def stopped(folder: Path) -> Iterator[None]:
    """Stop every process of the runs in ``folder`` for the length of the block."""
    processes = list(alive(folder))
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)


def leases(folder: Path) -> list[Path]:
    """Files of leases and half-written files that are still there."""
    return sorted([*folder.rglob(".lease*"), *folder.rglob("*.tmp")])
