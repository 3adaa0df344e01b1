"""Submissions to Slurm: the files of each, the array of jobs that it becomes, and a controller that may be away."""

import math
import os
import secrets
import shlex
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ganbench.errors import GanbenchError, UsageError
from ganbench.executors import Job, Settings
from ganbench.executors import slurm_site as site
from ganbench.executors.node import Task
from ganbench.files import write_json, write_text
from ganbench.processes.interpreter import safe_path
from ganbench.provenance.fingerprint import fingerprint
from ganbench.store.handed import Handed

SILENCE_SECONDS = 1800.0
"""How long the controller may be away before a run gives up waiting; its jobs go on."""


class Submissions:
    """Writes submissions under ``.slurm`` in the folder of trials, sends them, and looks for their jobs in the queue.

    Args:
        settings: the executor's.
        terms: its own options.

    Raises:
        UsageError: nothing can be submitted here, or Slurm could never run what is asked for; names the option.
    """

    def __init__(self, settings: Settings, terms: site.Terms) -> None:
        self._settings = settings
        self._terms = terms
        # What is asked of Slurm for every job.
        wanted = {name: value for name, value in settings.options.items() if name in site.SBATCH}
        self._request = ["--nodes=1", "--ntasks=1", *(f"--{name}={value}" for name, value in wanted.items())]
        self._silent_since: float | None = None
        for program in ("sbatch", "squeue", "scancel"):
            if shutil.which(program) is None:
                raise UsageError(f"there is no {program} here; run on a machine from which jobs are submitted to Slurm")
        answer = site.call("sbatch", "--test-only", *self._request, "--wrap=true")
        if answer.returncode != 0 and not site.gave_no_answer(answer.stderr):
            said = site.one_line(answer.stderr)
            if site.has_no_configuration(answer.stderr):
                raise UsageError(
                    f"Slurm is not set up here: {said}; run on a machine from which jobs are submitted to Slurm"
                )
            raise UsageError(f"Slurm cannot run this: {said}; change --slurm")
        self._expected = fingerprint()

    def write(self, packs: Sequence[Sequence[Job]], attempts: int) -> str:
        """Write what the jobs of a submission are told, one job for each pack; return the submission's name.

        ``attempts`` says how often each trial may start.
        """
        settings, terms = self._settings, self._terms
        submission = f"{time.strftime('%m%d-%H%M%S')}-{secrets.token_hex(3)}"
        folder = self._folder(submission)
        task = Task(
            executor="slurm",
            submission=submission,
            packs=tuple(tuple(str(job.folder.absolute()) for job in pack) for pack in packs),
            folder=str(Path.cwd()),
            device=settings.device,
            threads=settings.threads,
            per_device=settings.per_device,
            timeout=settings.timeout,
            memory_limit=settings.memory_limit,
            attempts=attempts,
            deadline=time.time() + terms.deadline if math.isfinite(terms.deadline) else None,
            expected=self._expected,
        )
        write_json(folder / "task.json", task.model_dump(mode="json"))
        source = f". {shlex.quote(str(terms.setup.absolute()))}\n" if terms.setup else ""
        # Quoted, a ~ would be a name to the shell that runs the job.
        python = shlex.quote(os.path.expanduser(settings.options.get("python", sys.executable)))
        flags = "".join(f" {flag}" for flag in safe_path())
        # `exec`: the signal that Slurm sends to the batch shell reaches Python.
        write_text(
            folder / "job.sh",
            f"#!/bin/sh\n{source}exec {python}{flags} -m ganbench.executors.node "
            f'{shlex.quote(str(folder / "task.json"))} "$SLURM_ARRAY_TASK_ID"\n',
        )
        return submission

    def send(self, submission: str, parts: int) -> bool:
        """Call sbatch; false where the controller does not answer, so that nobody knows whether it took the jobs.

        Raises:
            UsageError: it refused them.
            GanbenchError: it has not answered for :data:`SILENCE_SECONDS`.
        """
        folder = self._folder(submission)
        limit = f"%{max(1, self._settings.slots // self._at_once())}" if self._settings.slots else ""
        answer = site.call(
            "sbatch", "--parsable", f"--array=0-{parts - 1}{limit}", f"--job-name={site.PREFIX}{submission}",
            "--requeue", "--open-mode=append", f"--output={folder}/%a.log", f"--chdir={Path.cwd()}",
            f"--signal=B:TERM@{self._terms.warning}", *self._request, str(folder / "job.sh"),
        )  # fmt: skip
        if answer.returncode == 0:
            self._silent_since = None
        elif site.gave_no_answer(answer.stderr):
            self._note_silence(answer.stderr)
        else:
            raise UsageError(f"sbatch refused the job: {site.one_line(answer.stderr)}; change --slurm")
        return answer.returncode == 0

    def queue(self) -> Mapping[tuple[str, int], site.Place] | None:
        """Every element of our arrays that Slurm knows, by submission and index; ``None``: it does not answer.

        Raises:
            GanbenchError: it has not answered for :data:`SILENCE_SECONDS`.
        """
        answer = site.call(*site.QUEUE)
        if answer.returncode != 0:
            self._note_silence(answer.stderr)
            return None
        self._silent_since = None
        return site.places(answer.stdout)

    def last_line(self, handed: Handed) -> str:
        """What a job printed last, as the end of a sentence; empty where it printed nothing."""
        try:
            text = (self._folder(handed.submission) / f"{handed.index}.log").read_text("utf-8", errors="replace")
        except OSError:
            return ""
        said = [line.strip() for line in text.splitlines() if line.strip()]
        return f"; the last line of its output: {said[-1]}" if said else ""

    def _at_once(self) -> int:
        """How many trials a job runs at once: of more in its pack the others wait for these."""
        settings = self._settings
        return min(self._terms.pack, site.side_by_side(settings.options, settings.device, settings.per_device))

    def _folder(self, submission: str) -> Path:
        return (self._settings.out / ".slurm" / submission).absolute()

    def _note_silence(self, error: str) -> None:
        now = time.monotonic()
        self._silent_since = self._silent_since or now
        if now - self._silent_since > SILENCE_SECONDS:
            raise GanbenchError(
                f"Slurm's controller has not answered for {SILENCE_SECONDS / 60:.0f} minutes "
                f"({site.one_line(error)}); its jobs continue, and the same command collects them"
            )
