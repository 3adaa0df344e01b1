"""Requests that cannot be run: one line that says what is wrong, exit code 2, and nothing written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ganbench.cli import dry_run
from ganbench.processes.server import Server
from ganbench.running import runner, shown
from tests.commands import ganbench
from tests.fuzz.inputs import run_command


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One worker's process for all requests of this module that it refuses: each imports torch."""
    server = Server(threads=1, device="cpu")
    yield server
    server.close()


@pytest.fixture
def refuse(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command that is refused: in one line, with exit code 2; return that line."""

    @contextmanager
    def shared(*_: object, **__: object) -> Iterator[Callable[[], Server]]:
        yield lambda: server

    monkeypatch.setenv("GANBENCH_CACHE", str(tmp_path / "cache"))
    for module in (runner, dry_run):
        monkeypatch.setattr(module, "shared_server", shared)

    def refused(*words: str) -> str:
        code, output, messages = run_command([*words], tmp_path)
        beside = capfd.readouterr()  # of the worker
        messages += beside.err
        assert code == 2
        assert "Traceback" not in messages
        complaints = [line for line in messages.splitlines() if line.startswith("ganbench:")]
        assert len(complaints) == 1
        assert output + beside.out == ""
        assert not (tmp_path / "runs").exists(), "not even the folder of trials"
        return complaints[0]

    return refused


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--losses", "vanila", "--arch", "dcgan"], "did you mean 'vanilla'?"),
        (["run", "--losses", "vanilla", "--arch", "dcgn"], "did you mean 'dcgan'?"),
        (["run", "--arch", "dcgan"], "no losses"),
        (["run", "--losses", "vanilla"], "no architectures"),
        (["run", "--losses", "vanilla[", "--arch", "dcgan"], "do not match"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--dataset", "ring"], "'dcgan' makes images"),
        (["run", "--losses", "wgan-gp+gp", "--arch", "dcgan"], "already has a penalty"),
        (["run", "--losses", "wgan-gp[lambda=1]", "--arch", "dcgan"], "did you mean 'lambda_gp'?"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--set", "n_critc=2"], "did you mean 'n_critic'?"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--set", "n_critic=0"], "n_critic=0"),
        (
            ["run", "--losses", "hinge", "--arch", "mlp", "--dataset", "ring", "--set", "augment=translation"],
            "transforms images",
        ),
        (["run", "--losses", "hinge", "--arch", "dcgan", "--set", "smoothing_real=0.1"], "no labels to smooth"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--dataset", "folder:nowhere"], "nowhere"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--batch-size", "5000"], "--batch-size"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--seeds", "x"], "seeds 'x'"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--device", "tpu"], "device 'tpu'"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--out", "/proc/nowhere"], "/proc/nowhere"),
        (
            ["run", "--losses", "vanilla", "--arch", "dcgan", "--dry-run", "--format", "csv"],
            "--dry-run prints no table in the format csv; leave --format out, or use --format json",
        ),
        (
            ["reproduce", "pacgan-table1", "--dry-run", "--format", "markdown"],
            "--dry-run prints no table in the format markdown; leave --format out, or use --format json",
        ),
        (["run", "--suite", "nowhere.toml"], "nowhere.toml"),
        (["run", "--losses", "vanilla", "--arch", "dcgan", "--metrics", "modes"], "metric 'modes' needs mixture"),
        (["results", "nowhere"], "no folder of trials or leaderboard at nowhere"),
        (["results", "/proc/version"], "/proc/version is a file, not a folder of trials"),
        (
            ["run", "--losses", "vanilla", "--arch", "mlp", "--out", "/proc/version", "--dry-run"],
            "/proc/version is a file",
        ),
        (["run", "--losses", "vanilla", "--arch", "mlp", "--set", "g_lr=nan"], "--set g_lr: 'nan' is not a finite"),
        (["run", "--losses", "vanilla", "--arch", "mlp[width=inf]"], "width in 'mlp[width=inf]': 'inf' is not"),
        (["run", "--losses", "vanilla", "--arch", "mlp", "--tracker", "tensorboard[log=x]", "--dry-run"], "'logdir'?"),
        (["sample", "nowhere"], "no trial 'nowhere', neither as a folder nor in runs"),
        (["run", "--losses", "vanilla lsgan", "--arch", "mlp"], "separate names with commas: vanilla,lsgan"),
        (["run", "--losses", "vanilla", "lsgan"], "(lsgan); lists are written with commas and without spaces, as in"),
        (["run", "--losses", "vanilla", "--arch", "mlp,", "dcgan"], "without spaces, as in --architectures A,B (see"),
        (
            ["results", "runs", "--columns", "loss,", "fid"],
            "(fid); lists are written with commas and without spaces, as in",
        ),
        (["results", "runs", "other", "--columns", "fid"], "unexpected extra argument (other) (see"),
        (["runs", "list", "."], "(.); the folder of trials is named with an option, as in --out . (see"),
        (["results", "runs", "."], "unexpected extra argument (.) (see"),
        (["show", "wgn"], "did you mean 'wgan'?"),
        (["show", "dcgan", "--kind", "loss"], "there is no loss 'dcgan'; there is an architecture of that name"),
        (["show", "hinge", "--kind", "penalty"], "there is no penalty 'hinge'; there is a loss of that name"),
        (["show", "ganbench-spiral:spiral"], "; it comes with the package ganbench-spiral;"),
        (["list", "loses"], "did you mean 'losses'?"),
        (["rn"], "did you mean 'run'?"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(arguments: list[str], words: str, refuse: Callable[..., str]) -> None:
    assert words in refuse(*arguments)


def test_a_refusal_of_the_worker_is_one_line_of_the_command(tmp_path: Path) -> None:
    """Of the command in a process of its own, with a worker of its own."""
    answer = ganbench("run", "--losses", "wgan-gp+gp", "--arch", "dcgan", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stdout == ""
    (line,) = (line for line in answer.stderr.splitlines() if line.startswith("ganbench:"))
    assert "already has a penalty" in line
    assert "Traceback" not in answer.stderr


def test_a_suite_with_an_unknown_key_names_the_line(tmp_path: Path, refuse: Callable[..., str]) -> None:
    (tmp_path / "suite.toml").write_text('losses = ["vanilla"]\narchitectures = ["dcgan"]\nsteppes = 5\n')
    assert "suite.toml, line 3: unknown key 'steppes'; did you mean 'steps'?" in refuse("run", "--suite", "suite.toml")


def test_a_non_image_in_a_folder_is_named_before_anything_trains(tmp_path: Path, refuse: Callable[..., str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "notes.txt").write_text("not an image")
    assert "notes.txt" in refuse("run", "--losses", "vanilla", "--arch", "dcgan", "--dataset", f"folder:{photos}")


def test_a_setting_may_have_parameters_with_commas(refuse: Callable[..., str]) -> None:
    arguments = ["run", "--losses", "vanilla", "--arch", "dcgan[width=8]", "--steps", "2", "--dry-run"]
    line = refuse(*arguments, "--set", "augment=translation[shift=0.1,nowhere=2],n_critic=2")
    assert "augmentation 'translation' has no parameter 'nowhere'" in line


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--losses", "vanilla", "--arch", "mlp", "--dataset", "ring"],
        ["reproduce", "pacgan-table1", "--row", "GAN"],
    ],
    ids=lambda words: words[0],
)
def test_ctrl_c_while_planning_says_how_to_go_on(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shown, "run_shown", interrupted)
    code, output, messages = run_command([*words, "--device", "cpu"], tmp_path)
    assert (code, output) == (130, "")
    (line,) = (line for line in messages.splitlines() if line)
    assert line == "ganbench: interrupted; the same command starts again, from the checkpoints that there are"
