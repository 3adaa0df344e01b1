"""Where a leaderboard's trials come from: folders of trials, and other leaderboards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ganbench.errors import StoreError
from ganbench.files import canonical, digest, read_lines
from ganbench.leaderboard.schema import Board, Evaluation, Measured, Rerun, Trial, load
from ganbench.records.finding import folder_within
from ganbench.records.folder import TrialFolder
from ganbench.spec import FINAL
from ganbench.store.results import SUCCESS, Row, computed_by, order, read_rows
from ganbench.store.values import values_in_order
from ganbench.store.verification import require_intact

SUFFIXES = (".json", ".md", ".csv", ".html")
"""Of a leaderboard's files: the board itself and its pages."""
UNFINISHED = ("pending", "running", "interrupted")
_MACHINE = ("device", "device_name", "instructions", "versions", "threads", "python", "platform", "cuda")


@dataclass
class Source:
    """Trials with the protocols and environments that they name, and the suite that a board names."""

    trials: list[Trial] = field(default_factory=list)
    protocols: dict[str, Measured] = field(default_factory=dict)
    environments: dict[str, dict[str, Any]] = field(default_factory=dict)
    suite: str = ""


def read_source(path: Path) -> Source:
    """Read a folder of trials or a leaderboard, named by any of its files or without a suffix.

    Raises:
        StoreError: there is none, it cannot be read in full (a leaderboard never leaves a trial out silently), or a
            finished trial is not what its manifest says was written.
    """
    if path.is_dir():
        return _from_folder(path)
    found = file_of(path)
    if not found.is_file():
        if path.exists():
            raise StoreError(f"{path} is neither a folder of trials nor the .json of a leaderboard")
        raise StoreError(f"there is no folder of trials or leaderboard at {path}")
    board = load(found)
    return Source(list(board.trials), dict(board.protocols), dict(board.environments), board.suite)


def file_of(board: Path) -> Path:
    """The file of a leaderboard that is named by it, by one of its pages, or without a suffix."""
    stem = board.with_suffix("") if board.suffix in SUFFIXES else board
    return stem.with_name(f"{stem.name}.json")


def board_in(folder: Path) -> Path | None:
    """The first leaderboard of a folder, without a suffix; ``None`` where it has none."""
    found = (file for file in sorted(folder.glob("*.json")) if file.with_suffix(".csv").is_file())
    return next((file.with_suffix("") for file in found), None)


def rows_of(board: Board | Source) -> list[Row]:
    """Rows as tables take them, with what computed them. A row's folder is the trial's name: there is no other."""
    return [
        _row(trial, board.protocols.get(trial.protocol), board.environments.get(trial.environment, {}))
        for trial in board.trials
    ]


def finished_rows_of(path: Path) -> list[Row]:
    """The rows of a folder of trials or of a leaderboard.

    Raises:
        StoreError: as :func:`read_source`; also where a trial has not ended: its score is not known, which is not the
            same as none.
    """
    rows = rows_of(read_source(path))
    _require_finished(rows, f"trials of {path}", "")
    return rows


def _require_finished(trials: Sequence[Row | Trial], what: str, otherwise: str) -> None:
    unfinished = [trial.trial_id for trial in trials if trial.status in UNFINISHED]
    if unfinished:
        are, them, more = ("are", "them", ", ...") if len(unfinished) > 1 else ("is", "it", "")
        raise StoreError(
            f"{len(unfinished)} of {len(trials)} {what} {are} unfinished ({unfinished[0]}{more}): run again to finish "
            f"{them}{otherwise}"
        )


def merge(sources: Sequence[Source], *, partial: bool) -> Source:
    """Bring sources together, each trial once.

    Of a trial that several have, the first that came to an end ranks. The others are kept as re-runs, with whether
    they are exactly equal.

    Raises:
        StoreError: two runs of a trial contradict each other though one of them must be wrong (the same processor with
            the same instructions, threads and versions gave different numbers), or trials are unfinished and
            ``partial`` is not asked for.
    """
    merged = Source()
    attempts: dict[str, list[Trial]] = {}
    for source in sources:
        merged.protocols |= {key: value for key, value in source.protocols.items() if key not in merged.protocols}
        merged.environments |= source.environments
        for trial in source.trials:
            attempts.setdefault(trial.trial_id, []).append(trial)
    merged.trials = [_settle(found, merged.environments) for found in attempts.values()]
    if not partial:
        _require_finished(merged.trials, "trials", ", or include them with --partial")
    places = {row.trial_id: order(row) for row in rows_of(merged)}
    merged.trials.sort(key=lambda trial: places[trial.trial_id])
    return merged


def to_board(name: str, source: Source, suite: str = "") -> Board:
    """The board of merged trials, with the protocols and environments that they name and no others."""
    protocols = {trial.protocol for trial in source.trials}
    environments = {trial.environment for trial in source.trials}
    environments |= {rerun.environment for trial in source.trials for rerun in trial.reruns}
    return Board(
        name=name,
        suite=suite,
        protocols={key: value for key, value in sorted(source.protocols.items()) if key in protocols},
        environments={key: value for key, value in sorted(source.environments.items()) if key in environments},
        trials=tuple(source.trials),
    )


def _from_folder(path: Path) -> Source:
    rows, complaints = read_rows(path)
    if complaints:
        raise StoreError(
            f"{complaints[0]} ({len(complaints)} unreadable in {path}); run their grid again, which restores or "
            "retrains them, or remove their folders"
        )
    source = Source()
    for row in rows:
        _add(source, row)
    if not source.trials:
        board = board_in(path)
        hint = f"; name one of its leaderboards, e.g. {board}" if board else ""
        if (below := folder_within(path)) is not None:
            hint = f"; name the folder of trials in it, e.g. {below}"
        raise StoreError(f"there are no trials in {path}{hint}")
    return source


