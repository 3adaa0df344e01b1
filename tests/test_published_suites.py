"""The committed suites of published tables on CIFAR-10: each is planned as it stands, and trains what it names."""

import json
import re
from pathlib import Path

import pytest

from ganbench import components, plugins
from ganbench.cli import main
from ganbench.datasets.cifar import CIFAR10, TEN
from ganbench.leaderboard.reproduction import compare, read, restrict
from ganbench.plan import Planned, PlanRequest
from ganbench.planning.suite import Suite, to_request
from ganbench.records.folder import TrialFolder
from ganbench.resolving.plans import answer
from ganbench.spec import Execution, TrialFile
from ganbench.store.results import read_rows
from ganbench.trial import run_trial
from tests.cifar_files import CLASSES, accept, write
from tests.commands import ganbench
from tests.inception import random_weights
from tests.published import LEADERBOARDS

LOADED = plugins.load()
ON_CIFAR = sorted(LEADERBOARDS.glob("collections-*.toml"))
WEIGHTS = {
    # Without the biases of the generator's first layer, and of what a batch norm follows.
    "sndcgan": (3_584_003 - 8_192 - 256 - 128 - 64, 5_860_865),
    # Without the biases in the generator's blocks; the authors' SNGAN has one fewer in the discriminator.
    "resnet": (4_276_739 - 9 * 256, 1_053_825),
}
"""Parameters of generator and discriminator: those of the authors' code, but for what docs/published.md names."""
FEW = {"steps": 2, "batch_size": 4, "num_samples": 40, "extractor": "stacked-mnist"}
"""Of the networks at their whole width."""


PRINTED = {
    "collections-wgan-cnn": {"WGAN(CNN)": (40.03, 6.62), "WGAN-GP(CNN)": (19.83, 7.66)},
    "collections-sngan-cnn": {"SNGAN(CNN)": (17.81, 7.84)},
    "collections-wgangp-resnet": {"WGAN-GP(ResNet)": (16.95, 7.95)},
    "collections-sngan-resnet": {"SNGAN(ResNet)": (14.32, 8.31)},
}


@pytest.mark.parametrize("path", ON_CIFAR, ids=lambda path: path.stem)
def test_numbers_and_settings_are_the_authors(path: Path) -> None:
    suite, published = read(path)
    assert {cell.name: (cell.values["fid"][0], cell.values["is"][0]) for cell in published.cells} == PRINTED[path.stem]
    assert published.runs == 1
    cnn, sngan = path.stem.endswith("cnn"), "sngan" in path.stem
    networks = {"batch_size": 128, "n_critic": 1, "latent_dim": 100}
    if not cnn:
        networks = {"batch_size": 64, "n_critic": 5, "latent_dim": 128}
    rates = {"g_lr": 2e-4, "d_lr": 2e-4, "beta1": 0.0, "beta2": 0.9, "lr_schedule": "linear"}
    mirror = 0.0 if sngan else 0.5
    assert suite.settings() == networks | rates | {"steps": 100_000, "g_batches": 2, "mirror": mirror}
    assert (suite.num_samples, suite.reference, suite.extractor) == (50_000, "train", "inception")
    # Nothing from the losses' own papers is mixed in.
    assert suite.protocol == "uniform"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Files of CIFAR-10 in the true format, of 30 images each, whose MD5 sums are expected."""
    write(tmp_path / "data", CIFAR10, CLASSES, 30)
    for path in (tmp_path / "data" / TEN.folder).iterdir():
        accept(path, monkeypatch)
    return tmp_path / "data"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_weights(tmp_path_factory.mktemp("weights") / "inception.pth")


def plan(request: PlanRequest, _server: object = None) -> tuple[Planned, ...]:
    """The worker's answer, from this process: in another one the small files would be damaged ones."""
    found = answer(request)
    assert found.error == ""
    return found.planned


