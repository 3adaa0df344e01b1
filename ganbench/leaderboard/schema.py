"""The one file of a leaderboard. ``docs/leaderboards.md`` describes it; a change of its meaning raises ``SCHEMA``."""

import json
import re
from pathlib import Path
from typing import Any, Literal, TypeGuard

from pydantic import ValidationError

from ganbench.errors import StoreError
from ganbench.files import digest, read_json
from ganbench.protocol import Protocol
from ganbench.records.schema import require_readable, why_unreadable
from ganbench.spec import SCHEMA as SPEC_SCHEMA
from ganbench.spec import STATUSES, Frozen, TrialSpec
from ganbench.store.results import Best
from ganbench.store.values import ValueInfo

SCHEMA = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a board is called: a name of files and of pages."""
AGAIN = "; restore the file, or build it again with 'ganbench leaderboard build'"
"""What to do about a file that is no longer as it was written."""

Numbers = dict[str, float | None]


class Evaluation(Frozen):
    """One evaluation during training: the step, real images seen, seconds trained, and what was measured."""

    step: int
    images: int
    seconds: float
    values: Numbers


class Measured(Frozen):
    """One protocol, and how its numbers are read."""

    protocol: Protocol
    values: dict[str, ValueInfo]


class Rerun(Frozen):
    """The same trial run again elsewhere. Its numbers are shown and rank nowhere.

    Attributes:
        environment: a key of the board's environments, or ``""``.
        status: how it ended.
        metrics: its last values.
        equal: whether status and values are exactly those of the trial.
    """

    environment: str
    status: str
    metrics: Numbers
    equal: bool


class Trial(Frozen):
    """One trial with everything that its numbers depend on.

    Attributes:
        trial_id: the hash of ``spec``, which is checked.
        dataset: what own data are called, which ``spec`` does not say; ``""`` for every other dataset.
        protocol: a key of the board's protocols, or ``""`` where it ended before it had one.
        environment: a key of the board's environments, or ``""``.
        determinism: what was done to make it repeatable, and how far.
        evaluations: every evaluation, in order.
        reruns: the same trial, run by others or again.
    """

    trial_id: str
    dataset: str = ""
    spec: TrialSpec
    status: str
    reason: str
    protocol: str
    environment: str
    determinism: dict[str, Any]
    metrics: Numbers
    best: dict[str, Best]
    area: dict[str, float]
    cost: Numbers
    warnings: tuple[str, ...]
    evaluations: tuple[Evaluation, ...]
    reruns: tuple[Rerun, ...] = ()


class Board(Frozen):
    """A leaderboard. Trials are ordered by dataset, architecture, loss, seed and name."""

    format: Literal["ganbench-leaderboard"] = "ganbench-leaderboard"
    schema_version: int = SCHEMA
    name: str
    suite: str
    protocols: dict[str, Measured]
    environments: dict[str, dict[str, Any]]
    trials: tuple[Trial, ...]

    @property
    def sha256(self) -> str:
        """The hash of all of it, printed on the pages."""
        return digest(self._content())

    def to_text(self) -> str:
        """The file's content: indented JSON with sorted keys, and its own hash, so that no edit goes unseen."""
        content = {**self._content(), "sha256": self.sha256}
        return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"

    def _content(self) -> dict[str, Any]:
        """All of it but what the first boards did not have, where it says nothing, for their hashes."""
        content = self.model_dump(mode="json")
        for trial in content["trials"]:
            if not trial["dataset"]:
                del trial["dataset"]
        return content


def is_board(content: object) -> TypeGuard[dict[str, Any]]:
    """Whether the content of a JSON file says that it is a leaderboard's, whatever has become of it."""
    return isinstance(content, dict) and content.get("format") == "ganbench-leaderboard"


def load(path: Path) -> Board:
    """Read a leaderboard's file.

    Raises:
        StoreError: missing, damaged, of another schema, edited by hand, or with a trial that is not what its name says.
    """
    content = read_json(path)
    if not is_board(content):
        raise StoreError(f"{path} is not a leaderboard; 'ganbench leaderboard build' makes one")
    _require_readable(content, path)
    claimed = content.pop("sha256", None)
    try:
        board = Board.model_validate(content)
        found = board.sha256
    except ValidationError as error:
        why = why_unreadable(error)
        raise StoreError(f"{path} is not a leaderboard: {why}{'' if 'upgrade' in why else AGAIN}") from error
    except ValueError as error:
        what = "values nested too deeply" if "depth" in str(error) else "a number that is not finite"
        raise _edited(path, f"it contains {what}") from error
    _check(path, board)
    if claimed != found:
        raise _edited(path, f"its content has the hash {found[:12]}, not {str(claimed)[:12]}")
    return board


def _edited(path: Path, how: str) -> StoreError:
    return StoreError(f"{path} was edited: {how}{AGAIN}")


def _require_readable(content: dict[str, Any], path: Path) -> None:
    """Look at the versions of the board and of its trials before anything else: what they mean is all that follows."""
    require_readable(content.get("schema_version"), f"{path} has", SCHEMA)
    trials = content.get("trials")
    for trial in trials if isinstance(trials, list) else ():
        spec = trial.get("spec") if isinstance(trial, dict) else None
        if isinstance(spec, dict):
            require_readable(spec.get("schema_version"), f"{path} contains trials whose specification has", SPEC_SCHEMA)


def _check(path: Path, board: Board) -> None:
    """Check that everything is what its name says, that trials name what is there, and that each is there once."""
    if not NAME.fullmatch(board.name):
        raise _edited(path, f"no board can have the name {board.name[:60]!r}")
    seen: set[str] = set()
    for trial in board.trials:
        if trial.spec.trial_id != trial.trial_id:
            raise _edited(path, f"{trial.trial_id} has the specification of {trial.spec.trial_id}")
        if trial.trial_id in seen:
            raise _edited(path, f"it contains {trial.trial_id} twice")
        seen.add(trial.trial_id)
        told = [(trial.status, trial.environment), *((one.status, one.environment) for one in trial.reruns)]
        for status, environment in told:
            if status not in STATUSES:
                raise _edited(path, f"{trial.trial_id} has the status {status!r}")
            if environment and environment not in board.environments:
                raise _edited(path, f"{trial.trial_id} names an environment that does not exist")
        if trial.protocol and trial.protocol not in board.protocols:
            raise _edited(path, f"{trial.trial_id} names a protocol that does not exist")
    for key, measured in board.protocols.items():
        if measured.protocol.key != key:
            raise _edited(path, f"protocol {key} is {measured.protocol.key}")
