"""The worker: one trial, from its specification to its result. ``python -m ganbench.trial SPEC DIR``."""

import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_safetensors
from torch import Tensor

from ganbench import components, environment, plugins, seeds
from ganbench.api import Architecture, Dataset, Extractor, Loss, Metric, Penalty, Samples
from ganbench.errors import Diverged, GanbenchError, StoreError, UsageError
from ganbench.evaluation.drawing import draw_to_score
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.images import NonFiniteSamples
from ganbench.evaluation.labels import cycled
from ganbench.evaluation.preview import ROWS, columns_for, write_preview
from ganbench.evaluation.sampling import sample
from ganbench.evaluation.snapshots import snapshot, snapshot_steps, truth
from ganbench.files import write_bytes
from ganbench.folder import TrialFolder
from ganbench.recording import Recorder
from ganbench.registry import Registry
from ganbench.rescoring import score_given
from ganbench.spec import Execution, TrialSpec
from ganbench.training import checkpoint
from ganbench.training.batches import to_network_range
from ganbench.training.loop import Objective, train
from ganbench.training.state import State

EXIT = {"done": 0, "interrupted": 130}
PREVIEW_POINTS = 2500

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""What torch's other errors say where an allocation failed below it: in cuBLAS, cuDNN or the CPU's allocator."""


class Parts:
    """Everything a specification names, built, checked against what was planned, and on its device."""

    def __init__(self, spec: TrialSpec, execution: Execution, registry: Registry) -> None:
        self.device = torch.device(execution.device)
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise UsageError("device 'cuda' was asked for, and torch finds none; use --device cpu")
        self.root = Path(execution.data_root)
        self.dataset: Dataset = components.rebuild("dataset", spec.data.component, registry)
        self.train = _load(self.dataset, "train", self.root, spec.data.fingerprint)
        wanted = spec.evaluation.reference
        same = wanted.split == "train"
        self.reference = self.train if same else _load(self.dataset, wanted.split, self.root, wanted.fingerprint)
        metrics: dict[str, Metric] = {
            component.name: components.rebuild("metric", component, registry) for component in spec.evaluation.metrics
        }
        extractor: Extractor | None = None
        if spec.evaluation.extractor is not None:
            extractor = components.rebuild("extractor", spec.evaluation.extractor, registry)
            if extractor.sha256() != spec.evaluation.extractor_sha256:
                raise UsageError(f"the weights of extractor '{spec.evaluation.extractor.name}' changed since planning")
        self.values = {name: value for metric in metrics.values() for name, value in metric.values.items()}
        self.evaluator = Evaluator(
            reference=self.reference,
            train=None if same else self.train,
            mixture=self.dataset.mixture(),
            metrics=metrics,
            extractor=extractor,
            device=self.device,
            cache=Path(execution.cache_dir) / "references" if execution.cache_dir else None,
        )


def run_trial(folder: TrialFolder) -> str:
    """Run the trial of a folder to its end, whatever it is, and return its status. Never raises for a failed trial."""
    trial = folder.read_spec()
    recorder = Recorder(folder, trial)
    stop = stop_on_signals()
    try:
        place = environment.place()
        folder.append_start({"time": recorder.started, **place})
        folder.write_status("running", started=recorder.started, **place)
        torch.set_num_threads(trial.execution.threads)
        return _run(trial.spec, trial.execution, recorder, stop)
    except BaseException as error:  # a component may even raise SystemExit
        return ended_by(error, recorder)


def ended_by(error: BaseException, recorder: Recorder) -> str:
    """Write down what ended a trial early; return its status. On a full disk the log, or the caller, must do."""
    folder, trial = recorder.folder, recorder.trial
    try:
        if isinstance(error, Diverged):
            recorder.finish("diverged", str(error), step=error.step)
            return "diverged"
        if isinstance(error, NonFiniteSamples):
            recorder.finish("diverged", f"{error} at step {recorder.step}", step=recorder.step)
            return "diverged"
    except StoreError as problem:
        error = problem
    status = "failed"
    if is_out_of_memory(error):
        status = "out-of-memory"
        reason = f"batch_size={trial.spec.recipe.batch_size}, {recorder.memory_note()}: {plugins.one_line(error)}"
    elif isinstance(error, GanbenchError):
        reason = str(error)
    else:
        reason = plugins.one_line(error)
        traceback.print_exception(error)
    try:
        folder.write_status(status, reason)
    except StoreError as problem:
        print(f"{reason} ({problem})", file=sys.stderr)
    return status


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device, or the machine, has no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(error)
    return isinstance(error, RuntimeError) and any(sign in text for sign in _OUT_OF_MEMORY)


def _run(spec: TrialSpec, execution: Execution, recorder: Recorder, stop: "StopFlag") -> str:
    registry = plugins.load().registry
    parts = Parts(spec, execution, registry)
    recorder.prepared(parts.values, environment.describe(execution, parts.device), parts.device)
    if parts.device.type == "cuda" and execution.shared_device:
        recorder.warn("may have shared its GPU with other trials: times and speeds need a whole one")
    if spec.baseline == "real":
        recorder.resume(-1, 0, 0.0, 0.0)
        recorder.evaluation(0, 0, parts.evaluator.score_real(_held_out(parts, spec)))
        recorder.finish("done")
        return "done"

    if execution.source_path:
        recorder.resume(-1, 0, 0.0, 0.0)
        score_given(spec, execution, parts.evaluator, recorder)
        return "done"

    if spec.architecture is None:
        raise UsageError("only the baseline 'real' has no architecture")
    architecture: Architecture = components.rebuild("architecture", spec.architecture, registry)
    torch.backends.cudnn.benchmark = False
    objective = build_objective(spec, registry)
    state, resumed = fresh_or_resumed(spec, architecture, parts, objective, recorder)
    observer = Watcher(spec, execution, parts, objective, recorder, stop)
    if objective is None:
        observer.evaluate(state, final=True)
    else:
        if not resumed:
            observer.first_snapshot(state)
        recorder.begin()
        if not train(state, objective, spec.recipe, observer, evaluate_every=spec.evaluation.every):
            problem = observer.write_checkpoint(state)
            recorder.folder.write_status(
                "interrupted", f"stopped after step {state.step}{problem and '; '}{problem}; run again to go on"
            )
            return "interrupted"
    conclude(state, spec, parts, recorder)
    return "done"


def conclude(state: State, spec: TrialSpec, parts: Parts, recorder: Recorder) -> None:
    """Write what a trained trial leaves behind: weights, samples, and last its result."""
    write_outcome(state, spec, parts, recorder)
    recorder.finish("done", real_images=state.real_images)
    checkpoint.remove(recorder.folder.checkpoint)


def fresh_or_resumed(
    spec: TrialSpec, architecture: Architecture, parts: Parts, objective: Objective | None, recorder: Recorder
) -> tuple[State, bool]:
    """The state that training begins with, and whether it is that of a checkpoint, the newest that is usable.

    The objective is brought to the same moment.
    """

    def fresh() -> State:
        return State(
            architecture=architecture, samples=parts.train, recipe=spec.recipe, seed=spec.seed, device=parts.device
        )

    taken: list[tuple[State, float, float]] = []

    def take(content: dict[str, Any]) -> None:
        state = fresh()  # loading may fail half-way
        state.load_state_dict(content["state"])
        if objective is not None:
            objective.load_state_dict(content["objective"])
        taken.append((state, float(content["seconds"]), float(content["elapsed"])))

    _, warnings = checkpoint.latest(recorder.folder.checkpoint, recorder.trial.trial_id, take)
    recorder.warn(*warnings)
    if taken:
        state, seconds, elapsed = taken[-1]
        recorder.resume(state.step, state.real_images, seconds, elapsed)
    else:
        state = fresh()
        recorder.resume(-1, 0, 0.0, 0.0)
    recorder.attempt()
    return state, bool(taken)


class Watcher:
    """What a training loop tells the outside: progress, evaluations and checkpoints of one trial."""

    def __init__(
        self,
        spec: TrialSpec,
        execution: Execution,
        parts: Parts,
        objective: Objective | None,
        recorder: Recorder,
        stop: "StopFlag",
    ) -> None:
        self._spec = spec
        self._parts = parts
        self._objective = objective
        self._recorder = recorder
        self._stop = stop
        self._interval = execution.checkpoint_seconds
        self._written = time.monotonic()
        frames = execution.snapshots
        self._snapshot_steps = snapshot_steps(spec.recipe.steps, frames) if frames else frozenset()

    def report(self, state: State, discriminator_loss: float, generator_loss: float) -> None:
        """Write a line of progress."""
        self._recorder.progress(state.step, state.real_images, discriminator_loss, generator_loss)

    def evaluate(self, state: State, *, final: bool | None = None) -> None:
        """Score the generator as it is. Draws only from the evaluation's own stream: training goes on unchanged."""
        final = state.step == self._spec.recipe.steps if final is None else final
        with self._recorder.not_training():
            fakes, labels = draw_to_score(state.scored, self._spec, self._parts.reference, state.device)
            values = self._parts.evaluator.score(fakes, final=final, labels=labels)
            self._recorder.evaluation(state.step, state.real_images, values)

    def first_snapshot(self, state: State) -> None:
        """Record real samples and those of the generator before its first step."""
        if self._snapshot_steps:
            real = to_network_range(self._parts.train.data[:PREVIEW_POINTS])
            self._record_snapshot(state, truth(real, self._parts.dataset.mixture()))

    def after_step(self, state: State) -> bool:
        """Take a snapshot and write a checkpoint where it is time; return whether a signal asked to stop."""
        if state.step in self._snapshot_steps:
            with self._recorder.not_training():
                self._record_snapshot(state, {})
        if time.monotonic() - self._written >= self._interval and state.step < self._spec.recipe.steps:
            self.write_checkpoint(state)
        return self._stop.requested

    def _record_snapshot(self, state: State, more: dict[str, Any]) -> None:
        content = snapshot(preview_samples(state, self._spec))
        if content is not None:  # a generator on its way to diverging may make nothing that can be drawn
            self._recorder.folder.append_snapshot({"step": state.step, **content, **more})

    def write_checkpoint(self, state: State) -> str:
        """Write all that is needed to go on; return why it could not be written, or nothing.

        A full disk may have room again later, and the checkpoint before this one is still there: training goes on.
        """
        problem = ""
        with self._recorder.not_training():
            content = {
                "state": state.state_dict(),
                "objective": self._objective.state_dict() if self._objective is not None else {},
                "seconds": self._recorder.training_seconds,
                "elapsed": self._recorder.elapsed,
            }
            try:
                checkpoint.save(self._recorder.folder.checkpoint, self._recorder.trial.trial_id, content)
            except StoreError as error:
                problem = f"no checkpoint at step {state.step}: {str(error).partition(';')[0]}"
                print(problem, file=sys.stderr)
                self._recorder.warn(problem)
        self._written = time.monotonic()
        return problem


