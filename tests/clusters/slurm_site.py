"""A real Slurm of two nodes on one host: munge, a controller, two slurmd, fake GPUs. Needs root and two packages.

Without systemd: every daemon is a process of this test and ends with it.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo", "scontrol")
GPUS_PER_NODE = 2
SHARDS_PER_NODE = 4


def missing() -> str:
    """Why there can be no Slurm here; empty where there can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    absent = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if absent:
        return f"no {', '.join(absent)}; apt-get install slurm-wlm munge"
    return "" if os.geteuid() == 0 else "Slurm's daemons need root here"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, on loopback."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in found]


class SlurmSite:
    """The site while it runs; everything is below one folder."""

    def __init__(self, folder: Path, *, processors: int = 0) -> None:
        """``processors`` are those of each node, the machine's by default."""
        self.folder = folder
        self._processors = processors or os.cpu_count() or 1
        self.nodes = ("fake0", "fake1")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._socket = folder / "munge" / "munge.socket"
        self.environment = {"SLURM_CONF": str(folder / "slurm.conf")}

    def start(self) -> None:
        """Start everything and wait until both nodes are idle."""
        for name in ("munge", "state", "fake0", "fake1", "log", "dev"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # Slurm's daemons and munge are careful about who could write above their files.
        for path in (self.folder, *self.folder.parents):
            if path != Path("/tmp") and path != Path("/"):
                path.chmod(0o755)
        self._make_devices()
        self._configure()
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        self._spawn(
            "munged", "munged", "--foreground", "--force", f"--key-file={key}", f"--socket={self._socket}",
            f"--pid-file={self.folder}/munge/pid", f"--log-file={self.folder}/log/munged",
            f"--seed-file={self.folder}/munge/seed",
        )  # fmt: skip
        self._wait(self._socket.exists, "munged")
        self.start_controller()
        for node in self.nodes:
            self.start_node(node)
        self._wait(lambda: self._idle() == 2, "two idle nodes")

    def start_controller(self) -> None:
        """Start the controller, which takes up its state from before."""
        self._spawn("slurmctld", "slurmctld", "-D", "-f", self.environment["SLURM_CONF"])

    def start_node(self, node: str) -> None:
        """Start one node."""
        self._spawn(node, "slurmd", "-D", "-N", node, "-f", self.environment["SLURM_CONF"])

    def kill(self, name: str) -> None:
        """Kill a daemon, as when its machine loses power; for a node, all it runs with it."""
        process = self._processes.pop(name)
        if name in self.nodes:
            for pid in self._steps_of(name):
                for child in [*descendants(pid), pid]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all daemons and what is left of their jobs."""
        for node in self.nodes:
            if node in self._processes:
                self.kill(node)
        for name in ("slurmctld", "munged"):
            if name in self._processes:
                process = self._processes.pop(name)
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(10)
                process.kill()
                process.wait()

    def call(self, *command: str) -> str:
        """Run one of Slurm's programs; return what it prints."""
        answer = subprocess.run(command, env=os.environ | self.environment, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def queue(self) -> str:
        """Everything that is in the queue and has not ended."""
        return self.call("squeue", "-h", "-r")

    def logs(self) -> str:
        """The ends of the daemons' logs, for a failure."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-2000:]}" for path in self.folder.glob("log/*")
        )

    def _steps_of(self, node: str) -> list[int]:
        """The slurmstepd processes of a node: they hold its log open."""
        log = f"{self.folder}/log/slurmd-{node}"
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "comm").read_text().startswith("slurmstepd"):
                    opened = [os.readlink(one) for one in (entry / "fd").iterdir()]
                    if any(name.startswith(log) for name in opened):
                        found.append(int(entry.name))
        return found

    def _make_devices(self) -> None:
        """Fake GPUs: character devices that do nothing, since Slurm looks for devices, not for files."""
        for number in range(len(self.nodes) * GPUS_PER_NODE):
            path = self.folder / "dev" / f"nvidia{number}"
            if not path.exists():
                subprocess.run(["mknod", str(path), "c", "1", "3"], check=True)

    def _configure(self) -> None:
        controller, *ports = free_ports(1 + len(self.nodes))
        host = socket.gethostname()
        lines = [
            "ClusterName=loopback",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={controller}",
            "AuthType=auth/munge",
            # Slurm starts a job of a dead node again once the credential of its first start has expired, 2 minutes by
            # default.
            f"AuthInfo=socket={self._socket},cred_expire=30",
            "CryptoType=crypto/munge",
            "SlurmdParameters=config_overrides",
            "SlurmUser=root",
            "SlurmdUser=root",
            f"StateSaveLocation={self.folder}/state",
            f"SlurmdSpoolDir={self.folder}/%n",
            f"SlurmctldPidFile={self.folder}/slurmctld.pid",
            f"SlurmdPidFile={self.folder}/slurmd-%n.pid",
            f"SlurmctldLogFile={self.folder}/log/slurmctld",
            f"SlurmdLogFile={self.folder}/log/slurmd-%n",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_CPU",
            "SchedulerType=sched/backfill",
            "SchedulerParameters=batch_sched_delay=0,sched_interval=2,bf_interval=2",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none",
            "MpiDefault=none",
            "ReturnToService=2",
            "SlurmdTimeout=8",
            "SlurmctldTimeout=8",
            "InactiveLimit=0",
            "KillWait=5",
            "MinJobAge=300",
            "MailProg=/bin/true",
            "CommunicationParameters=NoAddrCache",
            "GresTypes=gpu,shard",
        ]
        for node, port in zip(self.nodes, ports, strict=True):
            lines.append(
                f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs={self._processors} "
                f"RealMemory=1000 Gres=gpu:{GPUS_PER_NODE},shard:{SHARDS_PER_NODE} State=UNKNOWN"
            )
        lines.append(f"PartitionName=all Nodes={','.join(self.nodes)} Default=YES MaxTime=INFINITE State=UP")
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        gres = [
            f"NodeName={node} Name=gpu File={self.folder}/dev/nvidia{number} Flags=nvidia_gpu_env"
            for index, node in enumerate(self.nodes)
            for number in range(index * GPUS_PER_NODE, (index + 1) * GPUS_PER_NODE)
        ]
        gres += [f"NodeName={node} Name=shard Count={SHARDS_PER_NODE}" for node in self.nodes]
        (self.folder / "gres.conf").write_text("\n".join(gres) + "\n")

    def _spawn(self, name: str, *command: str) -> None:
        path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        program = shutil.which(command[0], path=path)
        assert program is not None
        with (self.folder / "log" / f"{name}.out").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [program, *command[1:]], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=os.environ | self.environment, start_new_session=True,
            )  # fmt: skip

    def _idle(self) -> int:
        answer = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%t"],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return answer.stdout.split().count("idle")

    def _wait(self, condition: "object", what: str) -> None:
        deadline = time.monotonic() + 60
        while not condition():  # type: ignore[operator]
            assert time.monotonic() < deadline, f"{what} did not come up\n{self.logs()}"
            time.sleep(0.1)


def descendants(root: int) -> list[int]:
    """All processes below one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, ahead = [], [root]
    while ahead:
        new = children.get(ahead.pop(), [])
        found += new
        ahead += new
    return found
