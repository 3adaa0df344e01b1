"""From trial folders to rows: what a table, a leaderboard or a data frame is made of."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from ganbench.errors import StoreError
from ganbench.files import as_number, is_regular, read_json
from ganbench.protocol import Protocol, scored_by
from ganbench.records.folder import TrialFolder
from ganbench.records.locations import shown
from ganbench.records.schema import upgrade, why_unreadable
from ganbench.spec import Component, TrialFile, TrialSpec
from ganbench.store.handed import GONE, left_behind
from ganbench.store.listing import trial_paths
from ganbench.store.values import ValueInfo, values_in_order

SUCCESS = "done"


class Best(BaseModel):
    """The best value over a trial's evaluations and the step it was reached at."""

    model_config = ConfigDict(frozen=True)

    value: float
    step: int


class _Result(BaseModel):
    """What is read of ``result.json``. What a later version adds is left alone."""

    schema_version: int
    trial_id: str
    status: str
    metrics: dict[str, float | None] = {}
    best: dict[str, Best] = {}
    area: dict[str, float] = {}
    values: dict[str, ValueInfo] = {}
    protocol: Protocol
    cost: dict[str, float | None] = {}
    environment: dict[str, Any] = {}
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One trial.

    A trial that is not done has no ``metrics``, ``best`` and ``area``, and a ``reason``; so has one that says it runs
    or waits and whose run was killed. ``values`` is in the order in which the metrics were asked for and declare them.
    ``cost`` is in seconds, bytes and real images per second. ``log`` is the end of the worker's log, kept only where it
    explains a failure. ``device`` is the kind of GPU or processor it ran on, ``instructions`` and ``threads`` those of
    a processor (``""`` for a GPU), ``versions`` those of the packages and the code that computed it, as far as its
    result says. ``named`` is what its dataset is called where the specification does not say where the samples lie.
    ``since`` is when its status was written, in seconds since 1970; ``None`` where unknown.
    """

    trial_id: str
    folder: Path
    spec: TrialSpec
    status: str
    reason: str
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    best: Mapping[str, Best] = field(default_factory=dict)
    area: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, ValueInfo] = field(default_factory=dict)
    protocol: Protocol | None = None
    cost: Mapping[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    log: tuple[str, ...] = ()
    samples: Path | None = None
    device: str = ""
    instructions: str = ""
    threads: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    named: str = ""
    since: float | None = field(default=None, compare=False)

    @property
    def done(self) -> bool:
        """Whether there are numbers."""
        return self.status == SUCCESS

    @property
    def loss(self) -> str:
        """The loss with its penalties, as a user would type it; the baselines say what they are."""
        return self.spec.loss_label

    @property
    def architecture(self) -> str:
        """The architecture as a user would type it; ``-`` where there is none."""
        return self.spec.architecture_label

    @property
    def dataset(self) -> str:
        """The dataset as a user would type it, of a path the last name."""
        return self.named or self.spec.data.component.label

    @property
    def seed(self) -> int:
        """The seed."""
        return self.spec.seed

    @property
    def baseline(self) -> str:
        """``real``, ``untrained`` or ``external``; empty for what is ranked."""
        return self.spec.baseline

    @cached_property
    def recipe(self) -> Mapping[str, Any]:
        """The resolved recipe."""
        return self.spec.recipe.model_dump(mode="json")

    @cached_property
    def components(self) -> Mapping[str, Component]:
        """Every component by its role."""
        evaluation = self.spec.evaluation
        roles: list[tuple[str, Component | None]] = [("loss", self.spec.loss)]
        roles += [(f"penalty {part.name}", part) for part in self.spec.penalties]
        roles += [(f"augmentation {part.name}", part) for part in self.spec.augmentations]
        roles += [("architecture", self.spec.architecture), ("dataset", self.spec.data.component)]
        roles += [(f"metric {part.name}", part) for part in evaluation.metrics]
        roles.append(("extractor", evaluation.extractor))
        return {role: component for role, component in roles if component is not None}

    @property
    def name(self) -> str:
        """The trial in words: ``wgan-gp · dcgan · digits · seed 0``."""
        return _in_words(self.spec, self.dataset)


def trial_label(trial: TrialFile) -> str:
    """A trial in words, for a line of progress or a note."""
    return _in_words(trial.spec, dataset_name(trial))


def dataset_name(trial: TrialFile) -> str:
    """What a trial's dataset is called: as a user would type it, of a path the last name."""
    return shown(trial.spec.data.component, trial.execution.data_at)


def named_after(trial: TrialFile) -> str:
    """What a trial's dataset is called after the place where its samples lie; empty where it has none."""
    return dataset_name(trial) if trial.execution.data_at else ""


def _in_words(spec: TrialSpec, dataset: str) -> str:
    parts = [spec.loss_label, spec.architecture_label, dataset, f"seed {spec.seed}"]
    return " · ".join(part for part in parts if part != "-")