def _add(source: Source, row: Row) -> None:
    folder = TrialFolder(row.folder)
    if row.status in FINAL:
        require_intact(folder, row.trial_id)
    result = folder.read_result()
    # A result that tells of another end than the status belongs to an earlier attempt.
    current = result if result.get("status") == row.status else {}
    environment, determinism = current.get("environment") or {}, current.get("determinism") or {}
    evaluations = _evaluations(folder)
    _require_finite([environment, determinism], folder.result)
    _require_finite([one.model_dump() for one in evaluations], folder.metrics)
    key = digest(environment)[:8] if environment else ""
    if key:
        source.environments[key] = environment
    protocol = row.protocol.key if row.protocol else ""
    if row.protocol is not None:
        source.protocols.setdefault(protocol, Measured(protocol=row.protocol, values=dict(row.values)))
    source.trials.append(
        Trial(
            trial_id=row.trial_id,
            dataset=row.named,
            spec=row.spec,
            status=row.status,
            reason=row.reason,
            protocol=protocol,
            environment=key,
            determinism=determinism,
            metrics=dict(row.metrics),
            best=dict(row.best),
            area=dict(row.area),
            cost=dict(row.cost),
            warnings=row.warnings,
            evaluations=evaluations,
        )
    )


def _require_finite(content: object, file: Path) -> None:
    """No worker writes infinity or NaN, and a board is JSON, which has neither."""
    try:
        canonical(content)
    except ValueError as error:
        raise StoreError(f"{file} contains a number that is not finite; remove the trial and run it again") from error


def _evaluations(folder: TrialFolder) -> tuple[Evaluation, ...]:
    try:
        return tuple(Evaluation.model_validate(line) for line in read_lines(folder.metrics))
    except ValidationError as error:
        raise StoreError(f"{folder.metrics} does not contain evaluations; remove the trial and run it again") from error


def _settle(attempts: Sequence[Trial], environments: Mapping[str, dict[str, Any]]) -> Trial:
    """The first attempt that came to an end; the others as its re-runs."""
    alone = [trial.model_copy(update={"reruns": ()}) for trial in attempts]
    first = next((trial for trial in alone if trial.status in FINAL), alone[0])
    reruns: list[Rerun] = []
    for trial, without in zip(attempts, alone, strict=True):
        copy = without == first
        reruns += (
            rerun.model_copy(update={"equal": _numbers(first)[1:] == (rerun.status, rerun.metrics)})
            for rerun in trial.reruns
            # Another attempt may have been recorded with the one that ranks here as its re-run.
            if copy or (rerun.environment, rerun.status, rerun.metrics) != _numbers(first)
        )
        if not copy and without.status not in UNFINISHED:
            reruns.append(_rerun(first, without, environments))
    unique = {rerun.model_dump_json(): rerun for rerun in reruns}
    return first.model_copy(update={"reruns": tuple(unique[key] for key in sorted(unique))})


def _rerun(first: Trial, other: Trial, environments: Mapping[str, dict[str, Any]]) -> Rerun:
    """Another attempt beside the one that ranks; refused where the two had to be equal and are not."""
    equal = other.status == first.status and _values(other) == _values(first)
    # One that came to an end ranks before those that did not: where the other one has, so has the first.
    if not equal and other.status in FINAL and _must_agree(first, other, environments):
        raise StoreError(
            f"two runs of {first.trial_id} on the same processor with the same versions and threads differ "
            f"in {_difference(first, other)}: one of them was changed, or the trial is not deterministic; run it again"
        )
    return Rerun(environment=other.environment, status=other.status, metrics=other.metrics, equal=equal)


def _difference(first: Trial, other: Trial) -> str:
    """What two runs differ in, with both values where there are two to show: ``fid (1.0 and 1.2)``."""
    for name, value in first.metrics.items():
        if other.metrics.get(name) != value:
            return f"{name} ({value} and {other.metrics.get(name, other.status)})"
    if first.status != other.status:
        return f"status ({first.status} and {other.status})"
    return "the evaluations during training"


def _numbers(trial: Trial) -> tuple[str, str, dict[str, float | None]]:
    return trial.environment, trial.status, trial.metrics


def _values(trial: Trial) -> tuple[object, ...]:
    """Every number of a trial that a board shows and time has no part in."""
    steps = tuple((one.step, one.values) for one in trial.evaluations)
    return trial.metrics, trial.best, trial.area, steps


def _must_agree(one: Trial, other: Trial, environments: Mapping[str, dict[str, Any]]) -> bool:
    """Whether the two ran where equal numbers are promised: on a CPU, the same with the same versions and threads.

    One that was batched with other seeds, or computed in parts under other conditions, is equal up to rounding only.
    """
    if any(trial.cost.get("beside") or trial.determinism.get("parts") for trial in (one, other)):
        return False
    a, b = environments.get(one.environment, {}), environments.get(other.environment, {})
    return a.get("device") == "cpu" and all(a.get(name) == b.get(name) for name in _MACHINE)


def _row(trial: Trial, measured: Measured | None, environment: Mapping[str, Any]) -> Row:
    spec, done = trial.spec, trial.status == SUCCESS
    return Row(
        trial_id=trial.trial_id,
        folder=Path(trial.trial_id),
        spec=spec,
        status=trial.status,
        reason="" if done else trial.reason,
        metrics=trial.metrics,
        best=trial.best,
        area=trial.area,
        values=values_in_order(measured.values, spec) if measured else {},
        protocol=measured.protocol if measured else None,
        cost=trial.cost,
        warnings=trial.warnings,
        named=trial.dataset,
        **computed_by(environment),
    )
