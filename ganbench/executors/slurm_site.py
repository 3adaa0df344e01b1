"""What Slurm is asked, and how it answers: its programs, options and states."""

import math
import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from ganbench.errors import UsageError
from ganbench.executors import AUTO, Layout, Wish
from ganbench.executors.options import check_names, count, seconds

PREFIX = "ganbench-"
"""What the names of our jobs begin with."""
COMMAND_SECONDS = 60.0
QUEUE = ("squeue", "-h", "-r", "-t", "all", "--me", "-o", "%i|%j|%T|%r")
"""Lists the user's jobs; Slurm forgets one some minutes after its end (``MinJobAge``)."""
CANCELLED_AT_ONCE = 200
"""Jobs that one scancel is given: starting it for each of thousands would take minutes."""
SBATCH = (
    "account", "comment", "constraint", "cores-per-socket", "cpus-per-gpu", "cpus-per-task",
    "dependency", "exclude", "exclusive", "gpus", "gpus-per-node", "gpus-per-task", "gres", "hint", "licenses", "mem",
    "mem-per-cpu", "mem-per-gpu", "nice", "nodelist", "partition", "prefer", "priority", "qos", "reservation", "time",
    "tmp", "wckey",
)  # fmt: skip
"""Options that are handed on to sbatch as they are."""
OWN = {
    "pack": "trials in one job; by default as many as run at once on its devices",
    "attempts": "how often to start a trial that was killed or lost; by default 3",
    "deadline": "how long a trial may wait in the queue before it is given up: 12h, 1-00:00:00; by default for ever",
    "setup": "a file that the shell reads before Python starts, e.g. with module load; by default none",
    "python": "the interpreter on the nodes; by default the one that runs ganbench",
    "warning": "how long before the end of its time a job is asked to write a checkpoint; by default 60s",
    "poll": "time between two looks at the queue; by default 5s",
    "grace": "how long a file may take to become visible after a job ends; by default 60s",
}
"""Options that are ours, and what they mean."""
OPTIONS = OWN | dict.fromkeys(SBATCH, "handed on to sbatch as it is")
GPU_OPTIONS = ("gres", "gpus", "gpus-per-node", "gpus-per-task")
_TIME = r"[0-9]+(:[0-9]+){0,2}|[0-9]+-[0-9]+(:[0-9]+){0,2}|-1|infinite|unlimited"
_MEMORY = (r"[0-9]+([KMGT].*)?", "a number of MiB or with a unit, such as 500M or 8G")
_GPUS = (r"([A-Za-z0-9_.-]+:)?[0-9]+(,([A-Za-z0-9_.-]+:)?[0-9]+)*", "how many, such as 1 or a100:1")
FORMS = {
    "time": (_TIME, "minutes, H:MM:SS or D-HH:MM:SS"),
    **dict.fromkeys(("mem", "mem-per-cpu", "mem-per-gpu"), _MEMORY),
    **dict.fromkeys(("gpus", "gpus-per-node", "gpus-per-task"), _GPUS),
}
"""The form of options whose slips are common, and its words; the form of the others is for Slurm to judge."""

ACTIVE = frozenset(
    {"PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD",
     "RESIZING", "SIGNALING", "SPECIAL_EXIT", "STAGE_OUT", "STOPPED"}
)  # fmt: skip
"""Slurm's states of a job that has not ended, or will start again."""
WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT"})
NOT_LAUNCHED = ("launch failed requeued held", "launch_failed_requeued_held")
"""Reasons of a waiting job that a node could not start, as where the controller went away meanwhile: Slurm holds it."""
HELD = ("JobHeldAdmin", "DependencyNeverSatisfied")
"""Reasons of a waiting job that will never start by itself."""

_NO_ANSWER = re.compile(
    "contact slurm controller|connect failure|Connection refused|timed out|Zero Bytes|temporarily unavailable|"
    "not responding|Unable to establish|Transport endpoint|communication|being restarted|Invalid authentication",
    re.IGNORECASE,
)
_NO_CONFIGURATION = re.compile(r"configuration (source|file)|slurm\.conf", re.IGNORECASE)


