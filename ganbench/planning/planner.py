"""Ask the worker for a plan, or take the answer it gave before if nothing that it depends on has changed."""

import contextlib
import os
from collections.abc import Callable
from importlib.metadata import distributions
from pathlib import Path

from pydantic import ValidationError

from ganbench.errors import GanbenchError, NotAtHand, StoreError, TooFewSteps, UsageError
from ganbench.files import digest, read_json, write_json
from ganbench.plan import PLANS, PlanAnswer, Planned, PlanRequest, SourcesRequest
from ganbench.processes.server import Server, WorkerTraceback, temporary_folder

PLAN_SECONDS = 3600.0


def cache_folder() -> Path | None:
    """Where plans and references are kept: ``GANBENCH_CACHE``, or ``ganbench`` in the user's cache folder.

    ``None`` where that is in a home folder that nobody knows: a container's user has perhaps neither ``HOME`` nor a
    name. Nothing is kept then.
    """
    chosen = os.environ.get("GANBENCH_CACHE")
    try:
        if chosen:
            return Path(chosen).expanduser()
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ganbench"
    except RuntimeError:
        return None


def plan(request: PlanRequest | SourcesRequest, server: Callable[[], Server]) -> tuple[Planned, ...]:
    """Return the cells of the grid.

    Args:
        request: the grid, or sources to be scored.
        server: opens the worker's process; called only if the answer is not known.

    Raises:
        UsageError: the one line that says why the grid cannot be run; a :class:`TooFewSteps` where more steps would do,
            a :class:`NotAtHand` where samples or weights cannot be read.
    """
    cache = cache_folder()
    path = cache and cache / PLANS / f"{digest([request.model_dump(mode='json'), _surroundings()])}.json"
    answer = _known(path) if path else None
    if answer is None:
        answer = _ask(request, server())
        if path and not answer.error:
            # A cache that cannot be written is no reason not to train.
            with contextlib.suppress(StoreError):
                write_json(path, answer.model_dump(mode="json"))
    if answer.values is not None:
        raise NotAtHand(answer.error, answer.values)
    if answer.needed_steps:
        raise TooFewSteps(answer.error, answer.needed_steps)
    if answer.error:
        raise UsageError(answer.error) from (WorkerTraceback(answer.trace) if answer.trace else None)
    return answer.planned


def _known(path: Path) -> PlanAnswer | None:
    try:
        answer = PlanAnswer.model_validate(read_json(path))
    except (StoreError, ValidationError):
        return None
    for stamp in answer.files:
        try:
            status = os.stat(stamp.path)
        except OSError:
            return None
        if (status.st_size, status.st_mtime_ns) != (stamp.size, stamp.mtime_ns):
            return None
    return answer


def _ask(request: PlanRequest | SourcesRequest, server: Server) -> PlanAnswer:
    task = "resolve" if isinstance(request, PlanRequest) else "resolve-sources"
    with temporary_folder() as folder:
        question, reply, log = (folder / name for name in ("request.json", "answer.json", "log"))
        write_json(question, request.model_dump(mode="json"))
        code, last_line = server.run(task, [str(question), str(reply)], log, PLAN_SECONDS)
        try:
            return PlanAnswer.model_validate(read_json(reply))
        except StoreError as error:
            raise GanbenchError(f"planning failed: {last_line or f'exit code {code}'}") from error


def _surroundings() -> list[str]:
    """What else an answer depends on: the installed packages, and settings in the environment."""
    packages = sorted({f"{found.name} {found.version}" for found in distributions()})
    settings = sorted(f"{key}={value}" for key, value in os.environ.items() if key.startswith(("GANBENCH_", "TORCH_H")))
    return [os.getcwd(), *packages, *settings]