@pytest.mark.parametrize("path", ON_CIFAR, ids=lambda path: path.stem)
def test_it_is_planned_as_published(
    path: Path,
    data: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GANBENCH_INCEPTION_WEIGHTS", str(weights))
    monkeypatch.setattr("ganbench.cli.dry_run.plan", plan)
    out = tmp_path / "runs"
    with pytest.raises(SystemExit) as ended:
        main(["reproduce", path.stem, "--dry-run", "--data-root", str(data), "--out", str(out), "--device", "cpu"])
    text = capsys.readouterr().out
    assert ended.value.code == 0
    _, published = read(path)
    for cell in published.cells:
        fid, score = cell.values["fid"], cell.values["is"]
        assert (fid[1], score[1]) == (None, None), "what stands beside the scores is an error over splits"
        lines = [line for line in text.splitlines() if line.startswith(f"cifar10   {cell.name} ")]
        assert [re.split(r"  +", line)[2:4] for line in lines] == [["FID", f"{fid[0]:.2f}"], ["IS", f"{score[0]:.2f}"]]
    assert "100,000 of the published 100,000 steps per trial, 5 seeds (published: 1)" in text
    assert not out.exists()


@pytest.mark.parametrize("path", ON_CIFAR, ids=lambda path: path.stem)
def test_what_it_trains_stands_beside_print(path: Path, data: Path, tmp_path: Path) -> None:
    """The networks at their whole width, in one step of small batches."""
    suite, published = restrict(*read(path), rows=[], datasets=[], scale=1e-5)
    assert suite.steps == 1
    given = Suite(seeds="1", data_root=str(data), batch_size=4, num_samples=20, extractor="stacked-mnist")
    request, _ = to_request(suite, given, LOADED.registry)
    for cell in plan(request):
        spec = cell.spec
        assert spec.loss is not None
        assert spec.architecture is not None
        # Where nothing else bounds the discriminator.
        assert spec.architecture.parameters["spectral_norm"] == str(spec.loss.name == "hinge").lower()
        folder = TrialFolder(tmp_path / "runs" / spec.trial_id)
        folder.path.mkdir(parents=True)
        execution = Execution(device="cpu", data_root=str(data))
        folder.write_spec(TrialFile(trial_id=spec.trial_id, spec=spec, execution=execution))
        assert run_trial(folder) == "done"
        architecture = components.rebuild("architecture", spec.architecture, LOADED.registry)
        networks = architecture.build((3, 32, 32), spec.recipe.latent_dim)
        counts = tuple(sum(weight.numel() for weight in network.parameters()) for network in networks)
        assert counts == WEIGHTS[spec.architecture.name]
    found = compare(published, read_rows(tmp_path / "runs")[0])
    assert len(found) == 2 * len(published.cells)
    assert [comparison.verdict for comparison in found] == ["one seed"] * len(found)


def test_without_its_data_the_rest_is_told_and_one_line_says_what_is_missing(tmp_path: Path) -> None:
    environment = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    arguments = ("reproduce", "collections-wgan-cnn", "--device", "cpu")
    begin, end = "cifar10: data_batch_1,", "or name the folder that contains cifar-10-batches-py with --data-root"
    told = ganbench(*arguments, "--dry-run", cwd=tmp_path, **environment)
    assert (told.returncode, told.stderr) == (0, "")
    *table, blank, first, second, missing, cost = told.stdout.splitlines()
    values = [re.split(r"  +", line)[:4] for line in table if line.startswith("cifar10")]
    assert values == [
        ["cifar10", "WGAN(CNN)", "FID", "40.03"],
        ["cifar10", "WGAN(CNN)", "IS", "6.62"],
        ["cifar10", "WGAN-GP(CNN)", "FID", "19.83"],
        ["cifar10", "WGAN-GP(CNN)", "IS", "7.66"],
    ]
    assert (blank, first) == ("", "row       wgan[clip=0.1] · sndcgan[width=64] · cifar10 · seeds 0-4")
    assert second == "row       wgan-gp · sndcgan[width=64] · cifar10 · seeds 0-4"
    assert missing.startswith(f"data      cannot be read here, so neither settings nor time are told: {begin}")
    assert missing.endswith(end)
    assert cost == "cost: 10 trials of 100,000 steps, 1,000,000 in all"
    record = json.loads(ganbench(*arguments, "--dry-run", "--format", "json", cwd=tmp_path, **environment).stdout)
    assert (record["dry_run"], record["cost"]) == (None, cost)
    assert missing.endswith(record["missing"])
    assert not (tmp_path / "runs").exists()
    refused = ganbench(*arguments, "--quiet", cwd=tmp_path, **environment)
    assert (refused.returncode, refused.stdout) == (2, "")
    [line] = refused.stderr.splitlines()
    assert line.startswith(f"ganbench: {begin}")
    assert line.endswith(end)


def test_without_a_name_those_there_are_are_named(tmp_path: Path) -> None:
    answer = ganbench("reproduce", "--dry-run", cwd=tmp_path)
    assert (answer.returncode, answer.stdout) == (2, "")
    [line] = answer.stderr.splitlines()
    assert line.startswith("ganbench: no published table was named; choose one of: collections-sngan-cnn, ")
