"""What training begins with: a state that is fresh, or wholly that of a checkpoint, and shares the data of its cell."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ganbench import plugins
from ganbench.penalties.zero_centred import R1
from ganbench.records.folder import TrialFolder
from ganbench.spec import Execution, TrialFile, TrialSpec
from ganbench.training import state
from ganbench.training.state import State
from ganbench.trial import run_trial
from ganbench.worker import clock, resuming
from ganbench.worker.parts import Parts
from ganbench.worker.watcher import Watcher
from tests import clocks, test_worker_parts
from tests.workers import MLP, StopAfter, lines, planned

pytestmark = pytest.mark.usefixtures("signals_as_before")


@pytest.fixture(scope="module")
def spec() -> TrialSpec:
    """A trial on images."""
    return test_worker_parts.planned(metrics=("fid",))[0]


def test_what_a_checkpoint_left_in_part_is_not_begun_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of two penalties has taken up what it remembers when the second refuses its own."""
    (whole,), (parted,) = (planned(tmp_path / name, MLP, loss="vanilla+lecam+r1", seeds=1) for name in ("one", "two"))
    assert run_trial(whole) == "done"
    assert run_trial(parted, StopAfter(24)) == "interrupted"

    def refuse(penalty: R1, state: dict[str, Any]) -> None:
        raise ValueError("of another version")

    monkeypatch.setattr(R1, "load_state_dict", refuse)
    assert run_trial(parted) == "done"
    assert [line["step"] for line in lines(parted.attempts)] == [0, 0]
    assert parted.generator.read_bytes() == whole.generator.read_bytes()


def test_a_state_is_built_once_and_a_checkpoint_is_not_to_blame_where_it_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device may have no room for two of them."""
    (folder,) = planned(tmp_path, MLP, seeds=1)
    built, failing = list[State](), False

    def build(**arguments: Any) -> State:
        if failing:
            raise ValueError("a module that is no longer there")
        built.append(State(**arguments))
        return built[-1]

    monkeypatch.setattr(resuming, "State", build)
    assert run_trial(folder, StopAfter(24)) == "interrupted"
    assert len(built) == 1
    failing = True
    assert run_trial(folder) == "failed"
    assert "a module that is no longer there" in folder.read_status()["reason"]
    failing = False
    assert run_trial(folder) == "done"
    assert len(built) == 2
    assert [line["step"] for line in lines(folder.attempts)] == [0, 25]


def test_the_first_speed_after_resuming_is_of_what_was_trained_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, report = clocks.stop(monkeypatch, clock), Watcher.report

    def reporting(watcher: Watcher, *given: Any) -> None:
        now[0] += 10  # that a step has taken
        report(watcher, *given)

    monkeypatch.setattr(Watcher, "report", reporting)
    (folder,) = planned(tmp_path, MLP, seeds=1)
    assert run_trial(folder, StopAfter(24)) == "interrupted"
    assert run_trial(folder) == "done"
    assert [line["step"] for line in lines(folder.attempts)] == [0, 25]
    assert [line["images_per_second"] for line in lines(folder.progress)] == [20 / 10] * 40


def test_the_states_of_a_cell_share_its_data_on_the_device(
    spec: TrialSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On another device than the CPU each move is a copy."""
    parts = Parts(spec, Execution(), plugins.load().registry)
    parts.device = torch.device("meta")
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(resuming, "State", lambda **arguments: given.append(arguments))
    for seed in (0, 1):
        resuming.fresh_state(spec.model_copy(update={"seed": seed}), parts)
    one, other = (each["samples"] for each in given)
    assert one.data is other.data
    assert one.labels is other.labels
    assert (one.data.device.type, one.labels.device.type, parts.train.data.device.type) == ("meta", "meta", "cpu")
    assert (one.shape, one.classes) == (parts.train.shape, parts.train.classes)


@pytest.mark.parametrize(("layout", "said"), [(torch.channels_last, 0), (torch.contiguous_format, 1)])
def test_networks_that_are_run_in_the_slower_layout_are_said_in_the_log(
    spec: TrialSpec,
    layout: torch.memory_format,
    said: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(state, "choose_layout", lambda *arguments, **options: layout)
    folder = TrialFolder(tmp_path / spec.trial_id)
    folder.path.mkdir()
    folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=Execution()))
    assert run_trial(folder) == "done"
    assert capsys.readouterr().out.count("the plain memory layout") == said


def test_on_points_there_is_no_layout_to_speak_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder,) = planned(tmp_path, MLP, seeds=1, steps=1, every=0)
    assert run_trial(folder) == "done"
    assert "memory layout" not in capsys.readouterr().out
