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
from ganbench.trial import run_trial
from ganbench.worker import resuming
from ganbench.worker.parts import Parts
from tests import test_worker_parts
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