class Terms(NamedTuple):
    """Our own options: trials in a job, starts of a trial, and durations in seconds.

    ``warning`` is how long before the end of its time a job is asked to stop: never more than a third of its time.
    """

    pack: int
    attempts: int
    deadline: float
    poll: float
    grace: float
    warning: int
    setup: Path | None


class Place(NamedTuple):
    """One element of an array in the queue."""

    job: str
    state: str
    reason: str

    @property
    def active(self) -> bool:
        """Whether its job has not ended, or will start again."""
        return self.state in ACTIVE

    @property
    def cancelled(self) -> bool:
        """Whether somebody took it out of the queue, which Slurm itself does not: that has states of its own."""
        return self.state == "CANCELLED"

    @property
    def waits(self) -> bool:
        """Whether its job has not started, or is to start again."""
        return self.state in WAITING

    @property
    def not_launched(self) -> bool:
        """Whether a node could not start its job, which Slurm holds since."""
        return self.waits and any(words in self.reason for words in NOT_LAUNCHED)

    @property
    def held(self) -> bool:
        """Whether its job will never start by itself."""
        return self.waits and any(words in self.reason for words in HELD)


ABSENT = Place("", "", "")
"""Stands for an element that is not in the queue."""


def layout(wish: Wish) -> Layout:
    """GPU trials where a GPU is asked of Slurm, CPU trials with the job's processors elsewhere.

    Raises:
        UsageError: an option or a value that needs no Slurm to be refused.
    """
    check_names("slurm", wish.options, OPTIONS)
    for name, (form, words) in FORMS.items():
        if name in wish.options and not re.fullmatch(form, wish.options[name], re.IGNORECASE):
            raise UsageError(f"option {name}={wish.options[name]} must be {words}")
    if wish.devices:
        raise UsageError("--devices is for this machine, but Slurm assigns devices itself; use --slurm gres=gpu:1")
    gpu = any(asks_for_gpu(name, wish.options.get(name, "")) for name in GPU_OPTIONS)
    if wish.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {wish.device} is for this machine; with Slurm use --device cuda")
    if wish.device == "cuda" and not gpu:
        raise UsageError("--device cuda needs a GPU from Slurm: --slurm gres=gpu:1 (or gpus, or gres=shard:N)")
    if wish.per_device == AUTO:
        raise UsageError("--per-device auto is for this machine; with Slurm give a number, e.g. --per-device 2")
    each = wish.per_device or 1
    terms(wish.options, each)
    processors = count(wish.options, "cpus-per-task", 1)
    device = "cuda" if gpu and wish.device != "cpu" else "cpu"
    threads = max(1, processors // side_by_side(wish.options, device, each))
    shared = device == "cuda" and (each > 1 or any("shard" in wish.options.get(name, "") for name in GPU_OPTIONS))
    return Layout(device=device, slots=wish.jobs, threads=threads, per_device=each, shared=shared)


def places(listing: str) -> dict[tuple[str, int], Place]:
    """Every element of our arrays that :data:`QUEUE` lists, by submission and index."""
    found = {}
    for line in listing.splitlines():
        job, name, state, reason = (*line.strip().split("|", 3), "", "", "")[:4]
        element = re.fullmatch(r"[0-9]+_([0-9]+)", job)
        if element is not None and name.startswith(PREFIX):
            found[name.removeprefix(PREFIX), int(element[1])] = Place(job, state, reason)
    return found


def gave_no_answer(error: str) -> bool:
    """Whether what a program complained about is a controller that is away, not the request."""
    return _NO_ANSWER.search(error) is not None


def has_no_configuration(error: str) -> bool:
    """Whether what a program complained about is that this machine belongs to no cluster, not the request."""
    return _NO_CONFIGURATION.search(error) is not None


def terms(options: Mapping[str, str], per_device: int) -> Terms:
    """Our own options, checked; without ``pack``, a job gets as many trials as run at once on its devices.

    Raises:
        UsageError: a value that is none; names the option.
    """
    # No shell makes the home folder of a ~ behind a name and '='.
    setup = Path(os.path.expanduser(options["setup"])) if "setup" in options else None
    if setup is not None and not setup.is_file():
        raise UsageError(
            f"option setup={setup}: there is no such file; it must be a shell script that runs before Python starts"
        )
    return Terms(
        pack=count(options, "pack", per_device * max(1, gpus(options))),
        attempts=count(options, "attempts", 3),
        deadline=seconds(options, "deadline", math.inf),
        poll=seconds(options, "poll", 5.0),
        grace=seconds(options, "grace", 60.0),
        warning=_warning(options),
        setup=setup,
    )


def _warning(options: Mapping[str, str]) -> int:
    warning, limit = seconds(options, "warning", 60.0), _time_limit(options.get("time", ""))
    return int(warning if limit is None else min(warning, limit / 3))


def _time_limit(text: str) -> int | None:
    """Seconds of ``time`` as sbatch reads it: M, M:S, H:M:S, D-H, D-H:M or D-H:M:S; ``None`` where it sets no limit."""
    if not re.fullmatch("([0-9]+-)?[0-9]+(:[0-9]+){0,2}", text):
        return None
    days, dash, rest = text.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    if not dash and len(parts) < 3:  # the first number is hours after days and of three, and minutes elsewhere
        parts.insert(0, 0)
    hours, minutes, rest_seconds = (*parts, 0, 0)[:3]
    return int(days or 0) * 86400 + hours * 3600 + minutes * 60 + rest_seconds or None


def asks_for_gpu(option: str, value: str) -> bool:
    """Whether a value asks for a GPU: ``gpu:a100:2`` or ``shard:4`` of ``gres``, ``2`` or ``a100:2`` of the others."""
    form = r"(gres[:/])?(gpu|shard)(:.*)?(?<!:0)" if option == "gres" else r"([A-Za-z0-9_.-]+:)?[1-9][0-9]*"
    return any(re.fullmatch(form, part.strip()) for part in value.split(","))


def gpus(options: Mapping[str, str]) -> int:
    """How many GPUs a job gets, of all types together; a shard is a part of one."""
    for name in GPU_OPTIONS:
        asked = [part.strip() for part in options.get(name, "").split(",") if asks_for_gpu(name, part)]
        whole = [part for part in asked if name != "gres" or not re.match("(gres[:/])?shard", part)]
        if whole:
            # `gpu` and `gpu:a100` say no number, and are one.
            return sum(int(match[1]) if (match := re.search("(?:^|:)([0-9]+)$", part)) else 1 for part in whole)
    return 1


def side_by_side(options: Mapping[str, str], device: str, per_device: int) -> int:
    """How many trials run at once on the devices of a job, which share its processors."""
    return per_device * (gpus(options) if device == "cuda" else 1)


def largest_array() -> int:
    """How many elements an array may have at this site (``MaxArraySize``)."""
    answer = call("scontrol", "show", "config")
    found = re.search(r"^MaxArraySize\s*=\s*([0-9]+)", answer.stdout, re.MULTILINE)
    return max(1, int(found[1]) - 1) if found else 1000


def cancel(jobs: Iterable[str], *options: str) -> None:
    """Take jobs out of the queue, or signal them where the options of scancel say so."""
    names = list(dict.fromkeys(jobs))  # several trials may be in one job
    for start in range(0, len(names), CANCELLED_AT_ONCE):
        call("scancel", *options, *names[start : start + CANCELLED_AT_ONCE])


def call(*command: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of Slurm; one that hangs is one that does not answer."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=COMMAND_SECONDS,
            stdin=subprocess.DEVNULL, env=os.environ | {"LC_ALL": "C"}, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} timed out")
    except OSError as error:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]}: {error.strerror}")


def one_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines) or "no message"
