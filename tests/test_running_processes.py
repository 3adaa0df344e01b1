"""A run as a whole: interrupted and gone on with, its worker killed, two of them on one folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganbench.records.folder import TrialFolder
from tests.faults import processes
from tests.faults.processes import alive, heed_signals, install_hostile, leases, wait_for_progress

ARGUMENTS = ["run", "--arch", "mlp[hidden=32,layers=1]", "--dataset", "ring", "--device", "cpu"]
TRAINED = [*ARGUMENTS, "--losses", "wgan-gp+lecam", "--set", "ema_decay=0.9,replay=256"]
WHOLE = [*TRAINED, "--steps", "1000", "--eval-every", "400"]
"""Long enough to be caught at its first steps, and short enough to be trained to its end."""
LONG = [*TRAINED, "--steps", "3000", "--eval-every", "1000"]
"""Longer than a second run needs to begin."""


def start(folder: Path, *arguments: str, out: str = "runs") -> subprocess.Popen[str]:
    environment = os.environ | {"GANBENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "ganbench", *arguments, "--out", out],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=heed_signals,
    )


def values(folder: TrialFolder) -> list[object]:
    """All that a trial wrote which must not depend on when it was interrupted."""
    import json

    def lines(path: Path, leave_out: set[str]) -> list[dict[str, object]]:
        records = [json.loads(line) for line in path.read_text().splitlines()]
        return [{key: value for key, value in record.items() if key not in leave_out} for record in records]

    return [
        folder.generator.read_bytes(),
        lines(folder.progress, {"seconds", "images_per_second", "memory", "device_free"}),
        lines(folder.metrics, {"seconds"}),
        lines(folder.snapshots, set()),
        folder.read_result()["metrics"],
    ]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_ends_as_one_that_was_not(tmp_path: Path) -> None:
    whole = start(tmp_path, *WHOLE, out="whole")
    assert whole.wait(300) == 0, whole.communicate()
    (reference,) = (TrialFolder(path.parent) for path in tmp_path.glob("whole/*/spec.json"))

    run = start(tmp_path, *WHOLE)
    folder = wait_for_progress(tmp_path)
    run.send_signal(signal.SIGINT)
    output, messages = run.communicate(timeout=120)
    assert run.returncode == 130, messages
    assert folder.read_status()["status"] == "interrupted"
    assert folder.checkpoint.exists()
    assert "interrupted" in output
    assert "resumes from" in messages

    again = start(tmp_path, *WHOLE)
    assert again.wait(300) == 0, again.communicate()
    assert values(folder) == values(reference)
    assert not folder.checkpoint.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_host_that_is_asked_to_end_lets_its_trial_write_a_checkpoint(tmp_path: Path, number: int) -> None:
    run = start(tmp_path, *LONG)
    folder = wait_for_progress(tmp_path)
    run.send_signal(number)
    output, messages = run.communicate(timeout=120)
    assert run.returncode == 130, messages
    assert folder.read_status()["status"] == "interrupted"
    assert folder.checkpoint.exists()
    assert "interrupted" in output
    assert "resumes from" in messages
    assert not leases(tmp_path)


@pytest.mark.slow
def test_the_second_interrupt_ends_at_once_what_does_not_stop(tmp_path: Path) -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc to see processes")
    words = [*ARGUMENTS, "--losses", "hangs", "--steps", "100", "--checkpoint-seconds", "0.01", "--out", "runs"]
    run = processes.start(tmp_path, words, install_hostile(tmp_path))
    folder = wait_for_progress(tmp_path)
    deadline = time.monotonic() + 60
    while "Hangs begins" not in "".join(folder.log_tail()) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    messages = tmp_path / "messages"
    while "press Ctrl-C again" not in messages.read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.poll() is None
    assert folder.read_status()["status"] == "running"
    run.send_signal(signal.SIGINT)
    began = time.monotonic()
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 130, messages.read_text()
    assert "stopping at once" in messages.read_text()
    assert time.monotonic() - began < 25, "it waited for the trial, which has 30 s after the first interrupt"
    assert "interrupted" in output
    assert folder.read_status()["status"] == "interrupted"
    assert folder.checkpoint.exists()  # it can be gone on from
    assert not alive(tmp_path)
    assert not leases(tmp_path)


@pytest.mark.slow
def test_a_killed_worker_costs_its_row_and_the_next_run_trains_it(tmp_path: Path) -> None:
    run = start(tmp_path, *WHOLE)
    folder = wait_for_progress(tmp_path)
    os.kill(folder.read_status()["pid"], signal.SIGKILL)
    output, messages = run.communicate(timeout=120)
    assert run.returncode == 1, messages
    assert "SIGKILL" in output
    assert folder.read_status()["status"] == "failed"
    again = start(tmp_path, *WHOLE)
    assert again.wait(300) == 0, again.communicate()


@pytest.mark.slow
def test_a_finished_trial_that_lost_a_file_is_done_or_said_to_be_trained_again(
    tmp_path: Path,
) -> None:
    words = [*ARGUMENTS, "--losses", "vanilla", "--steps", "3", "--batch-size", "16", "--num-samples", "200"]
    assert start(tmp_path, *words).wait(300) == 0
    (folder,) = (TrialFolder(path.parent) for path in tmp_path.glob("runs/*/spec.json"))
    restored, again = "its spec.json was lost or damaged; it is written again", "it had ended, but is trained again: "
    otherwise = ("--checkpoint-seconds", "50")  # it may have been planned with anything
    for lost, more, attempts, said in (
        (folder.status, (), 1, ""),
        (folder.spec, (), 1, restored),
        (folder.spec, otherwise, 2, f"{again}cannot read {folder.spec.relative_to(tmp_path)}"),
        (folder.result, otherwise, 3, f"{again}cannot read {folder.result.relative_to(tmp_path)}"),
    ):
        lost.unlink()
        run = start(tmp_path, *words, *more)
        _, messages = run.communicate(timeout=300)
        assert run.returncode == 0, messages
        assert len(folder.attempts.read_text().splitlines()) == attempts
        assert [text for text in (restored, again) if text in messages] == [
            text for text in (restored, again) if text in said
        ]
        assert said in messages


def test_no_process_outlives_a_killed_host(tmp_path: Path) -> None:
    run = start(tmp_path, *LONG)
    worker = wait_for_progress(tmp_path).read_status()["pid"]
    run.kill()
    run.communicate(timeout=60)
    deadline = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc to see processes")
    assert not Path(f"/proc/{worker}").exists()


@pytest.mark.slow
def test_two_runs_on_one_folder_train_a_trial_once(tmp_path: Path) -> None:
    first = start(tmp_path, *LONG)
    folder = wait_for_progress(tmp_path)
    worker = folder.read_status()["pid"]
    second = start(tmp_path, *LONG)
    tables = [run.communicate(timeout=300)[0] for run in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert tables[0] == tables[1]
    assert folder.read_status()["pid"] == worker
