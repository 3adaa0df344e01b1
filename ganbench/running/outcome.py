"""What became of a run: a row for every trial that was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ganbench.errors import StoreError
from ganbench.records.folder import TrialFolder
from ganbench.spec import TrialFile
from ganbench.store.results import Row, named_after, read_row, row_of_failure


@dataclass
class Outcome:
    """What became of a grid.

    Attributes:
        trials: what was asked for, in that order.
        folders: theirs, in the same order.
        unwritten: status and reason of trials that could not be written to their folders.
        interrupted: whether it was.
        detached: where trials were left to run, in one line; empty where all have ended.
    """

    trials: list[TrialFile] = field(default_factory=list)
    folders: list[TrialFolder] = field(default_factory=list)
    unwritten: dict[str, tuple[str, str]] = field(default_factory=dict)
    interrupted: bool = False
    detached: str = ""

    def rows(self) -> list[Row]:
        """A row for every trial, whatever became of it."""
        rows = []
        for trial, folder in zip(self.trials, self.folders, strict=True):
            if trial.trial_id in self.unwritten:
                rows.append(row_of_failure(folder, trial, *self.unwritten[trial.trial_id]))
                continue
            try:
                # Of a trial that was there already the samples may lie elsewhere now: it is named as it was asked for.
                rows.append(replace(read_row(folder), named=named_after(trial)))
            except StoreError as error:
                rows.append(row_of_failure(folder, trial, "failed", str(error)))
        return rows

    def exit_code(self, rows: Sequence[Row]) -> int:
        """The exit code of a command that ran it: 0 if all trials are done, 1 if some are not, 130 if interrupted.

        Args:
            rows: what :meth:`rows` returned, which reads every folder.
        """
        if self.interrupted:
            return 130
        return 0 if all(row.done for row in rows) else 1
