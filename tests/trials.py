"""Trials made up for tests: specifications, protocols, and folders as workers leave them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ganbench.files import write_json
from ganbench.protocol import Protocol
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import (
    Component,
    DataSpec,
    EvaluationSpec,
    Execution,
    Recipe,
    ReferenceSpec,
    TrialFile,
    TrialSpec,
)

LAPTOP = {"device": "cpu", "device_name": "Laptop", "versions": {"torch": "2.9"}, "threads": 1}
VALUES: dict[str, dict[str, object]] = {
    "fid": {"label": "FID", "direction": "lower", "decimals": 2, "percent": False},
    "is": {"label": "IS", "direction": "higher", "decimals": 2, "percent": False},
    "is_std": {"label": "IS std", "direction": None, "decimals": 2, "percent": False},
}


def component(name: str, **changes: Any) -> Component:
    """A component as a plan resolves it."""
    return Component(
        **{"name": name, "label": name, "plugin": "ganbench", "version": "0.1", "source": "ab" * 32} | changes
    )


def make_spec(
    loss: str | Component = "vanilla",
    architecture: str = "dcgan",
    dataset: str = "digits",
    seed: int = 0,
    baseline: str = "",
    metrics: tuple[str, ...] = ("fid", "is"),
    num_samples: int = 1000,
    **recipe: Any,
) -> TrialSpec:
    """A trial's specification."""
    part = component(loss) if isinstance(loss, str) else loss
    return TrialSpec(
        baseline=baseline,
        loss=None if baseline else part,
        architecture=None if baseline == "real" else component(architecture),
        data=DataSpec(
            component=component(dataset), kind="image", shape=(1, 16, 16), size=1437, fingerprint=dataset.encode().hex()
        ),
        seed=seed,
        recipe=Recipe(**recipe),
        evaluation=EvaluationSpec(
            metrics=tuple(component(name) for name in metrics),
            extractor=component("digits"),
            extractor_sha256="cd" * 32,
            num_samples=num_samples,
            reference=ReferenceSpec(split="train", size=1437, fingerprint=dataset.encode().hex()),
            every=500,
        ),
    )


def make_protocol(spec: TrialSpec, fidelity: str = "0.4.0", *, located: bool = False) -> Protocol:
    """The protocol as the worker writes it down."""
    evaluation, recipe = spec.evaluation, spec.recipe
    return Protocol(
        dataset=spec.data.component.label,
        metrics=tuple(part.label for part in evaluation.metrics),
        fidelity=fidelity,
        extractor=evaluation.extractor.label if evaluation.extractor else "",
        extractor_sha256=evaluation.extractor_sha256,
        reference=evaluation.reference.split,
        reference_fingerprint=evaluation.reference.fingerprint,
        reference_size=evaluation.reference.size,
        num_samples=evaluation.num_samples,
        weights="none" if spec.baseline else spec.weights,
        budget="untrained" if spec.baseline else f"{recipe.steps} generator updates of {recipe.batch_size}",
        labels=evaluation.labels,
        training=spec.data.fingerprint if located else "",
        shares=evaluation.shares,
    )


def make_trial(
    runs: Path,
    spec: TrialSpec,
    status: str = "done",
    reason: str = "",
    metrics: dict[str, float | None] | None = None,
    values: Mapping[str, Mapping[str, object]] | None = None,
    result: dict[str, Any] | None = None,
    warnings: tuple[str, ...] = (),
    fidelity: str = "0.4.0",
    data_at: str = "",
) -> TrialFolder:
    """A trial's folder as the worker leaves it."""
    folder = TrialFolder(runs / spec.trial_id)
    execution = Execution(data_at={"path": data_at} if data_at else {})
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution, warnings=warnings))
    folder.write_status(status, reason)
    values = VALUES if values is None else values
    metrics = {"fid": 1.5 + spec.seed / 10, "is": 8.25, "is_std": 0.1} if metrics is None else metrics
    if status in ("done", "diverged"):
        best = {
            name: {"value": value * 0.9, "step": 1500}
            for name, info in values.items()
            if info["direction"] and (value := metrics.get(name)) is not None
        }
        content = {
            "schema_version": 1,
            "trial_id": spec.trial_id,
            "status": status,
            "reason": reason,
            "step": 2000,
            "metrics": metrics if status == "done" else {},
            "best": best,
            "area": {"fid": 3.5},
            "values": values,
            "protocol": make_protocol(spec, fidelity, located=bool(data_at)).model_dump(mode="json"),
            "warnings": list(warnings),
            "cost": {
                "seconds": 201.4,
                "train_seconds": 180.0,
                "evaluation_seconds": 20.0,
                "real_images": 128000,
                "images_per_second": 12345.6,
                "peak_memory": 2**29,
                "steal_seconds": None,
            },
            "environment": {},
            "determinism": {},
        }
        write_json(folder.result, content | (result or {}))
        manifest.write(folder, spec.trial_id)
    return folder


def change_result(folder: TrialFolder, **changes: Any) -> None:
    """Write other fields into a result, as if the worker had."""
    write_json(folder.result, folder.read_result() | changes)
    manifest.write(folder, folder.path.name)


def trial(
    runs: Path, loss: str, seed: int, fid: float, environment: dict[str, Any] = LAPTOP, **spec: Any
) -> TrialFolder:
    folder = make_trial(
        runs,
        make_spec(loss, seed=seed, **spec),
        metrics={"fid": fid, "is": 8.0, "is_std": 0.1},
        result={"environment": environment, "determinism": {"seed": seed}},
    )
    values = {"fid": fid, "is": 8.0, "is_std": None}
    folder.append_metrics({"step": 2000, "images": 128000, "seconds": 180.0, "values": values})
    manifest.write(folder, folder.path.name)
    return folder


def two_losses(path: Path) -> Path:
    """Two losses, five seeds each; hinge is worse and diverged once; one trial failed; two baselines."""
    for seed in range(5):
        trial(path, "vanilla", seed, 1.0 + seed / 10)
        trial(path, "hinge", seed, 2.0 + seed / 10)
    make_trial(path, make_spec("hinge", seed=5), "diverged", "NaN at step 12")
    make_trial(path, make_spec("vanilla", seed=6), "failed", "boom")
    trial(path, "real", 0, 0.1, baseline="real")
    return path
