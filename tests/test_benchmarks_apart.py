"""Contenders in processes of their own."""

import json
import multiprocessing
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json, multiprocessing, sys
sys.path.insert(0, {here!r})
from benchmarks import harness
from benchmarks.apart import Apart
from benchmarks.training.peers import MissingPeer
from contender import Counter

if __name__ == "__main__":
    found = {{}}
    with Apart(Counter, 2) as one, Apart(Counter, 5) as other:
        found["answers"] = [one.call("add", 1), other.call("add", 1), one.call("add", 1)]
        found["threads"] = [one.call("threads", threads=1), one.call("threads", threads=2)]
        found["workers"] = one.call("method")
        before = harness.cpu_seconds()
        one.call("work", 0.5)
        found["seconds"] = harness.cpu_seconds() - before
        for name, method in (("failed", "fail"), ("ended", "end")):
            try:
                (one if name == "failed" else other).call(method)
            except RuntimeError as error:
                found[name] = str(error)
    try:
        Apart(Counter, 0)
    except MissingPeer as missing:
        found["missing"] = str(missing)
    found["left"] = len(multiprocessing.active_children())
    print(json.dumps(found))
"""
CONTENDER = """
import multiprocessing, os, time
import torch
from benchmarks.training.peers import MissingPeer

class Counter:
    def __init__(self, start):
        if not start:
            raise MissingPeer("counter; pip install counter")
        self.count = start
    def add(self, number):
        self.count += number
        return self.count
    def threads(self):
        return torch.get_num_threads()
    def method(self):
        return multiprocessing.get_start_method()
    def work(self, seconds):
        begin = time.process_time()
        while time.process_time() - begin < seconds:
            pass
    def fail(self):
        raise ValueError("no such thing")
    def end(self):
        os._exit(3)
"""


def test_contenders_live_apart_and_their_time_is_counted(tmp_path: Path) -> None:
    (tmp_path / "contender.py").write_text(CONTENDER)
    (tmp_path / "program.py").write_text(PROGRAM.format(here=str(tmp_path)))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert found["answers"] == [3, 6, 4]
    assert found["threads"] == [1, 2]
    assert found["workers"] == multiprocessing.get_start_method()
    assert 0.4 < found["seconds"] < 10.0
    assert "ValueError: no such thing" in found["failed"]
    assert found["ended"] == "a contender's process ended with 3"
    assert found["missing"] == "counter; pip install counter"
    assert found["left"] == 0


def test_a_contender_that_fails_ends_the_others(tmp_path: Path) -> None:
    """Even where nobody closes them."""
    (tmp_path / "contender.py").write_text(CONTENDER)
    (tmp_path / "program.py").write_text(
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
        "from benchmarks.apart import Apart\nfrom contender import Counter\n"
        "if __name__ == '__main__':\n    kept = [Apart(Counter, 1), Apart(Counter, 2)]\n    kept[1].call('fail')\n"
    )
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ValueError: no such thing" in done.stderr


def test_a_step_s_operators_are_those_that_were_called() -> None:
    program = (
        "import torch\n"
        "from benchmarks.training.operators import shares\n"
        "x = torch.randn(400, 400)\n"
        "found = shares(lambda: [x @ x for _ in range(20)] + [x.relu()], most=2)\n"
        "assert list(found) == ['aten::mm', 'aten::relu'], found\n"
        "assert abs(sum(found.values()) - 1) < 1e-3, found\n"
        "assert found['aten::mm'] > 0.8, found\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
