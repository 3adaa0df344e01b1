"""Other systems, simulated: what works on Windows, and what is refused there in one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.example import write_example
from tests.rows import HIGH, LOW
from tests.trials import trial

REPOSITORY = Path(__file__).resolve().parents[1]
SEVERAL = """
import contextlib, sys
from tests.windows import simulate
simulate(*sys.argv[1:])
from ganbench.cli import main
for line in sys.stdin.read().splitlines():
    print("$", line, flush=True)
    with contextlib.suppress(SystemExit):
        try:
            main(line.split())
        except SystemExit as end:
            print("exit", end.code or 0, flush=True)
            raise
"""


def windows(*lines: str, cwd: Path, packages: tuple[str, ...] = ()) -> dict[str, tuple[int, str]]:
    """Run command lines in one process that is as on Windows; their exit codes and output, with messages."""
    answer = subprocess.run(
        [sys.executable, "-c", SEVERAL, *packages],
        input="\n".join(lines),
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    found = {}
    for part in answer.stdout.split("$ ")[1:]:
        line, _, rest = part.partition("\n")
        output, _, code = rest.rpartition("exit ")
        found[line] = (int(code), output)
    assert list(found) == list(lines), answer.stdout
    return found


@pytest.mark.slow
def test_what_only_reads_and_writes_files_works_on_windows(tmp_path: Path) -> None:
    example = write_example(tmp_path / "runs").name
    for seed in range(3):
        trial(tmp_path / "base", "a", seed, LOW[seed])
        trial(tmp_path / "worse", "a", seed, HIGH[seed])
    good = [
        "list", "show wgan-gp", "show digits", "show local", "plugins list", "plugins new mine --kind loss",
        "completion bash",
        "results base", "results base --format csv", "report base", "status base",
        "leaderboard build base --out board", "leaderboard build base --out board --check",
        "runs list --out base", f"runs verify --out {tmp_path / 'runs'}", f"runs show {example}",
        f"runs export {example} --to one.zip", "runs import one.zip --out other", "runs prune --out base --yes",
    ]  # fmt: skip
    found = windows(*good, "leaderboard compare base worse", cwd=tmp_path, packages=("torch",))
    worse, _ = found.pop("leaderboard compare base worse")
    assert {line: answer for line, answer in found.items() if answer[0] != 0} == {}
    assert worse in (1, 3)
    assert (tmp_path / "board.json").exists()
    assert (tmp_path / "other" / example / "result.json").read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_forks_is_refused_on_windows_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "samples.npy").write_bytes(b"x")
    grid = "run --losses vanilla --arch mlp"
    lines = [grid, f"{grid} --dry-run", f"{grid} --executor slurm", "eval samples.npy --against digits",
             "reproduce pacgan-table1 --dry-run"]  # fmt: skip
    refusal = "ganbench trains and scores only on Linux and macOS, because it forks processes; on Windows use WSL"
    for line, (code, output) in windows(*lines, cwd=tmp_path).items():
        assert (code, output.splitlines()) == (2, [f"ganbench: {refusal}"]), line
    assert [path.name for path in tmp_path.iterdir()] == ["samples.npy"]


@pytest.mark.slow
def test_everything_but_the_server_that_forks_is_imported_on_windows() -> None:
    code = """
import importlib, io, pkgutil, sys, traceback
from tests.windows import simulate
simulate("torch", "torchvision")
import ganbench
forking = ("ganbench.processes.forkserver", "ganbench.processes.supervisor")
for module in pkgutil.walk_packages(ganbench.__path__, "ganbench."):
    if module.name not in forking and ".templates" not in module.name and module.name != "ganbench.__main__":
        try:
            importlib.import_module(module.name)
        except Exception:
            print(module.name, traceback.format_exc().splitlines()[-1])
from ganbench.cli import main
sys.stdout = io.StringIO()
main(["doctor"])
"""
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=REPOSITORY)
    assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr
