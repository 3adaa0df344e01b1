"""The harness of the benchmarks: interleaved, honest ratios, results with their command and machine."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def harness() -> ModuleType:
    """The benchmarks are no part of the package."""
    spec = importlib.util.spec_from_file_location("benchmarks_harness", ROOT / "benchmarks" / "harness.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_contenders_take_turns_and_nobody_is_always_first(harness: ModuleType) -> None:
    calls: list[str] = []
    contenders = {name: lambda name=name: calls.append(name) for name in "abc"}
    timings = harness.interleave(contenders, 3, warm=1)
    assert [len(timing.wall) for timing in timings.values()] == [3, 3, 3]
    rounds = ["".join(calls[start : start + 3]) for start in range(0, 12, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert {each[0] for each in rounds[1:]} == {"a", "b", "c"}


def test_a_ratio_is_the_median_of_the_rounds_own_ratios(harness: ModuleType) -> None:
    peer, ours = harness.Timing(wall=[10.0, 40.0, 90.0]), harness.Timing(wall=[1.0, 2.0, 30.0])
    assert harness.ratio(peer, ours) == harness.Ratio(median=10.0, smallest=3.0, largest=20.0)


def test_results_carry_command_and_machine(
    harness: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "RESULTS", tmp_path / "results")
    content = {"ratios": {"a / b": harness.Ratio(2.0, 1.0, 3.0)}, "timings": {"a": harness.Timing([1.0], [1.0])}}
    path = harness.write("x", content, command="python -m benchmarks x", machine=harness.Machine())
    found = json.loads(path.read_text())
    assert found["command"] == "python -m benchmarks x"
    assert found["ratios"]["a / b"]["median"] == 2.0
    assert found["machine"]["cores"] > 0
    assert len(found["machine"]["load_before"]) == 3
    assert "torch" in found["machine"]["packages"]


def test_the_scripts_are_listed_and_an_unknown_one_is_refused() -> None:
    listed = subprocess.run([sys.executable, "-m", "benchmarks"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert listed.returncode == 0
    assert re.search(r"^evaluation +One evaluation \(FID and IS\)", listed.stdout, re.MULTILINE)
    assert re.search(r"^training_step +", listed.stdout, re.MULTILINE)
    unknown = subprocess.run(
        [sys.executable, "-m", "benchmarks", "evalution"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert unknown.returncode == 2
    assert "there is no benchmark 'evalution'" in unknown.stderr