class StopFlag:
    """Set by SIGTERM and SIGINT; looked at between steps, so that a step is never torn."""

    def __init__(self) -> None:
        self.requested = False

    def set(self, number: int, frame: Any) -> None:
        """Ask to stop after this step."""
        self.requested = True


def stop_on_signals() -> StopFlag:
    """Turn the signals that ask a process to end into a flag."""
    flag = StopFlag()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, flag.set)
    return flag


def _load(dataset: Dataset, split: str, root: Path, fingerprint: str) -> Samples:
    samples = dataset.load(split, root=root)
    if samples.fingerprint != fingerprint:
        raise UsageError(
            f"the split '{split}' is no longer what was planned: its fingerprint is {samples.fingerprint[:12]}, "
            f"planned was {fingerprint[:12]}; run again to plan anew"
        )
    return samples


def _held_out(parts: Parts, spec: TrialSpec) -> Samples:
    """Real samples that are not in the reference, as many as there are fakes: the floor of the table."""
    other = parts.dataset.load("test", root=parts.root) if parts.reference is parts.train else parts.train
    if other.fingerprint == parts.reference.fingerprint:
        raise UsageError("there are no real samples beside the reference, so this dataset has no floor")
    order = torch.randperm(len(other), generator=seeds.stream(spec.seed, seeds.EVALUATION))
    chosen = order[: spec.evaluation.num_samples]
    labels = other.labels[chosen] if other.labels is not None else None
    return Samples(data=other.data[chosen], labels=labels, classes=other.classes)


