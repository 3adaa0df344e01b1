"""What the host asks of the worker before anything trains, and what it is answered.

The host knows names; only the worker, which has torch and the components' classes, knows what they declare. So a
plan is a request in one file and an answer in another. The answer lists the files it depends on: while none of them
has changed, the host need not ask again.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from ganbench.grid import ComponentRequest, LossRequest
from ganbench.recipe import Policy
from ganbench.spec import Frozen, TrialSpec

PLANS = "plans"
"""The folder of answers in the cache's."""


class PlanRequest(Frozen):
    """A grid without its seeds.

    ``values`` are names of values that somebody will look for in the results; the metrics must give each of them.
    """

    losses: tuple[LossRequest, ...]
    architectures: tuple[ComponentRequest, ...]
    datasets: tuple[ComponentRequest, ...]
    policy: Policy = "paper"
    suite_recipe: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    images: Annotated[int, Field(ge=1)] | None = None
    metrics: tuple[ComponentRequest, ...] | None = None
    values: tuple[str, ...] = ()
    extractor: ComponentRequest | None = None
    num_samples: Annotated[int, Field(ge=2)] | None = None
    reference_split: str | None = None
    labels: Literal["balanced", "reference"] | None = None
    eval_every: Annotated[int, Field(ge=0)] | None = None
    baselines: bool = False
    data_root: str = "data"


class SourceRequest(Frozen):
    """Something that ganbench is to score: where it is (absolute), and what the user says of it.

    ``trial`` says that it is the folder of a trial. ``label`` is empty where none was given, ``seed`` says which
    training of that label it is, and is that of a generator's latents, and of the choice where a source holds more
    samples than are scored. The rest is as in :class:`ganbench.external.SourceSpec`.
    """

    path: str
    trial: bool = False
    label: str = ""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    latent_dim: Annotated[int, Field(ge=0)] = 0
    latent: Literal["", "normal", "uniform"] = ""
    value_range: Literal["", "-1:1", "0:1", "0:255"] = ""
    size: Annotated[int, Field(ge=0)] = 0
    channels: Literal[0, 1, 3] = 0


class SourcesRequest(Frozen):
    """Sources to be scored alike.

    Attributes:
        sources: what is scored.
        plan: the reference (its one dataset) and the metrics; it has no losses and no architectures.
        asked: whether the user named the number of samples, for the message where there are fewer.
        extractor_asked: whether the user named the extractor; else it is that of the trial that is scored as.
        device: where generators are tried.
        labels: those of conditional generators, where the user chose; else the plan says those of the trial that it
            scores as.
    """

    sources: tuple[SourceRequest, ...]
    plan: PlanRequest
    asked: bool = False
    extractor_asked: bool = False
    device: str = "cpu"
    labels: Literal["balanced", "reference"] | None = None

    @property
    def data_root(self) -> str:
        """The folder of data files."""
        return self.plan.data_root


class Planned(Frozen):
    """One cell of the grid: a trial with seed 0, and what to say about it.

    ``passes``, ``g_passes`` and ``data_at`` are as in :class:`ganbench.spec.Execution`. ``source`` is where the samples
    or the generator are of a trial that is only scored; it keeps its seed. ``values`` says how the values that the
    request names are declared, each with the fields of :class:`ganbench.api.Value`.
    """

    spec: TrialSpec
    warnings: tuple[str, ...] = ()
    baseline: bool = False
    passes: float = 1.0
    g_passes: float = 1.0
    source: str = ""
    data_at: dict[str, str] = {}
    values: dict[str, dict[str, Any]] = {}


class FileStamp(Frozen):
    """A file or folder as it was."""

    path: str
    size: int
    mtime_ns: int


class PlanAnswer(Frozen):
    """All cells, or the one line that says why there are none; with a traceback where nobody foresaw it.

    ``needed_steps`` is not 0 where there are too few steps: so many are enough, as far as the line goes. ``values`` is
    there where samples or weights cannot be read; it is as in :class:`Planned`.
    """

    planned: tuple[Planned, ...] = ()
    error: str = ""
    trace: str = ""
    needed_steps: int = 0
    values: dict[str, dict[str, Any]] | None = None
    files: tuple[FileStamp, ...] = ()


def forget(cache: Path, planned: str) -> None:
    """Drop all kept answers that name a fingerprint or SHA-256 which no longer holds.

    Their files had not changed, so there are some that nobody named: without this, each run would be told to plan anew,
    and take the same answer again.
    """
    for path in (cache / PLANS).glob("*.json"):
        with contextlib.suppress(OSError):
            if planned.encode() in path.read_bytes():
                path.unlink()
