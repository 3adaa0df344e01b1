"""The page of settings names every key of a suite, every setting of a recipe and every environment variable."""

import re
from pathlib import Path
from typing import Literal, get_args, get_origin

import click
import pytest

from ganbench import session
from ganbench.cli.evaluate import evaluate
from ganbench.cli.run import run
from ganbench.planning.suite import Suite, load
from ganbench.resolving.data import DEFAULT_SAMPLES
from ganbench.spec import Recipe, format_scalar
from tests.planned import ask

REPOSITORY = Path(__file__).resolve().parents[1]
SUITE, RECIPE, VARIABLES = re.split(
    r"^## .*$", (REPOSITORY / "docs" / "settings.md").read_text("utf-8"), flags=re.MULTILINE
)[1:]
READ = re.compile(r"environ(?:\.get\(|\.setdefault\(|\[)\s*\"(\w+)\"|[\"`](_?GANBENCH_[A-Z0-9_]*[A-Z0-9])\b")


def cells(section: str) -> dict[str, list[str]]:
    """The rows of a section's table, by the name in the first cell."""
    rows = [re.split(r" (?<!\\)\| ", line.strip("| ")) for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row for row in rows}


def test_every_key_of_a_suite_has_a_row_and_its_example_is_one(tmp_path: Path) -> None:
    rows = cells(SUITE)
    assert list(rows) == list(Suite.model_fields)
    for key, (_, _, _, example, _) in rows.items():
        (tmp_path / "suite.toml").write_text(example.strip("`"))
        suite = load(tmp_path / "suite.toml")
        assert suite.model_fields_set == {key}, example


def test_the_default_number_of_fakes_is_told_with_its_limit() -> None:
    helps = [str(each.help) for command in (run, evaluate) for each in command.params
             if isinstance(each, click.Option) and each.name == "num_samples"]  # fmt: skip
    assert len(helps) == 2
    for told in (cells(SUITE)["num_samples"][2], *helps, str(session.run.__doc__)):
        assert f", at most {DEFAULT_SAMPLES:,}" in told


def test_the_default_steps_between_evaluations_are_told_as_they_are() -> None:
    (cell,) = ask(["vanilla"], ["mlp[hidden=8]"], recipe={"steps": 35}).planned
    assert cell.spec.evaluation.every == 35 // 5
    (option,) = (each for each in run.params if each.name == "eval_every" and isinstance(each, click.Option))
    words = cells(SUITE)["eval_every"][2]
    assert words == "a fifth of the steps"
    assert str(option.help).endswith(f"[default: {words}]")
    assert f"by default {words}" in str(session.run.__doc__)


def test_every_setting_of_a_recipe_has_a_row_with_its_default() -> None:
    rows = cells(RECIPE)
    assert list(rows) == list(Recipe.model_fields)
    for name, field in Recipe.model_fields.items():
        _, default, what = rows[name]
        assert default == f"`{format_scalar(field.default)}`"
        assert what.startswith(str(field.description))
        if get_origin(field.annotation) is Literal:
            assert all(f"`{value}`" in what for value in get_args(field.annotation))


@pytest.mark.parametrize("folder", ["ganbench", "plugins"])
def test_every_environment_variable_is_on_the_page(folder: str) -> None:
    sources = [path for path in (REPOSITORY / folder).rglob("*.py") if "tests" not in path.parts]
    found = {name for path in sources for match in READ.findall(path.read_text("utf-8")) for name in match if name}
    assert len(found) > (10 if folder == "ganbench" else 0)
    assert sorted(name for name in found if f"`{name}`" not in VARIABLES) == []


def test_the_page_names_no_variable_that_nothing_reads() -> None:
    sources = [path for folder in ("ganbench", "tests", "benchmarks") for path in (REPOSITORY / folder).rglob("*.py")]
    text = "\n".join(path.read_text("utf-8") for path in sources if path != Path(__file__))
    named = {name for name in re.findall(r"`(_?GANBENCH_\w+)`", VARIABLES) if "_CLIP_" not in name}
    assert sorted(name for name in named if name not in text) == []


def test_the_page_names_the_variable_of_every_extractor() -> None:
    from ganbench.extractors import clip
    from ganbench.extractors.inception import Inception
    from ganbench.extractors.pretrained import Pretrained
    from ganbench.extractors.vgg16 import VGG16

    classes: list[type[Pretrained]] = [Inception, VGG16, *clip.Clip.__subclasses__()]
    variables = [cls.variable for cls in classes]
    assert len(variables) == 11
    assert [name for name in variables if f"`{name}`" not in VARIABLES] == []