def build_objective(spec: TrialSpec, registry: Registry) -> Objective | None:
    """What the players minimise; ``None`` for a baseline, which has no loss."""
    if spec.loss is None:
        return None
    loss: Loss = components.rebuild("loss", spec.loss, registry)
    own: list[Penalty] = [loss.penalty] if loss.penalty is not None else []
    added: list[Penalty] = [components.rebuild("penalty", component, registry) for component in spec.penalties]
    return Objective(loss=loss, penalties=(*own, *added))


def write_outcome(state: State, spec: TrialSpec, parts: Parts, recorder: Recorder) -> None:
    """Write the generator's scored weights and a picture of its samples at the latent points all trials share."""
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in state.scored.state_dict().items()}
    write_bytes(recorder.folder.generator, to_safetensors(weights, metadata={"trial_id": recorder.trial.trial_id}))
    fakes = preview_samples(state, spec)
    real = to_network_range(parts.train.data[:PREVIEW_POINTS])
    columns = preview_columns(state, spec)
    write_preview(recorder.folder.samples, fakes, real=real, mixture=parts.dataset.mixture(), columns=columns)


def preview_columns(state: State, spec: TrialSpec) -> int:
    """How many images stand in a row of a preview: a column for each class of a conditional generator."""
    return columns_for(spec.data.classes if state.conditioning != "none" else 0)


def preview_samples(state: State, spec: TrialSpec) -> Tensor:
    """Samples at the latent points that all trials share: eight rows of images, or 2,500 points, of all classes in
    turn."""
    n = ROWS * preview_columns(state, spec) if spec.data.kind == "image" else PREVIEW_POINTS
    return sample(
        state.scored,
        n=n,
        latent_dim=spec.recipe.latent_dim,
        latent=spec.recipe.latent,
        rng=seeds.stream(0, seeds.PREVIEW),
        device=state.device,
        labels=cycled(n, spec.data.classes) if state.conditioning != "none" else None,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the trial whose specification and folder are named; the exit code is 0 only for a trial that is done."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 2:
        print("usage: python -m ganbench.trial SPEC DIR", file=sys.stderr)
        return 2
    spec, path = Path(arguments[0]), Path(arguments[1])
    folder = TrialFolder(path)
    folder.spec = spec
    os.makedirs(path, exist_ok=True)
    if folder.read_spec().execution.beside:
        from ganbench.together import run_together

        return max(EXIT.get(status, 1) for status in run_together(folder))
    return EXIT.get(run_trial(folder), 1)


if __name__ == "__main__":
    sys.exit(main())
