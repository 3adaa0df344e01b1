"""The command line in a process of its own, as a user runs it."""

import os
import subprocess
import sys
from pathlib import Path

QUICK = ["--arch", "mlp[hidden=16,layers=1]", "--steps", "4", "--batch-size", "16", "--device", "cpu"]


def ganbench(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"GANBENCH_CACHE": str(cwd / "cache"), "OMP_NUM_THREADS": "1"} | environ
    return subprocess.run(
        [sys.executable, "-m", "ganbench", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
    )
