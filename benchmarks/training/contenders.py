"""Who trains a workload, each built in its own process by name."""

from contextlib import ExitStack
from typing import Any

import torch

from benchmarks.apart import Apart
from benchmarks.training.ours import Ours, Theirs
from benchmarks.training.peers import PEERS, MissingPeer, load_example, network_classes
from benchmarks.training.plain import Plain
from benchmarks.training.workloads import WORKLOADS, Workload
from ganbench.worker.heap import keep_freed_memory

EXAMPLE = "fidelity-example"
BFLOAT16 = "ganbench bfloat16"


def workload_of(name: str) -> Workload:
    """The workload of a name.

    Raises:
        MissingPeer: it has a peer's networks, and the peer is missing.
    """
    if name != EXAMPLE:
        return WORKLOADS[name]
    generator, discriminator = network_classes(load_example())
    return Workload(
        architecture=Theirs(generator, discriminator),
        shape=(3, 32, 32),
        loss="hinge",
        steps=1,
        recipe={"n_critic": 5, "beta1": 0.0, "beta2": 0.9, "lr_schedule": "linear"},
        peers=("torch-fidelity example",),
    )


def contender(label: str, name: str, device: str, threads: int) -> Any:
    """ganbench, the plain loop or a peer, which trains the workload of that name in this process.

    Raises:
        MissingPeer: it is not installed.
    """
    torch.set_num_threads(threads)
    workload = workload_of(name)
    if label in ("ganbench", BFLOAT16):
        keep_freed_memory()  # as a trial's process does
        return Ours(workload, device=device, **({"precision": "bfloat16"} if label == BFLOAT16 else {}))
    return Plain(workload, device=device) if label == "plain" else PEERS[label](workload)


def contenders(
    stack: ExitStack, name: str, labels: list[str], device: str, threads: int
) -> tuple[dict[str, Apart], list[str]]:
    """Each contender in a process of its own, which ends with the stack, and what is said of those that are missing."""
    found: dict[str, Apart] = {}
    missing: list[str] = []
    for label in labels:
        try:
            found[label] = stack.enter_context(Apart(contender, label, name, device, threads))
        except MissingPeer as error:
            missing.append(str(error))
    return found, missing
