"""A real Ray cluster of two nodes on one host, loopback only, ended by process id."""

import contextlib
import importlib.util
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from .slurm_site import descendants, free_ports

GPUS_PER_NODE = 2


def missing() -> str:
    """Why there can be no Ray here; empty where there can."""
    return "" if importlib.util.find_spec("ray") else "no ray; pip install 'ganbench[ray]'"


class RayCluster:
    """The cluster while it runs: a head with processors and GPUs of its own, and one more node."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, processors: int = 2) -> None:
        self.folder = folder
        self._processors = processors
        (port,) = free_ports(1)
        self.address = f"127.0.0.1:{port}"
        token = folder / "token"
        token.write_text(secrets.token_hex(32))
        token.chmod(0o600)
        self.environment = {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_health_check_period_ms": "3000",
            "RAY_DISABLE_IMPORT_WARNING": "1",
            **environment,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._arguments: dict[str, tuple[str, ...]] = {}

    def start(self) -> None:
        """Start both nodes and wait until the cluster has both."""
        self.start_node("head", "--head", f"--port={self.address.rpartition(':')[2]}", "--include-dashboard=false")
        self.wait_for_nodes(1)
        self.start_node("second", f"--address={self.address}")
        self.wait_for_nodes(2)

    def start_node(self, name: str, *arguments: str) -> None:
        """Start one node in the foreground, so that its processes are below ours."""
        self._arguments[name] = arguments
        log = (self.folder / f"{name}.log").open("ab")
        self._processes[name] = subprocess.Popen(
            [
                sys.executable, "-c", "from ray.scripts.scripts import main; main()", "start", *arguments, "--block",
                "--node-ip-address=127.0.0.1", f"--num-cpus={self._processors}", f"--num-gpus={GPUS_PER_NODE}",
                "--object-store-memory=80000000", "--disable-usage-stats", f"--resources={{\"{name}\": 1}}",
                *(["--temp-dir", str(self.folder / "t")] if name == "head" else []),
            ],
            env=os.environ | self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        log.close()

    def wait_for_nodes(self, count: int) -> None:
        """Wait until the cluster has so many living nodes; one that gave up starting, after 30 s, starts again."""
        script = (
            f"import ray; ray.init(address='{self.address}', log_to_driver=False, logging_level='ERROR'); "
            "print('alive', sum(node['Alive'] for node in ray.nodes()))"
        )
        deadline = time.monotonic() + 300
        while True:
            answer = subprocess.run(
                [sys.executable, "-c", script], env=os.environ | self.environment, capture_output=True, text=True
            )
            if f"alive {count}" in answer.stdout:
                return
            assert time.monotonic() < deadline, f"{answer.stdout}{answer.stderr[-2000:]}{self.logs()}"
            for name, process in list(self._processes.items()):
                if process.poll() is not None:
                    self.kill(name)
                    self.start_node(name, *self._arguments[name])
            time.sleep(1.0)

    def kill(self, name: str) -> None:
        """Kill a node and all it runs, as when its machine loses power."""
        process = self._processes.pop(name)
        for pid in [process.pid, *descendants(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()

    def stop(self) -> None:
        """End everything by process id: ``ray stop`` would end every Ray of this user."""
        for name in list(self._processes):
            self.kill(name)

    def logs(self) -> str:
        """The ends of the nodes' logs, for a failure."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in self.folder.glob("*.log")
        )
