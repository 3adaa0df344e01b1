"""Folders of trials as workers leave them, made up: for what reads many of them and must not train them first."""

import base64
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ganbench.files import append_line, write_bytes, write_json
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec
from tests.trials import make_protocol, make_spec

VALUES = {
    "fid": {"label": "FID", "direction": "lower", "decimals": 2, "percent": False},
    "is": {"label": "IS", "direction": "higher", "decimals": 2, "percent": False},
    "precision": {"label": "precision", "direction": "higher", "decimals": 1, "percent": True},
}
ENVIRONMENT = {"python": "3.12.0", "device": "cpu", "threads": 1, "versions": {"torch": "2.9.0", "numpy": "2.0.0"}}


def write_trial(
    runs: Path,
    spec: TrialSpec,
    *,
    level: float,
    rng: np.random.Generator,
    status: str = "done",
    reason: str = "",
    snapshots: int = 0,
    warnings: tuple[str, ...] = (),
    evaluations: int = 20,
    picture: bool = True,
) -> TrialFolder:
    """Write one trial whose FID falls to about ``level``; a diverged one ends half way.

    Pictures are noise, which no encoding makes small. ``snapshots`` is how many frames it recorded.
    """
    folder = TrialFolder(runs / spec.trial_id)
    folder.path.mkdir(parents=True)
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution(), warnings=warnings))
    steps, batch = spec.recipe.steps, spec.recipe.batch_size
    done = status == "done"
    noise = math.exp(rng.normal(0, 0.06))
    history: list[dict[str, Any]] = []
    for index in range(1, evaluations + 1 if done else evaluations // 2):
        step = steps * index // evaluations
        fid = level * noise * (1 + 12 * math.exp(-6 * index / evaluations) + abs(rng.normal(0, 0.04)))
        values = {"fid": fid, "is": 9 - fid / 10, "precision": 1 / (1 + fid / 10)}
        line = {"step": step, "images": step * batch, "seconds": step * 0.02 * (1 + rng.random() / 10)}
        history.append({**line, "values": values})
        append_line(folder.metrics, history[-1])
    for index in range(1, 101 if done else 50):
        losses = {"d_loss": 1.4 - index / 200 + rng.normal(0, 0.05), "g_loss": 0.7 + index / 90 + rng.normal(0, 0.1)}
        append_line(folder.progress, {"step": steps * index // 100, **losses})
    if snapshots:
        _write_snapshots(folder, spec, rng, snapshots)
    if done and picture:
        write_bytes(folder.samples, _noise(spec, rng))
    folder.log.write_text("step 1\nstep 2\n", "utf-8")
    if status in ("done", "diverged"):
        last = history[-1]["values"] if done else {}
        best = {name: {"value": last[name], "step": steps} for name in last}
        write_json(
            folder.result,
            {
                "schema_version": 1, "trial_id": spec.trial_id, "status": status, "reason": reason, "step": steps,
                "metrics": last, "best": best, "area": {}, "values": VALUES, "warnings": list(warnings),
                "protocol": make_protocol(spec).model_dump(mode="json"), "environment": ENVIRONMENT,
                "determinism": {"statement": "bit-equal on this kind of processor"},
                "cost": {"seconds": 40.0, "images_per_second": 5000.0 * noise, "peak_memory": 6 * 10**8},
            },
        )  # fmt: skip
    folder.write_status(status, reason)
    return folder


def write_grid(
    runs: Path, levels: dict[str, float], seeds: int, *, snapshots: int = 0, rng_seed: int = 0, **spec: Any
) -> list[TrialFolder]:
    """Write a trial for each loss and seed; ``levels`` gives each loss's FID."""
    rng = np.random.default_rng(rng_seed)
    return [
        write_trial(runs, make_spec(loss, seed=seed, **spec), level=level, rng=rng, snapshots=snapshots)
        for loss, level in levels.items()
        for seed in range(seeds)
    ]


def _noise(spec: TrialSpec, rng: np.random.Generator) -> bytes:
    channels, height, width = spec.data.shape
    size = (8 * (height + 1) + 1, 8 * (width + 1) + 1)
    return png(rng.integers(0, 256, (*size, channels), dtype=np.uint8), scale=max(1, 640 // max(size)))


def png(pixels: np.ndarray, scale: int = 1) -> bytes:
    """Encode (H, W, C), enlarged without smoothing."""
    import io

    picture = Image.fromarray(pixels.squeeze(-1) if pixels.shape[-1] == 1 else pixels)
    buffer = io.BytesIO()
    picture.resize((picture.width * scale, picture.height * scale), Image.Resampling.NEAREST).save(
        buffer, "PNG", compress_level=1
    )
    return buffer.getvalue()


def _write_snapshots(folder: TrialFolder, spec: TrialSpec, rng: np.random.Generator, count: int) -> None:
    for index in range(count):
        record: dict[str, Any] = {"step": spec.recipe.steps * index // max(1, count - 1)}
        if spec.data.kind == "vector":
            angles = rng.integers(0, 8, 500) * math.pi / 4
            spread = 0.02 + 0.5 * (1 - index / count)
            points = np.stack([np.cos(angles), np.sin(angles)], 1) + rng.normal(0, spread, (500, 2))
            record["points"] = np.round(points, 4).tolist()
            if index == 0:
                modes = [[math.cos(k * math.pi / 4), math.sin(k * math.pi / 4)] for k in range(8)]
                record |= {"real": {"points": modes * 20}, "means": modes, "sigma": 0.01}
        else:
            channels, height, width = spec.data.shape
            pixels = rng.integers(0, 256, (4 * height, 4 * width, channels), dtype=np.uint8)
            content = {"png": base64.b64encode(png(pixels)).decode(), "columns": 4, "images": 16}
            record |= content
            if index == 0:
                record["real"] = content
        with folder.snapshots.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
