"""What the shell completes of a word: the names of components, trials, kinds, settings and tables."""

from pathlib import Path

import pytest
from click.shell_completion import BashComplete

from ganbench.cli import cli
from ganbench.registry import PLURALS
from ganbench.spec import Recipe
from tests.trials import trial


def complete(*words: str) -> list[str]:
    """What bash is told, after the words before the last one."""
    *before, last = words
    shell = BashComplete(cli, {}, "ganbench", "_GANBENCH_COMPLETE")
    return [shell.format_completion(item) for item in shell.get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["run", "--losses", "wgan-"], ["plain,wgan-gp", "plain,wgan-lp"]),
        (["run", "--losses", "hinge,wgan-g"], ["plain,hinge,wgan-gp"]),
        (["run", "--losses", "hinge+r"], ["plain,hinge+r1", "plain,hinge+r2"]),
        (["run", "--arch", "dcgan,sn"], ["plain,dcgan,sndcgan"]),
        (["run", "--dataset", "ri"], ["plain,ring"]),
        (["run", "--executor", "sl"], ["plain,slurm"]),
        (["run", "--set", "n_cr"], ["plain,n_critic=", "plain,n_critic_boost="]),
        (["run", "--set", "steps=3,ema_d"], ["plain,steps=3,ema_decay="]),
        (["show", "wgan-g"], ["plain,wgan-gp"]),
        (["list", "pen"], ["plain,penalties"]),
        (["show", "gp", "--kind", "pen"], ["plain,penalty"]),
        (["reproduce", "pacgan-table1"], ["plain,pacgan-table1"]),
    ],
)
def test_what_has_been_typed_is_completed(words: list[str], found: list[str]) -> None:
    assert complete(*words) == found


def test_every_kind_and_every_setting_is_offered() -> None:
    assert complete("list", "") == [f"plain,{kind}" for kind in PLURALS.values()]
    assert complete("run", "--set", "") == [f"plain,{name}=" for name in Recipe.model_fields]


def test_a_trial_is_completed_by_its_name_else_as_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = [trial(Path("runs"), "hinge", seed, 1.0).path.name for seed in range(2)]
    (other,) = (trial(Path("elsewhere"), "hinge", 7, 1.0).path.name,)
    for command in (["runs", "show"], ["runs", "verify"], ["runs", "export"], ["sample"]):
        assert complete(*command, names[0][:-3]) == [f"plain,{names[0]}"]
        assert complete(*command, "hinge") == [f"plain,{name}" for name in sorted(names)]
    assert complete("runs", "show", "--out", "elsewhere", "") == [f"plain,{other}"]
    assert complete("sample", "elsewhere/h") == ["file,elsewhere/h"]
