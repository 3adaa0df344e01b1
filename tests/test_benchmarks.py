"""The harness of the benchmarks: interleaved, honest ratios, results with their command and machine."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

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
    # These contenders leave nothing behind, and collecting what hundreds of other tests keep takes a third of a second.
    vars(module)["gc"] = SimpleNamespace(collect=lambda: 0)
    return module


def test_contenders_take_turns_and_nobody_is_always_first(harness: ModuleType) -> None:
    calls: list[str] = []
    contenders = {name: lambda name=name: calls.append(name) for name in "abc"}
    timings = harness.interleave(contenders, 3, warm=1)
    assert [len(timing.wall) for timing in timings.values()] == [3, 3, 3]
    rounds = ["".join(calls[start : start + 3]) for start in range(0, 12, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert {each[0] for each in rounds[1:]} == {"a", "b", "c"}


def test_the_calmest_rounds_count_and_the_others_are_kept(harness: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by hand: every contender takes a second; in three of six rounds others use half a core."""
    now, busy, calls = [0.0], [0.0], [0]

    def contender() -> float:
        disturbed = calls[0] // 2 in (1, 2, 4)
        calls[0] += 1
        now[0] += 1.0
        busy[0] += 1.5 if disturbed else 1.0
        return float(calls[0])

    monkeypatch.setattr(harness.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(harness, "_busy", lambda: busy[0])
    monkeypatch.setattr(harness, "cpu_seconds", lambda: now[0])
    timing = harness.interleave({"a": contender, "b": contender}, 3, warm=0)["a"]
    assert timing.others == [0.0, 0.0, 0.0]
    assert timing.wall == [1.0, 8.0, 12.0]  # rounds 0, 3 and 5; in the last two "a" is second
    assert [others for _, others in timing.set_aside] == [0.5, 0.5, 0.5]
    calls[0] = 2
    timing = harness.interleave({"a": contender, "b": contender}, 3, warm=0, again=False)["a"]
    assert (len(timing.wall), timing.set_aside) == (3, [])


def test_a_limit_ends_the_rounds_once_there_are_two(harness: ModuleType) -> None:
    assert len(harness.interleave({"a": lambda: None}, 50, warm=0, limit=0.0)["a"].wall) == 2


def test_committed_results_make_tables() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "benchmarks", "tables"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert printed.returncode == 0, printed.stderr
    assert "| plain, 2 threads |" in printed.stdout


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
