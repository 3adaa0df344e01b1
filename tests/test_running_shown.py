"""A GPU that nvidia-smi lists and torch cannot use: what was asked for decides between the CPU and a refusal."""

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganbench import plugins
from ganbench.display.plain import Quiet
from ganbench.errors import StoreError
from ganbench.executors import devices
from ganbench.grid import parse_axis
from ganbench.plan import PlanRequest, SourcesRequest
from ganbench.planning.request import RunRequest
from ganbench.processes.server import NoGPU
from ganbench.running import shown
from ganbench.running.outcome import Outcome
from tests.commands import ganbench

RUN = ["run", "--losses", "vanilla", "--arch", "mlp[hidden=16,layers=1]", "--dataset", "ring", "--steps", "2",
       "--batch-size", "16", "--num-samples", "100"]  # fmt: skip
CANNOT = "the driver lists a GPU that torch cannot use: torch "
PLAN = PlanRequest(losses=(), architectures=(), datasets=())


@pytest.fixture
def listed(tmp_path: Path) -> dict[str, str]:
    """An environment in which nvidia-smi lists a GPU, and CUDA has none whatever there is."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho NVIDIA H100\n")
    tool.chmod(0o755)
    hidden = "GPU-00000000-0000-0000-0000-000000000000"
    return {"PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": hidden}


def test_a_gpu_that_was_asked_for_is_refused_before_any_trial(tmp_path: Path, listed: dict[str, str]) -> None:
    answer = ganbench(*RUN, "--device", "cuda", cwd=tmp_path, **listed)
    assert (answer.returncode, answer.stdout) == (2, "")
    (line,) = (line for line in answer.stderr.splitlines() if CANNOT in line)
    assert line.startswith("ganbench: ")
    assert line.endswith("; use --device cpu")
    assert not list(tmp_path.glob("runs/*/spec.json"))


def test_auto_goes_on_on_the_cpu_and_says_so_once(tmp_path: Path, listed: dict[str, str]) -> None:
    dry = ganbench(*RUN, "--dry-run", cwd=tmp_path, **listed)
    assert dry.returncode == 0
    assert "cuda (device GPU-0" in dry.stdout
    assert CANNOT not in dry.stderr
    # The plan is known by now, so that the trial, and no plan, is what torch is asked for.
    for times in (1, 0):
        answer = ganbench(*RUN, cwd=tmp_path, **listed)
        assert answer.returncode == 0, answer.stderr
        lines = [line for line in answer.stderr.splitlines() if CANNOT in line]
        assert [line.endswith("; trials run on the CPU") for line in lines] == [True] * times
    (result,) = tmp_path.glob("runs/*/result.json")
    assert json.loads(result.read_text())["environment"]["requested_device"] == "cpu"


class Screen(Quiet):
    """A display that notes what it is told."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.quiet: bool | None = None
        self.notes: list[str] = []
        self.closed = 0

    def note(self, line: str) -> None:
        self.notes.append(line)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """The display of a run."""
    found = Screen()

    def make(*, quiet: bool) -> Screen:
        found.quiet = quiet
        return found

    monkeypatch.setattr(shown, "make_display", make)
    return found


@pytest.mark.parametrize("quiet", [True, False])
def test_a_run_is_as_quiet_as_asked_for_and_leaves_the_terminal_as_it_was(
    quiet: bool, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(request: RunRequest, loaded: object, display: Screen) -> Outcome:
        assert (display, display.closed) == (screen, 0)
        raise StoreError("the disk is full")

    monkeypatch.setattr(shown, "run_grid", fails)
    with pytest.raises(StoreError, match="the disk is full"):
        shown.run_shown(RunRequest(plan=PLAN, seeds=(0,), out=Path("runs")), plugins.load([]), quiet=quiet)
    assert (screen.quiet, screen.closed) == (quiet, 1)


def test_the_trackers_that_were_asked_for_follow_the_run(screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    followed: list[object] = []

    def tracked(display: Screen, *given: object) -> Screen:
        followed.extend(given)
        return display

    monkeypatch.setattr(shown, "tracked", tracked)
    monkeypatch.setattr(shown, "run_grid", lambda *_: Outcome())
    loaded = plugins.load()
    asked = parse_axis("tracker", ["tensorboard"], loaded.registry)
    shown.run_shown(RunRequest(plan=PLAN, seeds=(0,), out=Path("there"), trackers=tuple(asked)), loaded, quiet=True)
    assert followed == [tuple(asked), loaded.registry, Path("there")]


Shown = Callable[..., list[RunRequest]]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Shown:
    """Run a request where torch can use no GPU; the requests that came to be carried out, or tried to."""

    def run(**given: Any) -> list[RunRequest]:
        tried: list[RunRequest] = []

        def carried_out(request: RunRequest, *_: object) -> Outcome:
            tried.append(request)
            if request.device != "cpu":
                raise NoGPU("it is too old")
            return Outcome()

        monkeypatch.setattr(shown, "run_grid", carried_out)
        request = RunRequest(**{"plan": PLAN, "seeds": (0,), "out": tmp_path} | given)
        shown.run_shown(request, plugins.load([]), quiet=True)
        return tried

    return run


@pytest.mark.parametrize("given", [{"device": "cuda:0"}, {"devices": ("0",)}, {"per_device": 2}, {"per_device": -1}])
def test_whatever_names_a_gpu_asks_for_one(show: Shown, given: dict[str, Any]) -> None:
    with pytest.raises(NoGPU, match=r"^the driver lists a GPU that torch cannot use: it is too old; use --device cpu$"):
        show(**given)


def test_a_gpu_that_nobody_asked_for_is_replaced_by_the_cpu_with_a_line(show: Shown, screen: Screen) -> None:
    assert [each.device for each in show()] == ["auto", "cpu"]
    assert screen.notes == [f"{CANNOT.removesuffix('torch ')}it is too old; trials run on the CPU"]
    assert screen.closed == 1


def test_generators_that_are_scored_are_tried_on_the_cpu_too(show: Shown) -> None:
    assert [each.plan for each in show()] == [PLAN, PLAN]
    plans = [each.plan for each in show(plan=SourcesRequest(sources=(), plan=PLAN, device="cuda"))]
    assert [isinstance(plan, SourcesRequest) and plan.device for plan in plans] == ["cuda", "cpu"]


def test_a_driver_whose_tool_lists_nothing_is_worth_a_line(
    show: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def noted(**given: Any) -> bool:
        show(**given)
        return "but it lists no GPU, so trials run on the CPU" in capsys.readouterr().err

    monkeypatch.setattr(devices, "gpus", lambda: ())
    monkeypatch.setattr(devices, "DRIVER", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert noted()
    assert not noted(device="cpu")
    assert not noted(executor="slurm")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not noted()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "none")
    assert not noted()
