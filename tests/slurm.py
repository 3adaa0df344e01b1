"""Slurm without a Slurm: a controller that answers as a test says."""

import subprocess

import pytest

from ganbench.executors import slurm_site as site


class Controller:
    """Stands for Slurm's programs: takes every submission, and says of all its jobs what the test sets."""

    def __init__(self) -> None:
        self.state, self.reason = "PENDING", "None"
        self.answers = True
        self.loses = False  # its answer to a submission, which it takes or not
        self.submitted: list[str] = []
        self.cancelled: list[str] = []

    def call(self, *command: str) -> "subprocess.CompletedProcess[str]":
        output = ""
        if command[0] == "sbatch" and "--test-only" not in command:
            if self.answers:
                self.submitted += [part.partition("=")[2] for part in command if part.startswith("--job-name=")]
            if self.loses or not self.answers:
                return subprocess.CompletedProcess(command, 1, "", "Unable to contact slurm controller")
        elif command[0] == "scancel":
            self.cancelled += [part for part in command[1:] if not part.startswith("-")]
        elif command[0] == "squeue" and not self.answers:
            return subprocess.CompletedProcess(command, 1, "", "Unable to contact slurm controller")
        elif command[0] == "squeue" and self.state:
            output = "\n".join(f"{n}_0|{name}|{self.state}|{self.reason}" for n, name in enumerate(self.submitted, 1))
        return subprocess.CompletedProcess(command, 0, output, "")


def put_in_place(monkeypatch: pytest.MonkeyPatch) -> Controller:
    """Let a new controller answer in the place of Slurm's programs."""
    found = Controller()
    monkeypatch.setattr(site, "call", found.call)
    monkeypatch.setattr("shutil.which", lambda program: program)
    return found
