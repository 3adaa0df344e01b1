"""What the tests of workers share: trials that run in this process, and are asked to stop at a step."""

import json
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.planning.suite import Suite, to_request
from ganbench.records.folder import TrialFolder
from ganbench.resolving.plans import answer
from ganbench.spec import Execution, TrialFile
from ganbench.worker.watcher import StopFlag

MLP = "mlp[hidden=16,layers=1]"


def planned(
    path: Path,
    architecture: str,
    *,
    dataset: str = "ring",
    loss: str = "vanilla",
    seeds: int = 3,
    steps: int = 40,
    every: int = 20,
    **recipe: Any,
) -> list[TrialFolder]:
    """The folders of a cell's trials, the first of which names the others beside it."""
    loaded = plugins.load()
    given = Suite(
        losses=(loss,), architectures=(architecture,), datasets=(dataset,), steps=steps, eval_every=every,
        batch_size=20, num_samples=200, recipe=recipe,
    )  # fmt: skip
    request, _ = to_request(Suite(), given, loaded.registry)
    plan = answer(request)
    assert plan.error == ""
    specs = [plan.planned[0].spec.model_copy(update={"seed": seed}) for seed in range(seeds)]
    folders = [TrialFolder(path / spec.trial_id) for spec in specs]
    for number, (folder, spec) in enumerate(zip(folders, specs, strict=True)):
        folder.path.mkdir(parents=True, exist_ok=True)
        beside = tuple(other.trial_id for other in folders[1:]) if number == 0 else ()
        execution = Execution(beside=beside, snapshots=2)
        folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))
    return folders


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


class StopAfter(StopFlag):
    """Asked for by every member after every step; says yes from the given time on."""

    def __init__(self, times: int) -> None:
        self._left = times

    def __getattr__(self, name: str) -> bool:
        assert name == "requested"
        self._left -= 1
        return self._left < 0
