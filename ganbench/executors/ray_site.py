"""A Ray cluster that is there: its address, what its nodes have, and whether they run the same code."""

import importlib.util
import math
import os
import re
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import node
from ganbench.executors.options import count, number, seconds
from ganbench.provenance.fingerprint import Fingerprint

PROBE_SECONDS = 120.0
KNOCK_SECONDS = 5.0
NOWHERE = "http://127.0.0.1:9"
"""Where Ray's usage reports go: the discard port of this machine."""


class Terms(NamedTuple):
    """Trials in a task, starts of a trial, seconds until a trial must have begun, and what a task asks of Ray."""

    pack: int
    attempts: int
    deadline: float
    resources: dict[str, float]


def terms(options: Mapping[str, str], device: str) -> Terms:
    """The options, checked: processors, GPUs (fractions are bookkeeping, no limit) and bytes of memory of each task.

    Raises:
        UsageError: a value that is none; names the option.
    """
    found: dict[str, float] = {
        "num_cpus": number(options, "cpus", 1.0),
        "num_gpus": number(options, "gpus", 1.0 if device == "cuda" else 0.0),
    }
    if "memory" in options:
        found["memory"] = count(options, "memory", 0) * 2**20
    return Terms(
        pack=count(options, "pack", 1),
        attempts=count(options, "attempts", 3),
        deadline=seconds(options, "deadline", math.inf),
        resources=found,
    )


def refusal(address: str) -> str:
    """Why nobody answers at ``HOST:PORT``; empty where somebody does, or the address is of another form."""
    form = re.fullmatch(r"\[?([^\[\]/]+)\]?:([0-9]{1,5})", address)
    if form is None:
        return ""
    try:
        socket.create_connection((form[1], int(form[2])), timeout=KNOCK_SECONDS).close()
    except (OSError, OverflowError, UnicodeError) as error:
        return str(error)
    return ""


def _no_cluster(address: str, reason: str) -> UsageError:
    return UsageError(
        f"there is no Ray cluster at {address} ({reason}); start one with 'ray start', and name it: --ray "
        "address=HOST:6379"
    )


def connect(address: str, attempts: int) -> Any:
    """Connect to a cluster and return the module.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address.
    """
    if importlib.util.find_spec("ray") is None:
        raise UsageError("Ray is not installed; run: pip install 'ganbench[ray]'")
    # Before the import: Ray reads some of them then. Without the last, a task that the machine's memory does not
    # suffice for is retried for ever.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_USAGE_STATS_REPORT_URL", NOWHERE)
    os.environ.setdefault("RAY_task_oom_retries", str(attempts - 1))
    # An address at which nothing answers is tried 20 times for 40 seconds.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")
    if reason := refusal(address):
        raise _no_cluster(address, reason)
    import ray
    import ray.exceptions
    import ray.util.scheduling_strategies

    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise _no_cluster(address, lines[0] if lines else type(error).__name__) from error
    return ray


def check_that_it_fits(ray: Any, wanted: Mapping[str, float]) -> None:
    """Refuse what no node could ever run: Ray would wait for ever.

    Raises:
        UsageError: says what is asked for and what the largest node has.
    """
    each = {"CPU": wanted["num_cpus"], "GPU": wanted["num_gpus"]}
    each |= {"memory": wanted["memory"]} if "memory" in wanted else {}
    alive = [one["Resources"] for one in ray.nodes() if one["Alive"]]
    if any(all(one.get(name, 0.0) >= amount for name, amount in each.items()) for one in alive):
        return
    asked = ", ".join(f"{amount:g} {name}" for name, amount in each.items() if amount)
    offers = "; ".join(sorted({", ".join(f"{one.get(name, 0.0):g} {name}" for name in each) for one in alive}))
    raise UsageError(
        f"no node of the Ray cluster has {asked}; its nodes have: {offers or 'nothing'}; ask for less with --ray"
    )


def check_the_nodes(ray: Any, expected: Fingerprint) -> None:
    """Compare every node's packages with this machine's.

    Raises:
        UsageError: they differ; names the package and both versions.
        GanbenchError: a node does not answer.
    """
    strategies = ray.util.scheduling_strategies
    probe = ray.remote(num_cpus=0, max_retries=0)(node.probe)
    asked = []
    for one in ray.nodes():
        if one["Alive"]:
            there = strategies.NodeAffinitySchedulingStrategy(one["NodeID"], soft=False)
            asked.append((one["NodeManagerAddress"], probe.options(scheduling_strategy=there).remote()))
    for address, reference in asked:
        try:
            found = Fingerprint.model_validate(ray.get(reference, timeout=PROBE_SECONDS))
        except ray.exceptions.RayError as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reason = lines[-1] if lines else type(error).__name__
            raise GanbenchError(f"node {address} of the Ray cluster cannot run ganbench: {reason}") from error
        if differences := expected.differences(found):
            more = f"; and {len(differences) - 1} more" if len(differences) > 1 else ""
            raise UsageError(f"{differences[0]} ({address}){more}; install the same version there")
