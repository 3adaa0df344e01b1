"""A grid as a user runs it, through its accidents, and what must have become of it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ganbench.records.folder import TrialFolder
from tests.distribution import write_distribution

from .slurm_site import descendants

TRIALS = 24
PLUGIN = """
from ganbench import hookimpl


@hookimpl
def register_losses(register):
    register("brittle", "ganbench_brittle_loss:Brittle", summary="vanilla under a name of its own; raises at scale 0")
"""
LOSS = """
from ganbench.losses.vanilla import Vanilla


class Brittle(Vanilla):
    def __init__(self, *, scale: float = 1.0) -> None:
        super().__init__()
        self.scale = scale
        self.calls = 0

    def discriminator(self, real, fake, **more):
        self.calls += 1
        if self.scale == 0 and self.calls > 1:  # it is called once when it is planned with
            raise ArithmeticError("broken on purpose")
        return super().discriminator(real, fake, **more)
"""


def plugin_environment(folder: Path) -> dict[str, str]:
    """Write the plugin into a folder, once; what must be in the environment of all that use it."""
    plugin = folder / "plugin"
    write_distribution(plugin, "ganbench-brittle", {"ganbench_brittle": PLUGIN, "ganbench_brittle_loss": LOSS})
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(plugin), os.environ.get("PYTHONPATH"))))}


class Grid:
    """23 sound trials and one that raises, on a cluster."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *options: str, steps: int) -> None:
        self.folder = folder
        self.out = folder / "runs"
        self.environment = {
            **os.environ, **environment, **plugin_environment(folder),
            "OMP_NUM_THREADS": "1", "GANBENCH_CACHE": str(folder / "cache"),
        }  # fmt: skip
        self.suite = folder / "grid.toml"
        self.suite.write_text(
            f"""
losses = ["brittle[scale={"|".join(str(scale) for scale in range(TRIALS))}]"]
architectures = ["mlp[hidden=8,layers=1]"]
datasets = ["ring"]
seeds = 1
steps = {steps}
num_samples = 100
"""
        )
        self.options = options
        self.host: subprocess.Popen[str] | None = None

    def command(self, *more: str) -> list[str]:
        """The command of the grid's run."""
        return [sys.executable, "-m", "ganbench", "run", *more, "--out", str(self.out), *self.options]

    def start(self, *more: str) -> "subprocess.Popen[str]":
        """Start the run."""
        with (self.folder / "host.log").open("a") as log:
            self.host = subprocess.Popen(
                self.command("--suite", str(self.suite), *more),
                cwd=self.folder, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, text=True,
            )  # fmt: skip
        return self.host

    def folders(self) -> list[TrialFolder]:
        """All trials so far."""
        return [TrialFolder(path.parent) for path in sorted(self.out.glob("*/spec.json"))]

    def with_status(self, status: str) -> list[TrialFolder]:
        """Those of one status."""
        return [folder for folder in self.folders() if folder.read_status()["status"] == status]

    def wait(self, condition: Callable[[], object], what: str, seconds: float = 300) -> None:
        """Wait until something has happened; not if the run has ended without it."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.host is None or self.host.poll() is None, f"the run ended before {what}\n{self.log()}"
            assert time.monotonic() < deadline, f"{what} did not happen\n{self.log()}"
            time.sleep(0.1)

    def log(self) -> str:
        """What the host printed last."""
        path = self.folder / "host.log"
        counts: dict[str, int] = {}
        for folder in self.folders():
            content = folder.read_status()
            counts[str(content["status"])] = counts.get(str(content["status"]), 0) + 1
        return f"{counts}\n{path.read_text(errors='replace')[-3000:] if path.exists() else ''}"

    def kill_one_trial(self) -> TrialFolder:
        """Kill the process of a trial that trains."""
        self.wait(lambda: any(folder.progress.exists() for folder in self.with_status("running")), "a running trial")
        while True:
            for folder in self.with_status("running"):
                if folder.progress.exists():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(folder.read_status()["pid"]), signal.SIGKILL)
                        return folder
            time.sleep(0.05)

    def kill_host(self, host: "subprocess.Popen[str]") -> None:
        """Kill a run and what it started on this machine."""
        self.host = None
        for pid in [host.pid, *descendants(host.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        host.wait()

    def starts(self, folder: TrialFolder) -> list[dict[str, object]]:
        """Every start of a trial."""
        return [json.loads(line) for line in folder.starts.read_text().splitlines()] if folder.starts.exists() else []

    def trained_side_by_side(self) -> list[str]:
        """Trials whose steps are not reported once each and in order, as where two processes trained one."""
        found = []
        for folder in self.with_status("done"):
            steps = [json.loads(line)["step"] for line in folder.progress.read_text().splitlines()]
            if not steps or steps != sorted(set(steps)):
                found.append(folder.trial_id)
        return found

    def leftovers(self) -> list[str]:
        """Processes that still know of this grid's folder, besides this one."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                cwd = os.readlink(entry / "cwd")
                if "ganbench" in command and (str(self.folder) in command or cwd == str(self.folder)):
                    found.append(f"{entry.name} {command}")
        return found
