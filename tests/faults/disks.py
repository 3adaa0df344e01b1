"""Disks that are really full and folders that are really read-only, in a mount namespace of its own.

``unshare -rm python -m tests.faults.disks full FOLDER`` (or another of the checks) mounts what it needs where only
it can see it, so that it asks for no rights and leaves nothing behind.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from ganbench.records.folder import TrialFolder

from .processes import leases, start, stopped, wait_for_progress

TRIAL = ["run", "--losses", "vanilla", "--arch", "mlp[hidden=16,layers=1]", "--dataset", "ring", "--batch-size", "16",
         "--num-samples", "200", "--eval-every", "0", "--device", "cpu", "--jobs", "1", "--quiet"]  # fmt: skip


def available() -> str:
    """Why a mount namespace cannot be made here; empty where it can."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return "needs unshare, of util-linux"
    tried = subprocess.run([unshare, "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no mount namespace can be made here: {tried.stderr.strip()}"


def run_inside(what: str, folder: Path) -> str:
    """Run one of the checks below in a namespace; return what is wrong, empty where nothing is."""
    done = subprocess.run(
        ["unshare", "-rm", sys.executable, "-m", "tests.faults.disks", what, str(folder)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=900,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def full(folder: Path) -> None:
    """The disk becomes full while a trial trains: its row says so, and with room again it goes on."""
    _fill_while_training(folder, log=b"")


def full_but_for_the_log(folder: Path) -> None:
    """As :func:`full`, where the log's last block still has room: what it says is not known from its being lost."""
    _fill_while_training(folder, log=b"a line\n")


def _fill_while_training(folder: Path, log: bytes) -> None:
    mount("-t", "tmpfs", "-o", "size=4m", "none", str(folder / "runs"))
    command = [*TRIAL, "--steps", "1500", "--checkpoint-seconds", "0.2", "--out", "runs"]
    run = start(folder, command)
    trial = wait_for_progress(folder)
    deadline = time.monotonic() + 60
    while not trial.checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    ballast = folder / "runs" / "ballast"
    with stopped(folder):  # however slow this process is just now, the trial does not end before the disk is full
        assert trial.read_status()["status"] == "running", "the trial ended before its disk could be filled"
        with trial.log.open("ab") as file:
            file.write(log)
        fill(ballast)
    output, _ = run.communicate(timeout=300)
    messages = (folder / "messages").read_text()
    assert run.returncode == 1, (run.returncode, messages)
    # The reason itself, not only the log that may be shown below it.
    (reason,) = (line for line in output.splitlines() if line.startswith("failed: "))
    assert "No space left on device" in reason, output
    assert f"runs/{trial.trial_id}/" in reason, output
    assert "Traceback" not in messages, messages
    assert not leases(folder / "runs"), leases(folder / "runs")
    assert trial.checkpoint.exists()
    ballast.unlink()
    again = start(folder, command)
    again.communicate(timeout=300)
    assert again.returncode == 0, (folder / "messages").read_text()
    attempts = trial.attempts.read_text().splitlines()
    assert len(attempts) == 2, attempts
    assert '"step": 0,' not in attempts[1], "it began anew"
    assert trial.read_status()["status"] == "done"


def full_tmp(folder: Path) -> None:
    """What is planned cannot be handed over, for want of room: the one line says so."""
    temporary = folder / "temporary"
    mount("-t", "tmpfs", "-o", "size=1m", "none", str(temporary))
    os.environ["TMPDIR"] = str(temporary)
    fill(temporary / "ballast")
    # Room for the question, which is then told from no room for anything; none for the answer and the log.
    with (temporary / "ballast").open("r+b") as file:
        file.truncate(file.seek(0, 2) - 4096)
    code, _, messages = say(folder, [*TRIAL, "--steps", "3", "--out", "runs"])
    assert code == 2, (code, messages)
    assert messages.splitlines()[-1].startswith("ganbench: planning failed: "), messages
    assert "answer.json: No space left on device" in messages.splitlines()[-1], messages


def read_only(folder: Path) -> None:
    """What is done can be looked at; what would have to be written is one line, or one row."""
    command = [*TRIAL, "--steps", "3", "--seeds", "2", "--out", "runs"]
    run = start(folder, command)
    run.communicate(timeout=300)
    assert run.returncode == 0, (folder / "messages").read_text()
    runs = folder / "runs"
    trials = [TrialFolder(path.parent) for path in sorted(runs.glob("*/spec.json"))]

    # One trial's folder alone: it has failed, the other one stands.
    trials[0].write_status("failed", "for the test")
    lock(trials[0].path)
    code, output, _ = say(folder, command)
    assert code == 1, (code, output)
    assert "Read-only file system" in output, output
    assert "done" in output, output
    subprocess.run(["umount", str(trials[0].path)], check=True)

    # All of it: looked at as ever, written to never.
    lock(runs)
    again = [*TRIAL, "--steps", "3", "--seeds", f"{trials[1].read_spec().spec.seed},", "--out", "runs"]
    for words in (["results", "runs"], ["runs", "list"], ["runs", "show", trials[1].trial_id],
                  ["runs", "verify", trials[1].trial_id], again):  # fmt: skip
        code, output, messages = say(folder, words)
        assert code == 0, (words, code, output, messages)
        assert output, words
    for words in (command, ["runs", "prune", "--yes"]):
        code, output, messages = say(folder, words)
        assert code in (1, 2), (words, code, output, messages)
        assert "Read-only file system" in messages, (words, messages)
        assert "Traceback" not in messages, messages
        assert "unexpected" not in messages, messages
    assert trials[0].path.exists()


def say(folder: Path, words: list[str]) -> tuple[int, str, str]:
    """Run a command; return exit code, stdout and stderr."""
    (folder / "messages").unlink(missing_ok=True)
    run = start(folder, words)
    output, _ = run.communicate(timeout=300)
    return run.returncode, output, (folder / "messages").read_text()


def mount(*arguments: str) -> None:
    Path(arguments[-1]).mkdir(exist_ok=True)
    subprocess.run(["mount", *arguments], check=True)


def lock(path: Path) -> None:
    """Make a folder read-only, for root too."""
    mount("--bind", str(path), str(path))
    subprocess.run(["mount", "-o", "remount,ro,bind", str(path)], check=True)


def fill(path: Path) -> None:
    """Write a file until there is no room for another byte."""
    with path.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


if __name__ == "__main__":
    checks = {"full": full, "full-but-for-the-log": full_but_for_the_log, "full-tmp": full_tmp, "read-only": read_only}
    checks[sys.argv[1]](Path(sys.argv[2]))
