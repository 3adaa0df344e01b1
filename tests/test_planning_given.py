"""Which sources are which trainings, what is done to their channels, and that their reference is read once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from ganbench import plugins
from ganbench.api import Samples
from ganbench.datasets.digits import Digits
from ganbench.errors import UsageError
from ganbench.evaluation import sources
from ganbench.evaluation.channels import with_channels
from ganbench.plan import PlanAnswer
from ganbench.planning.given import to_request
from ganbench.resolving.sources import answer
from tests.planned import reads_of_digits
from tests.trials import component, make_spec, make_trial

REAL = Digits().load("train", root=Path()).data
COLOUR = torch.randint(0, 256, (120, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
CPU = torch.device("cpu")


def array(path: Path, values: Any) -> Path:
    np.save(path, np.asarray(values))
    return path


def ask(*paths: Path, against: str = "digits", **options: Any) -> PlanAnswer:
    request = to_request(paths, plugins.load().registry, against=against, device="cpu", metrics=["fid"], **options)
    return answer(request)


def trainings(found: PlanAnswer) -> list[tuple[str, int]]:
    assert found.error == ""
    return [(planned.spec.loss_label, planned.spec.seed) for planned in found.planned]


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    return [
        array(tmp_path / f"{name}.npy", REAL[start : start + 100])
        for name, start in zip("abc", (0, 100, 200), strict=True)
    ]


def test_where_a_trials_data_lie_now_is_said_with_all_that_its_evaluation_needs(tmp_path: Path) -> None:
    """The extractor of a folder is another one unless it is named, and its parameters make other samples."""
    spec = make_spec()
    data = spec.data.model_copy(update={"component": component("folder", label="folder[size=16]")})
    folder = make_trial(tmp_path, spec.model_copy(update={"data": data}))
    folder.generator.touch()
    trial = folder.read_spec()
    gone = trial.execution.model_copy(update={"data_at": {"path": "/gone"}})
    folder.write_spec(trial.model_copy(update={"execution": gone}))
    with pytest.raises(UsageError, match="are no longer at /gone; name their new place") as told:
        to_request([folder.path], plugins.load().registry, device="cpu")
    assert str(told.value).endswith("e.g. --against 'folder:PATH[size=16]' --extractor digits")


def test_a_label_and_a_seed_say_which_training_a_source_is(three: list[Path]) -> None:
    assert trainings(ask(*three, label=["theirs"])) == [("theirs", 0), ("theirs", 1), ("theirs", 2)]
    assert trainings(ask(*three, label=["theirs"], seed=[5])) == [("theirs", 5), ("theirs", 6), ("theirs", 7)]
    assert trainings(ask(*three, label=["theirs"], seed=[3, 1, 9])) == [("theirs", 3), ("theirs", 1), ("theirs", 9)]
    assert trainings(ask(*three, label=["x", "y", "x"])) == [("x", 0), ("y", 0), ("x", 1)]
    assert trainings(ask(*three)) == [("a.npy", 0), ("b.npy", 0), ("c.npy", 0)]
    assert trainings(ask(three[0], label=["theirs"], seed=[4])) == [("theirs", 4)]


def test_what_does_not_say_which_training_a_source_is_is_refused(three: list[Path]) -> None:
    with pytest.raises(
        UsageError, match="--label is given 2 times for 3 sources; give it once, or once for each source"
    ):
        ask(*three, label=["x", "y"])
    with pytest.raises(UsageError, match="--seed is given 2 times for 3 sources"):
        ask(*three, seed=[0, 1])
    with pytest.raises(UsageError, match="--seed is given 2 times for 1 source; give"):
        ask(three[0], seed=[0, 1])
    with pytest.raises(UsageError, match="--seed 1 is given twice for 'x'"):
        ask(*three, label=["x"], seed=[0, 1, 1])


def test_seeds_that_count_up_stay_below_the_largest(three: list[Path]) -> None:
    most = 2**63 - 1
    assert trainings(ask(*three[:2], label=["x"], seed=[most - 1])) == [("x", most - 1), ("x", most)]
    assert trainings(ask(*three[:2], label=["x", "y"], seed=[most])) == [("x", most), ("y", most)]
    with pytest.raises(UsageError, match=rf"^--seed {most - 1}: the seeds that count up from it must be below 2\^63"):
        ask(*three, label=["x"], seed=[most - 1])


def test_equal_samples_are_not_two_trainings(three: list[Path], tmp_path: Path) -> None:
    copy = array(tmp_path / "copy.npy", REAL[:100])
    error = ask(*three, copy, label=["theirs"]).error
    assert "a.npy and " in error
    assert error.endswith(
        "copy.npy contain the same samples and would count as two trainings of 'theirs'; leave one out"
    )
    assert "would count as two trainings" in ask(copy, copy, label=["theirs"]).error
    assert trainings(ask(three[0], copy, label=["one", "other"])) == [("one", 0), ("other", 0)]


def test_the_seed_of_samples_that_are_all_scored_changes_nothing_and_is_said_to(three: list[Path]) -> None:
    (plain,) = ask(three[0]).planned
    (planned,) = ask(three[0], seed=[3]).planned
    assert planned.spec == plain.spec
    assert "all samples of 'a.npy' are scored, so --seed 3 changes nothing" in planned.warnings
    (some,) = ask(three[0], seed=[3], num_samples=50).planned
    assert some.spec.seed == 3


def test_trials_that_were_scored_before_keep_their_names(three: list[Path]) -> None:
    (planned,) = ask(three[0]).planned
    stored = planned.spec.model_dump(mode="json")["source"]
    assert "named" not in stored
    assert "channels" not in stored
    assert ask(three[0], label=["a.npy"]).planned[0].spec.trial_id != planned.spec.trial_id


def test_the_reference_is_read_once_for_all_sources(
    three: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = reads_of_digits(monkeypatch)
    fewer = array(tmp_path / "fewer.npy", REAL[300:370])
    assert len(ask(*three, fewer).planned) == 4
    assert sorted(read) == ["test", "train"]


def opened(found: PlanAnswer) -> torch.Tensor:
    assert found.error == ""
    (planned,) = found.planned
    assert planned.spec.source is not None
    given = sources.reopen(planned.spec.source, Path(planned.source), planned.spec.data.shape, CPU, sources.unsaid)
    assert isinstance(given, Samples)
    return given.data


def test_colour_is_scored_as_grey_where_that_is_asked_for(tmp_path: Path) -> None:
    grey = with_channels(COLOUR, 1)
    folder = tmp_path / "colour"
    folder.mkdir()
    for index, image in enumerate(COLOUR):
        Image.fromarray(image.permute(1, 2, 0).numpy()).save(folder / f"{index:03}.png")
    found = ask(folder, channels=1)
    assert torch.equal(opened(found), grey)
    assert found.planned[0].spec.loss_label == "colour[channels=1]"
    for name, values in (("first.npy", COLOUR), ("last.npy", COLOUR.permute(0, 2, 3, 1))):
        assert torch.equal(opened(ask(array(tmp_path / name, values), channels=1)), grey)
    assert torch.equal(opened(ask(array(tmp_path / "grey.npy", grey), channels=1)), grey)


def test_grey_is_scored_as_colour_where_that_is_asked_for(tmp_path: Path) -> None:
    reference = str(array(tmp_path / "reference.npy", COLOUR))
    for name, values in (("n1hw.npy", REAL[:100]), ("nhw.npy", REAL[:100, 0])):
        path = array(tmp_path / name, values)
        options: Any = {"against": reference, "extractor": "stacked-digits"}
        assert "make them colour with --channels 3" in ask(path, **options).error
        assert torch.equal(opened(ask(path, channels=3, **options)), REAL[:100].expand(-1, 3, -1, -1))
        assert "--channels 1: the reference's images have 3" in ask(path, channels=1, **options).error


class Coloured(nn.Module):
    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.tanh(z[:, :3, None, None] * torch.linspace(-2, 2, 16)).expand(-1, -1, 16, -1)


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore:.*torch.jit:DeprecationWarning")
def test_a_generator_of_colour_is_taken_where_grey_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "g.pt"
    torch.jit.script(Coloured().eval()).save(str(path))
    assert "1x16x16; make them grey with --channels 1" in ask(path, latent_dim=6).error
    found = ask(path, latent_dim=6, channels=1)
    assert found.error == ""
    source = found.planned[0].spec.source
    assert source is not None
    assert source.channels == 1


def test_a_trial_is_named_as_everywhere_where_there_is_no_such_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs, registry = tmp_path / "others", plugins.load().registry
    folder = make_trial(runs, make_spec())
    folder.generator.touch()
    (source,) = to_request([Path("vanilla-dcgan")], registry, against="digits", device="cpu", runs=runs).sources
    assert (source.trial, source.path) == (True, str(folder.path))
    with pytest.raises(UsageError, match="--against vanilla-dcgan is not a dataset, a file or a folder"):
        to_request([Path("a.npy")], registry, against="vanilla-dcgan", device="cpu")
    plan = to_request([Path("a.npy")], registry, against="vanilla-dcgan", device="cpu", runs=runs).plan
    assert (plan.datasets[0].name, plan.num_samples) == ("digits", make_spec().evaluation.num_samples)
    Path("vanilla-dcgan").mkdir()  # what is there goes before
    (source,) = to_request([Path("vanilla-dcgan")], registry, against="digits", device="cpu", runs=runs).sources
    assert (source.trial, source.path) == (False, str(tmp_path / "vanilla-dcgan"))
