"""Under which conditions a trial was computed: what decides the rounding of its numbers, part by part.

A trial that was interrupted may go on elsewhere, with other threads, or alone where it was batched before. Its numbers
are then those of no single way to compute it, and no repetition is promised to be equal to it.
"""

import platform
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from ganbench.provenance.environment import device_name, float32_arithmetic, instructions
from ganbench.provenance.versions import COMPUTING, versions
from ganbench.spec import TrialSpec

_OF_ALL_PARTS = ("seed", "precision", "parts", "statement")

Conditions = dict[str, Any]


def present(device: torch.device, *, beside: int = 0) -> Conditions:
    """The conditions of this process on ``device``, with ``beside`` other seeds in the same batched model."""
    cuda = device.type == "cuda"
    found = versions()
    return {
        "device": ", ".join(filter(None, (device.type, device_name(device), instructions(device)))),
        "threads": torch.get_num_threads(),
        "beside": beside,
        "float32_arithmetic": float32_arithmetic(device),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_deterministic": torch.backends.cudnn.deterministic if cuda else None,
        "cudnn_benchmark": torch.backends.cudnn.benchmark if cuda else None,
        "versions": ", ".join(
            [f"python {platform.python_version()}", *(f"{name} {found[name]}" for name in COMPUTING)]
            + ([f"CUDA {torch.version.cuda}", f"cuDNN {torch.backends.cudnn.version()}"] if cuda else [])
        ),
    }


def of_result(result: Mapping[str, Any]) -> list[Conditions]:
    """The conditions of each part of a finished trial, in order; what was not written down is left out."""
    stated = result.get("determinism") or {}
    if "parts" in stated:
        return list(stated["parts"])
    known = {"beside": (result.get("cost") or {}).get("beside"), **stated}
    return [{name: value for name, value in known.items() if name not in _OF_ALL_PARTS}]


def followed(earlier: Sequence[Conditions], now: Conditions) -> list[Conditions]:
    """Parts with another one after them; two in a row under equal conditions are one."""
    return [*earlier, now] if not earlier or earlier[-1] != now else list(earlier)


def differences(parts: Sequence[Conditions]) -> str:
    """What differs between parts, in words: ``threads: 1, then 2; beside: 3, then 0``; empty for one part.

    Of a list, such as the versions, those entries that differ.
    """
    names = dict.fromkeys(name for part in parts for name in part)
    differing = [name for name in names if any(part.get(name) != parts[0].get(name) for part in parts)]
    return "; ".join(f"{name}: {', then '.join(_own([part.get(name) for part in parts]))}" for name in differing)


def _own(values: Sequence[Any]) -> list[str]:
    """Each value without the entries that all of them have; whole, where one has no others."""
    whole = [str(value) for value in values]
    entries = [text.split(", ") for text in whole]
    shared = set(entries[0]).intersection(*entries[1:])
    own = [", ".join(entry for entry in each if entry not in shared) for each in entries]
    return own if all(own) else whole


def most_beside(parts: Sequence[Conditions]) -> int:
    """The most other seeds in one batched model with the trial, in any part of it."""
    return max(part.get("beside") or 0 for part in parts)


def others(count: int) -> str:
    """``1 other seed``, ``9 other seeds``."""
    return f"{count} other seed{'s' if count > 1 else ''}"


def cautions(parts: Sequence[Conditions]) -> list[str]:
    """What a reader of the result must know of how it was computed."""
    found = []
    if beside := most_beside(parts):
        found.append(f"trained as one batched model with {others(beside)}; it has no speed of its own")
    if len(parts) > 1:
        found.append(f"computed in {len(parts)} parts under other conditions ({differences(parts)})")
    return found


def determinism(spec: TrialSpec, parts: Sequence[Conditions]) -> dict[str, Any]:
    """What makes a result repeatable, and how far: what would have to be the same, and the equality to expect then.

    The conditions are those of the last part; where others came before it, ``parts`` has all of them.

    Every random number of a trial comes from a stream of its own (:mod:`ganbench.seeds`) that starts at ``seed``.
    """
    stated = {"seed": spec.seed, "precision": spec.recipe.precision, **parts[-1], "statement": promised(parts)}
    return stated | ({"parts": list(parts)} if len(parts) > 1 else {})


def promised(parts: Sequence[Conditions]) -> str:
    """The equality that a repetition of a trial can rely on, interrupted and resumed or not."""
    if len(parts) > 1:
        return (
            f"equal to a repetition up to rounding, which training enlarges: computed in {len(parts)} parts under "
            f"other conditions ({differences(parts)})"
        )
    (only,) = parts
    same = "with this seed, number of threads and these versions, interrupted and resumed or not"
    if only["beside"]:
        # Seeds whose checkpoints are of other steps catch up alone, which rounds otherwise.
        same = same.replace("interrupted", "interrupted together")
        same += f", beside {others(only['beside'])} in one batched model"
    if str(only["device"]).startswith("cpu"):
        return f"bit-equal on this kind of processor {same}"
    if only["deterministic_algorithms"]:
        return f"bit-equal on this model of GPU {same}"
    return (
        f"equal on this model of GPU {same}, up to the order of floating-point sums in CUDA kernels that are not "
        "deterministic, whose differences training enlarges"
    )
