"""The results that are in ``benchmarks/results/`` as Markdown tables, as the documentation shows them."""

import argparse
import json
import sys
from typing import Any

from benchmarks.harness import RESULTS


def read(name: str) -> dict[str, Any]:
    """One benchmark's latest result."""
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def span(ratio: dict[str, float]) -> str:
    """A median with the smallest and largest round."""
    return f"{ratio['median']:.2f} ({ratio['smallest']:.2f} to {ratio['largest']:.2f})"


def cores(others: list[float]) -> str:
    """What other processes used, from the calmest round to the busiest."""
    return f"{min(others):.1f} to {max(others):.1f}" if others else "not measured"


def training_steps() -> list[list[str]]:
    """One row per workload."""
    rows = [
        [
            "",
            "ganbench, ms",
            "plain loop",
            "peer",
            "ganbench bfloat16",
            "share of peak",
            "rounds",
            "cores used by others",
            "instructions",
        ]
    ]
    for path in sorted(RESULTS.glob("training_step-*.json")):
        found = read(path.stem)
        ratios, seconds, shares = found["ratios"], found["seconds"], found["floor"]["shares"]
        peers = [name for name in ratios if name not in ("ganbench", "plain", "ganbench bfloat16")]
        bfloat16 = ratios.get("ganbench bfloat16")
        share = ", ".join(
            f"{label} {shares[name]:.0%}"
            for label, name in (("plain", "plain"), ("bfloat16", "ganbench bfloat16"))
            if name in shares
        )
        rows.append(
            [
                path.stem.removeprefix("training_step-"),
                f"{1000 * seconds['ganbench']['median']:.1f}",
                span(ratios["plain"]),
                "; ".join(f"{name} {span(ratios[name])}" for name in peers) or "–",
                f"{1 / bfloat16['median']:.2f}" if bfloat16 else "–",
                f"{shares['ganbench']:.0%} ({share})",
                str(len(seconds["ganbench"]["rounds"])),
                cores(seconds["ganbench"]["others"]),
                found["machine"].get("instructions") or "not recorded",
            ]
        )
    return rows


def on_each(name: str) -> list[tuple[str, dict[str, Any]]]:
    """One benchmark's latest results on the CPU and on a GPU, as far as there are any, each with a mark for its rows.

    Raises:
        FileNotFoundError: there are none.
    """
    found = [read(each) for each in (name, f"{name}-gpu") if (RESULTS / f"{each}.json").exists()]
    if not found:
        raise FileNotFoundError(name)
    return [("" if one.get("device", "cpu") == "cpu" else f", {one['device']}", one) for one in found]


def mixtures() -> list[list[str]]:
    """One row per contender and number of threads."""
    rows = [["", "ms per seed and step", "plain loop", "cores used by others"]]
    for mark, found in on_each("mixtures"):
        for label, case in found["seconds"].items():
            ratio = found["ratios"].get(f"plain / {label}")
            speed = span(ratio) if ratio else ""
            rows.append([f"{label}{mark}", f"{1000 * case['median']:.1f}", speed, cores(case.get("others", []))])
    return rows


def suite() -> list[list[str]]:
    """Both ways to have the grid."""
    rows = [["", "seconds, round by round", "CPU seconds", "cores used by others"]]
    for mark, found in on_each("suite"):
        for name, timing in found["timings"].items():
            walls, spent = (", ".join(f"{value:.0f}" for value in timing[key]) for key in ("wall", "cpu"))
            rows.append([f"{name}{mark}", walls, spent, cores(timing["others"])])
        rows += [[f"{name}{mark}", span(ratio), "", ""] for name, ratio in found["ratios"].items()]
    return rows


def startup() -> list[list[str]]:
    """One row per command."""
    return [["", "seconds"], *([name, f"{case['median']:.3f}"] for name, case in read("startup")["seconds"].items())]


def operators() -> list[list[str]]:
    """The five operators that take the largest shares of the time that is spent in operators."""
    rows = [["", *(f"{place}." for place in range(1, 6))]]
    for path in sorted(RESULTS.glob("*.json")):
        for name, found in read(path.stem).get("operators", {}).items():
            label = f"{path.stem.removeprefix('training_step-')}, {name}"
            rows.append([label, *(f"{operator} {share:.0%}" for operator, share in list(found.items())[:5])])
    return rows


TABLES = {
    "training_step": training_steps,
    "mixtures": mixtures,
    "suite": suite,
    "startup": startup,
    "operators": operators,
}


def markdown(rows: list[list[str]]) -> str:
    """Rows, the first of which is the head."""
    head, *rest = rows
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rest))


def main() -> int:
    """Print the tables that are asked for, or all that there are results of."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks tables")
    parser.add_argument("names", nargs="*", help=f"some of {', '.join(TABLES)}")
    options = parser.parse_args()
    for name in options.names or TABLES:
        if name not in TABLES:
            parser.error(f"there is no table '{name}'; there are {', '.join(TABLES)}")
        try:
            print(f"{name}\n\n{markdown(TABLES[name]())}\n")
        except FileNotFoundError:
            print(f"{name}: no results yet; python -m benchmarks {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
