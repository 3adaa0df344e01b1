"""How a trial that does not finish ends: its status, and the reason in one line."""

import sys
import traceback
from pathlib import Path

from ganbench import plan, plugins
from ganbench.errors import ChangedSincePlanning, Diverged, GanbenchError, StoreError
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.plugins.blame import with_blame
from ganbench.provenance.conditions import others
from ganbench.training.device_errors import is_out_of_memory
from ganbench.worker.recording import Recorder


def ended_by(error: BaseException, recorder: Recorder) -> str:
    """Write down what ended a trial early, on a full disk into the log alone; return its status."""
    folder, trial = recorder.folder, recorder.trial
    if isinstance(error, NonFiniteSamples):
        error = Diverged(str(error), recorder.step)
    if isinstance(error, Diverged):
        try:
            recorder.finish("diverged", str(error), step=error.step)
            return "diverged"
        except StoreError as problem:
            error = problem
    status = "failed"
    if is_out_of_memory(error):
        status = "out-of-memory"
        reason = f"batch_size={trial.spec.recipe.batch_size}, {recorder.memory_note()}: {plugins.one_line(error)}"
        if recorder.beside:
            reason = f"batched with {others(recorder.beside)} (without --batch-seeds less memory is needed), {reason}"
    elif isinstance(error, GanbenchError):
        reason = str(error)
        if isinstance(error, ChangedSincePlanning) and trial.execution.cache_dir:
            plan.forget(Path(trial.execution.cache_dir), error.planned)
    else:
        reason = with_blame(error, plugins.load())
        traceback.print_exception(error)
    try:
        folder.write_status(status, reason)
    except StoreError as problem:
        print(f"{reason} ({problem})", file=sys.stderr)
    return status
