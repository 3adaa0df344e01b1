"""What the host asks of the worker before anything trains, and what it is answered.

The host knows names; only the worker, which has torch and the components' classes, knows what they declare. So a
plan is a request in one file and an answer in another. The answer lists the files it depends on: while none of them
has changed, the host need not ask again.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ganbench.grid import ComponentRequest, LossRequest
from ganbench.recipe import Policy
from ganbench.spec import Frozen, TrialSpec


class PlanRequest(Frozen):
    """A grid without its seeds."""

    losses: tuple[LossRequest, ...]
    architectures: tuple[ComponentRequest, ...]
    datasets: tuple[ComponentRequest, ...]
    policy: Policy = "paper"
    suite_recipe: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    images: Annotated[int, Field(ge=1)] | None = None
    metrics: tuple[ComponentRequest, ...] | None = None
    extractor: ComponentRequest | None = None
    num_samples: Annotated[int, Field(ge=2)] | None = None
    reference_split: str | None = None
    labels: Literal["balanced", "reference"] | None = None
    eval_every: Annotated[int, Field(ge=0)] | None = None
    baselines: bool = False
    data_root: str = "data"


class Planned(Frozen):
    """One cell of the grid: a trial with seed 0, and what to say about it."""

    spec: TrialSpec
    warnings: tuple[str, ...] = ()
    baseline: bool = False


class FileStamp(Frozen):
    """A file or folder as it was."""

    path: str
    size: int
    mtime_ns: int


class PlanAnswer(Frozen):
    """All cells, or the one line that says why there are none."""

    planned: tuple[Planned, ...] = ()
    error: str = ""
    files: tuple[FileStamp, ...] = ()
