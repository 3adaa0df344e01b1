"""Suites: files, overlays, and what is asked of the planner."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganbench import plugins
from ganbench.cli.run import run
from ganbench.errors import UsageError
from ganbench.planning.suite import Suite, load, parse, to_request, trackers_of

REGISTRY = plugins.load(environ={"GANBENCH_PLUGINS": ""}).registry
SMALL = {"losses": ["vanilla"], "architectures": ["dcgan"]}


def write(folder: Path, text: str) -> Path:
    path = folder / "suite.toml"
    path.write_text(text)
    return path


def test_a_file_says_what_the_command_line_would(tmp_path: Path) -> None:
    text = 'losses = ["vanilla", "hinge+r1[gamma=0.1]"]\narchitectures = "dcgan"\nseeds = [3]\n[recipe]\nn_critic = 2\n'
    request, seeds = to_request(load(write(tmp_path, text)), Suite(), REGISTRY)
    assert [one.loss.name for one in request.losses] == ["vanilla", "hinge"]
    assert request.losses[1].penalties[0].parameters == {"gamma": 0.1}
    assert seeds == (3,)
    assert request.suite_recipe == {"n_critic": 2}
    assert request.datasets[0].name == "digits"


def test_the_command_line_overrides_the_file_and_recipes_stay_apart() -> None:
    suite = parse({**SMALL, "steps": 10, "seeds": 5, "recipe": {"n_critic": 2}}, "the suite")
    given = parse({"losses": ["lsgan"], "steps": 20, "recipe": {"g_lr": 0.1}}, "the command line")
    request, seeds = to_request(suite, given, REGISTRY)
    assert [one.loss.name for one in request.losses] == ["lsgan"]
    assert seeds == (0, 1, 2, 3, 4)
    assert request.suite_recipe == {"n_critic": 2, "steps": 10}
    assert request.recipe == {"g_lr": 0.1, "steps": 20}


def test_everything_that_a_suite_says_is_asked_for_and_everything_that_is_given_instead() -> None:
    says = {
        "datasets": ["ring"], "seeds": 2, "images": 640, "metrics": ["fid"], "extractor": "digits", "num_samples": 50,
        "reference": "test", "labels": "balanced", "eval_every": 7, "protocol": "uniform", "baselines": True,
        "data_root": "there",
    }  # fmt: skip
    others = {
        "datasets": ["grid", "digits"], "seeds": "4,", "images": 128, "metrics": ["is", "kid"],
        "extractor": "inception", "num_samples": 60, "reference": "train", "labels": "reference",
        "eval_every": 0, "protocol": "paper", "baselines": False, "data_root": "elsewhere",
    }  # fmt: skip

    def asked(suite: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        request, seeds = to_request(parse(SMALL | suite, "the suite"), parse(given, "the command line"), REGISTRY)
        return {
            "datasets": [one.name for one in request.datasets], "seeds": seeds, "images": request.images,
            "metrics": [one.name for one in request.metrics or ()],
            "extractor": request.extractor.name if request.extractor else "", "num_samples": request.num_samples,
            "reference": request.reference_split, "labels": request.labels, "eval_every": request.eval_every,
            "protocol": request.policy, "baselines": request.baselines, "data_root": request.data_root,
        }  # fmt: skip

    assert asked(says, {}) == asked({}, says) == asked(others, says) == {**says, "seeds": (0, 1)}
    assert asked(says, others) == {**others, "seeds": (4,)}
    assert asked({}, {}) == {
        "datasets": ["digits"], "seeds": (0,), "images": None, "metrics": [], "extractor": "", "num_samples": None,
        "reference": None, "labels": None, "eval_every": None, "protocol": "paper", "baselines": False,
        "data_root": "data",
    }  # fmt: skip


def test_what_is_given_twice_is_refused_by_the_names_of_its_options() -> None:
    suite = parse(SMALL, "the suite")
    for name, option in (("steps", "--steps"), ("batch_size", "--batch-size")):
        with pytest.raises(UsageError, match=f"^{name} is set twice, with {option} and with --set; give it once$"):
            to_request(suite, Suite(**{name: 5, "recipe": {name: 6}}), REGISTRY)
        assert to_request(suite, Suite(recipe={name: 6}), REGISTRY)[0].recipe == {name: 6}
    with pytest.raises(UsageError, match="one run uses one extractor"):
        to_request(suite, Suite(extractor="digits,inception"), REGISTRY)


@pytest.mark.parametrize("steps", [{"steps": 3}, {"recipe": {"steps": 3}}])
def test_a_budget_of_steps_replaces_the_files_budget_of_images(steps: dict[str, Any]) -> None:
    suite = parse({**SMALL, "images": 1000}, "the suite")
    assert to_request(suite, Suite(), REGISTRY)[0].images == 1000
    request, _ = to_request(suite, Suite(**steps), REGISTRY)
    assert (request.images, request.recipe) == (None, {"steps": 3})
    with pytest.raises(UsageError, match="both set the budget"):
        to_request(suite, Suite(**steps, images=3), REGISTRY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("losses = [", "is not valid TOML"),
        ('losses = ["a"]\n\nlosess = 3\n', "line 3: unknown key 'losess'; did you mean 'losses'?"),
        ("[recipe]\nn_critic = 1\ng_lrr = 2\n", "line 3: unknown recipe setting 'g_lrr'; did you mean 'g_lr'?"),
        ("\nsteps = 0\n", "line 2: steps=0"),
        ('protocol = "best"\n', "line 1: protocol='best'"),
        ("[recipe]\nn_critic = 1\nlosses = 2\n", "line 3: unknown recipe setting 'losses'; it is a key of the suite"),
        ("n_critic = 1\n", "line 1: unknown key 'n_critic'; it is a setting of the recipe: write it below a line [rec"),
        ('\narch = ["dcgan"]\n', "line 2: unknown key 'arch'; did you mean 'architectures'?"),
        ('dataset = "digits"\n', "line 1: unknown key 'dataset'; did you mean 'datasets'?"),
        ("memory_limit = 3\n", "line 1: unknown key 'memory_limit'; how and where trials run is said with an option"),
    ],
)
def test_a_wrong_file_names_the_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(write(tmp_path, text))
    assert words in str(caught.value)
    assert "suite.toml" in str(caught.value)


@pytest.mark.parametrize(
    "option", sorted({name for parameter in run.params for name in parameter.opts if name.startswith("--")})
)
def test_every_option_of_a_run_is_a_key_or_its_word_in_a_suite_is_answered(option: str, tmp_path: Path) -> None:
    key = option.removeprefix("--")
    if key.replace("-", "_") not in Suite.model_fields:
        with pytest.raises(UsageError, match=r"did you mean '|said with an option of the command"):
            load(write(tmp_path, f"{key} = 1\n"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('losses = ["hing"]\narchitectures = "mlp"\n', "line 1: there is no loss 'hing'; did you mean 'hinge'?"),
        ('losses = "hinge"\narchitectures = ["mlp", "dcgn"]\n', "line 2: there is no architecture 'dcgn'; "),
        ('losses = "hinge"\narchitectures = "mlp"\n\ndatasets = "rings"\n', "line 4: there is no dataset 'rings'; "),
        ('losses = "hinge"\narchitectures = "mlp"\nmetrics = ["fidd"]\n', "line 3: there is no metric 'fidd'; "),
        ('losses = "hinge"\narchitectures = "mlp"\nseeds = -3\n', "line 3: seeds '-3' must be a count such as 5, or"),
        ('losses = "hinge"\narchitectures = "mlp"\nextractor = "incep["\n', "line 3: the brackets in"),
    ],
)
def test_a_name_that_nothing_has_is_said_with_its_line(text: str, words: str, tmp_path: Path) -> None:
    suite = load(write(tmp_path, text))
    with pytest.raises(UsageError) as caught:
        to_request(suite, Suite(), REGISTRY)
    assert str(caught.value).startswith(f"{tmp_path / 'suite.toml'}, {words}")


def test_what_was_given_instead_is_not_said_to_be_the_files(tmp_path: Path) -> None:
    suite = load(write(tmp_path, 'losses = "hinge"\narchitectures = "mlp"\ntrackers = "tensorbord"\n'))
    for given in (Suite(losses="hing"), Suite(architectures="mpl"), Suite(seeds="x"), Suite(seeds="")):
        with pytest.raises(UsageError, match=r"^(there is no|seeds 'x?')"):
            to_request(suite, given, REGISTRY)
    with pytest.raises(UsageError, match=r"suite\.toml, line 3: there is no tracker 'tensorbord'"):
        trackers_of(suite, Suite(), REGISTRY)
    with pytest.raises(UsageError, match=r"^there is no tracker 'x'"):
        trackers_of(suite, Suite(trackers="x"), REGISTRY)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the suite .*nowhere\.toml"):
        load(tmp_path / "nowhere.toml")


def test_a_grid_too_large_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 100000"):
        to_request(parse({**SMALL, "losses": ["vanilla,hinge"], "seeds": 60000}, "x"), Suite(), REGISTRY)
    with pytest.raises(UsageError, match="has 120000 trials"):
        to_request(parse({**SMALL, "architectures": ["dcgan,mlp"], "seeds": 60000}, "x"), Suite(), REGISTRY)
    assert len(to_request(parse({**SMALL, "seeds": 100000}, "x"), Suite(), REGISTRY)[1]) == 100000


@pytest.mark.parametrize("nothing", ["", " ", ","])
@pytest.mark.parametrize(
    ("axis", "words"),
    [
        ("losses", "no losses"),
        ("architectures", "no architectures"),
        ("datasets", "no datasets"),
        ("metrics", "no metrics"),
    ],
)
def test_a_list_of_nothing_is_no_grid_of_no_trials(axis: str, words: str, nothing: str) -> None:
    with pytest.raises(UsageError, match=words):
        to_request(parse(SMALL, "the suite"), parse({axis: [nothing]}, "the command line"), REGISTRY)


def test_the_trackers_of_a_suite_are_left_out_by_none_given() -> None:
    suite = Suite(trackers=("tensorboard",))
    assert [tracker.name for tracker in trackers_of(suite, Suite(), REGISTRY)] == ["tensorboard"]
    assert trackers_of(suite, Suite(trackers=("",)), REGISTRY) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps = true", "line 1: steps=True: must be a whole number, not true or false"),
        ("steps = 5\nimages = 100", "line 2: steps and images both set the budget"),
        ("images = 640\n[recipe]\nsteps = 100", "line 1: steps and images both set the budget"),
        ("steps = 5\n[recipe]\nsteps = 10", "line 1: steps is set twice, here and in"),
        ("batch_size = 5\n[recipe]\nbatch_size = 5", "line 1: batch_size is set twice, here and in"),
        ('extractor = ""', "line 1: extractor='': must not be empty"),
        ('extractor = " "', "line 1: extractor=' ': must not be empty"),
        ('steps = 5\nbaselines = "yes"', "line 2: baselines='yes': must be true or false"),
        ('steps = 5\ndata_root = " "', "line 2: data_root=' ': must not be empty"),
        ("data_root = 5", "line 1: data_root=5: must be a path"),
        ("baselines = 1", "line 1: baselines=1: must be true or false"),
        ("[recipe]\ng_lr = nan", "line 2: g_lr=nan"),
        ("[recipe]\nn_critic = 0", "line 2: n_critic=0"),
        ("\n\n[recipe.nested]\na = 1", "line 3: unknown recipe setting 'nested'"),
        ("\n\n[[recipe.nested]]\na = 1", "line 3: unknown recipe setting 'nested'"),
        ("\n\n[[recipe]]\na = 1", "line 3: recipe="),
        ("\nrecipe.g_lr = 0", "line 2: g_lr=0"),
    ],
)
def test_wrong_values_are_named_with_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text + "\n")
    with pytest.raises(UsageError, match=re.escape(f"{path}, ") + message):
        load(path)


def test_a_line_that_is_not_found_is_left_out(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"s\.toml: g_lr=0: must be greater than 0"):
        load(write(tmp_path, "\nrecipe = { n_critic = 2, g_lr = 0 }\n").rename(tmp_path / "s.toml"))


def test_a_number_of_thousands_of_digits_is_refused_with_the_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"suite\.toml contains a number with too many digits; .* below 2\^63"):
        load(write(tmp_path, f"steps = {'9' * 5000}"))


def test_a_mark_of_the_encoding_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b"\xef\xbb\xbfsteps = 5\n")
    assert load(path).steps == 5


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"g_lr": float("nan")}, "run(): g_lr=nan: must be a finite number"),
        ({"beta1": float("inf")}, "run(): beta1=inf: must be less than 1"),
        ({"g_lr": -1}, "run(): g_lr=-1: must be greater than 0"),
        ({"g_lrr": 1}, "run(): unknown recipe setting 'g_lrr'; did you mean 'g_lr'?"),
        ({"losses": "hinge"}, "run(): unknown recipe setting 'losses'; give it by itself"),
        ({5: 1}, "run(): unknown recipe setting '5'"),
    ],
)
def test_a_wrong_setting_without_a_file_is_told_as_whoever_gave_it(recipe: dict[Any, Any], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        parse({"recipe": recipe}, "run()")


def test_numbers_of_numpy_are_plain_ones() -> None:
    numbers = {"g_lr": np.float32(0.5), "n_critic": np.int64(2)}
    suite = parse({"recipe": numbers, "steps": np.int32(3), "seeds": np.int64(2)}, "run()")
    assert json.loads(json.dumps(suite.settings())) == {"g_lr": 0.5, "n_critic": 2, "steps": 3}
    assert (suite.seeds, type(suite.recipe["g_lr"])) == ("2", float)
    assert parse({"seeds": np.array([1, 7])}, "run()").seeds == "1,7,"
    assert parse({"seeds": iter([1, 7])}, "run()").seeds == "1,7,"
    with pytest.raises(UsageError, match="steps=True: must be a whole number"):
        parse({"steps": np.True_}, "run()")


@pytest.mark.parametrize("seeds", [[], True, [True], 1.5, [1, 2.5], {"a": 1}, b"5", bytearray(b"5")])
def test_seeds_are_a_count_or_a_list(seeds: Any) -> None:
    with pytest.raises(UsageError, match=r"must be a count such as 5, or a list such as \[0, 1, 7\]"):
        parse({"seeds": seeds}, "run()")


def test_a_folder_of_data_may_be_a_path_and_is_kept_as_it_was_written() -> None:
    assert parse({"data_root": Path("x") / "y"}, "run()").data_root == str(Path("x") / "y")
    assert parse({"data_root": "x/"}, "run()").data_root == "x/"
    assert parse({"data_root": None}, "run()").data_root is None