def read_row(folder: TrialFolder, *, trial: TrialFile | None = None, state: Mapping[str, Any] | None = None) -> Row:
    """Read one trial; ``trial`` and ``state`` are its specification and status where they were read a moment ago.

    Raises:
        StoreError: the folder is not a trial's, was renamed, is damaged, or says it is done and has no result.
    """
    trial = folder.read_spec() if trial is None else trial
    if trial.trial_id != folder.path.resolve().name:
        advice = "; rename the folder to that name"
        if folder.path.with_name(trial.trial_id).exists():
            advice = ", which has a folder of that name too; remove one of them"
        raise StoreError(f"{folder.path} contains the trial {trial.trial_id}{advice}")
    spec = trial.spec
    state = folder.read_status() if state is None else state
    status, reason = str(state["status"]), " ".join(str(state["reason"]).split())
    reason = GONE if left_behind(folder, status) else reason
    done = status == SUCCESS
    result = _read_result(folder, trial.trial_id, required=done)
    if done and result is not None and result.status != SUCCESS:
        raise StoreError(f"{folder.path} is done in status.json but {result.status} in result.json; remove it")
    # A result that tells of another end than the status belongs to an earlier attempt: only its protocol still holds.
    current = result if result is not None and result.status == status else None
    scored = current if done else None
    values = values_in_order(result.values, spec) if result else {}
    return Row(
        trial_id=trial.trial_id,
        folder=folder.path,
        spec=spec,
        status=status,
        reason="" if done else reason,
        metrics={name: _finite(scored.metrics.get(name)) for name in values} if scored else {},
        best={name: best for name, best in scored.best.items() if math.isfinite(best.value)} if scored else {},
        area={name: area for name, area in scored.area.items() if math.isfinite(area)} if scored else {},
        values=values,
        # Results of older versions name no packages.
        protocol=result.protocol.model_copy(update=scored_by(spec.evaluation)) if result else None,
        cost={name: _finite(value) for name, value in current.cost.items()} if current else {},
        warnings=tuple(dict.fromkeys(current.warnings if current else trial.warnings)),
        log=() if done or status == "pending" else tuple(folder.log_tail()),
        samples=folder.samples if done and is_regular(folder.samples) else None,
        named=named_after(trial),
        since=as_number(state.get("time")),
        **computed_by(current.environment if current else {}),
    )


def row_of_failure(folder: TrialFolder, trial: TrialFile, status: str, reason: str) -> Row:
    """The row of a trial whose folder cannot tell: what happened could not be written there."""
    return Row(
        trial_id=trial.trial_id,
        folder=folder.path,
        spec=trial.spec,
        status=status,
        reason=" ".join(reason.split()),
        warnings=trial.warnings,
        log=tuple(folder.log_tail()),
        named=named_after(trial),
    )


def read_rows(runs: Path) -> tuple[list[Row], list[str]]:
    """Read all trials of a folder of runs, or the one trial whose folder this is.

    Returns:
        the rows, ordered by dataset, architecture, loss, seed and name; and a line for each folder that could not be
        read, or has another copy of a trial. Folders that have none of a trial's files are passed over.

    Raises:
        StoreError: there is no such folder, or it cannot be listed.
    """
    rows: dict[str, Row] = {}
    complaints: list[str] = []
    for path in sorted(trial_paths(runs), key=Path.is_symlink):  # of two copies the one that lies here counts
        try:
            row = read_row(TrialFolder(path))
            if (other := rows.setdefault(row.trial_id, row)) is not row:
                complaints.append(f"{path} is another copy of the trial in {other.folder}; remove one of them")
        except StoreError as error:
            complaints.append(str(error))
    return sorted(rows.values(), key=order), complaints


def order(row: Row) -> tuple[str, str, str, int, str]:
    """The order of rows that does not depend on when or where they ran."""
    data = row.spec.data
    # What own data are called depends on where they lay.
    dataset = f"{data.component.label} {data.fingerprint}" if row.named else row.dataset
    return dataset, row.architecture, row.loss, row.seed, row.trial_id


def _read_result(folder: TrialFolder, trial_id: str, *, required: bool) -> _Result | None:
    """The result, or ``None`` where there is none and none is needed; a damaged one is never taken for none."""
    if not required and not folder.result.exists():
        return None
    try:
        content = read_json(folder.result, links=False)
        if isinstance(content, dict):
            content = upgrade("result", content, folder.result)
        result = _Result.model_validate(content)
    except ValidationError as error:
        raise StoreError(f"{folder.result} is not a trial's result: {why_unreadable(error)}") from error
    if result.trial_id != trial_id:
        raise StoreError(f"{folder.result} is the result of another trial, {result.trial_id}")
    return result


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def computed_by(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says of the environment that a result records: device, instructions, threads and versions."""
    on_cpu = environment.get("device") == "cpu"
    return {
        "device": str(environment.get("device_name") or ""),
        "instructions": str(environment.get("instructions") or ""),
        "threads": str(environment.get("threads") or "") if on_cpu else "",
        "versions": _texts(environment.get("versions")),
    }


def _texts(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, Mapping) else {}
