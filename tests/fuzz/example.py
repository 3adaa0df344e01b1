"""A finished trial to change, written without training."""

from pathlib import Path

from ganbench.files import write_json
from ganbench.protocol import protocol_of
from ganbench.records import manifest
from ganbench.records.folder import TrialFolder
from ganbench.spec import (
    SCHEMA,
    Component,
    DataSpec,
    EvaluationSpec,
    Execution,
    Recipe,
    ReferenceSpec,
    TrialFile,
    TrialSpec,
)


def write_example(runs: Path) -> Path:
    """Write a trial that is done into ``runs``; return its folder."""

    def part(name: str) -> Component:
        return Component(name=name, label=name, plugin="ganbench", version="0.1.0", source="0123456789ab")

    spec = TrialSpec(
        loss=part("vanilla"),
        architecture=part("mlp"),
        data=DataSpec(component=part("ring"), kind="vector", shape=(2,), size=10, fingerprint="f" * 64),
        seed=0,
        recipe=Recipe(),
        evaluation=EvaluationSpec(
            metrics=(part("modes"),),
            extractor=None,
            extractor_sha256="",
            num_samples=10,
            reference=ReferenceSpec(split="test", size=10, fingerprint="e" * 64),
            every=0,
        ),
    )
    folder = TrialFolder(runs / spec.trial_id)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    folder.append_progress({"step": 1})
    folder.append_metrics({"step": 1, "images": 64, "seconds": 1.0, "values": {"modes": 8.0}})
    result = {
        "schema_version": SCHEMA,
        "trial_id": spec.trial_id,
        "status": "done",
        "metrics": {"modes": 8.0},
        "best": {"modes": {"value": 8.0, "step": 1}},
        "area": {},
        "values": {"modes": {"label": "modes", "direction": "higher", "decimals": 1, "percent": False}},
        "protocol": protocol_of(spec, "unknown").model_dump(mode="json"),
        "warnings": [],
        "cost": {"seconds": 1.0},
        "determinism": {"seed": 0, "threads": 1, "statement": "bit-equal on this kind of processor"},
    }
    write_json(folder.result, result)
    manifest.write(folder, spec.trial_id)
    folder.write_status("done")
    folder.log.write_text("a line\n")
    return folder.path
