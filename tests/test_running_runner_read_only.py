"""A folder of trials that cannot be written to: what is done there is shown, and nothing else is begun."""

import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import ganbench
from ganbench.executors import Job
from ganbench.spec import Execution, TrialFile
from ganbench.store.store import ReadOnly
from tests.fuzz.inputs import run_command
from tests.grids import Ending, Run
from tests.trials import make_spec, make_trial


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """What the system says there; root may write everywhere."""

    def refused(dir: Path, **_: Any) -> None:  # noqa: A002  # as tempfile calls it
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(dir))

    access = os.access
    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK and access(path, mode))
    return monkeypatch


def test_nobody_is_asked_for_what_is_done_nor_given_what_is_not(tmp_path: Path, read_only: pytest.MonkeyPatch) -> None:
    specs = [make_spec(seed=seed) for seed in range(2)]
    trials = [TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()) for spec in specs]
    make_trial(tmp_path, specs[0])
    submitted: list[Job] = []

    class Site(Ending):
        def submit(self, jobs: Iterable[Job]) -> None:
            submitted.extend(jobs)

    assert [row.status for row in Run(tmp_path, trials[:1], read_only).on(Site).rows()] == ["done"]
    with pytest.raises(ReadOnly, match=r"cannot write to .*: Read-only file system; choose another folder"):
        Run(tmp_path, trials, read_only).on(Site)
    assert (submitted, len(list(tmp_path.iterdir()))) == ([], 1)


def test_a_run_prints_the_table_and_a_dry_run_what_is_there(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    grid: dict[str, Any] = {"losses": "hinge", "architectures": "mlp[hidden=8,layers=1]", "datasets": "ring"}
    ganbench.run(**grid, steps=2, batch_size=8, device="cpu", quiet=True, out=tmp_path / "runs")
    request.getfixturevalue("read_only")
    words = ["run", "--losses", "hinge", "--arch", "mlp[hidden=8,layers=1]", "--dataset", "ring", "--steps", "2",
             "--batch-size", "8", "--device", "cpu"]  # fmt: skip
    code, table, _ = run_command([*words, "--format", "csv"], tmp_path)
    assert (code, len(table.splitlines())) == (0, 2)
    code, plan, _ = run_command([*words, "--dry-run"], tmp_path)
    assert (code or 0, plan.split()[0]) == (0, "done")
    for more in ([], ["--dry-run"]):
        code, output, message = run_command([*words, "--seeds", "2", *more], tmp_path)
        assert (code, output) == (2, "")
        assert message.splitlines()[-1].endswith("; choose another folder with --out")
