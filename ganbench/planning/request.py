"""What a run is asked for: a grid with its seeds, and how to run it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ganbench.executors import AUTO, Wish
from ganbench.grid import ComponentRequest
from ganbench.places import place
from ganbench.plan import PlanRequest, SourcesRequest
from ganbench.planning.arguments import plain, size
from ganbench.spec import Frozen

_YesNo = Annotated[bool, Field(strict=True), BeforeValidator(plain)]
_Seconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), BeforeValidator(plain)]


def _found_out(value: Any) -> Any:
    value = plain(value)
    if isinstance(value, str) and value != "auto":
        raise ValueError("must be a whole number or 'auto'")
    return AUTO if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """Indices of devices are numbers or texts."""
    value = plain(value)
    if isinstance(value, str | bytes | bytearray | Mapping) or not isinstance(value, Iterable):
        return value
    items = plain(list(value))
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        raise ValueError("must be a list of GPUs, such as [0, 1]")
    return tuple(map(str, items))


class RunRequest(Frozen):
    """A grid with its seeds, and how to run it.

    Attributes:
        plan: the grid without its seeds, or sources to be scored.
        seeds: one trial of each cell per seed; what is only scored keeps its own.
        out: the folder of trials.
        out_option: what chooses it, in messages.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:i``.
        jobs: trials at once; 0 chooses: one per core with one thread each, or one per GPU.
        timeout: seconds after which a trial is ended.
        memory_limit: memory that a trial and what it starts may use: bytes, or a text such as ``4G``.
        checkpoint_seconds: between two checkpoints of a trial.
        retry: run trials again that diverged.
        executor: the executor's name.
        trackers: where progress is copied to.
        executor_options: the executor's own settings.
        devices: the GPUs to use; empty for all there are.
        per_device: trials at once on each GPU; 0 chooses, -1 or ``auto`` finds out while they run.
        detach: submit what is missing and leave it to the cluster.
        batch_seeds: train the seeds of a cell as one batched model, where its networks allow.
    """

    plan: PlanRequest | SourcesRequest
    seeds: tuple[int, ...]
    out: Annotated[Path, BeforeValidator(place)]
    out_option: str = "--out"
    device: str = "auto"
    jobs: Annotated[int, Field(strict=True, ge=0), BeforeValidator(plain)] = 0
    timeout: _Seconds | None = None
    memory_limit: Annotated[int, Field(strict=True), BeforeValidator(size)] | None = None
    checkpoint_seconds: _Seconds = 60.0
    retry: _YesNo = False
    executor: str = "local"
    trackers: tuple[ComponentRequest, ...] = ()
    executor_options: dict[str, str] = {}
    devices: Annotated[tuple[str, ...], BeforeValidator(_texts)] = ()
    per_device: Annotated[int, Field(strict=True, ge=AUTO), BeforeValidator(_found_out)] = 0
    detach: bool = False
    batch_seeds: _YesNo = False

    @property
    def leaves_device(self) -> bool:
        """Whether the CPU will do where there is no GPU: nothing that was asked for is about one."""
        return self.device == "auto" and not self.devices and not self.per_device

    def on_cpu(self) -> "RunRequest":
        """The same on the CPU."""
        sources = isinstance(self.plan, SourcesRequest)
        plan = self.plan.model_copy(update={"device": "cpu"} if sources else {})
        return self.model_copy(update={"device": "cpu", "plan": plan})

    @property
    def wish(self) -> Wish:
        """What an executor is asked to lay trials out for."""
        return Wish(
            executor=self.executor,
            device=self.device,
            devices=self.devices,
            per_device=self.per_device,
            jobs=self.jobs,
            memory_limit=self.memory_limit,
            options=self.executor_options,
        )
