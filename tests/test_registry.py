"""Names to components: what is found, what is refused and in which words."""

import sys
from pathlib import Path

import pytest

from ganbench.errors import UsageError, did_you_mean
from ganbench.registry import KINDS, PLURALS, Broken, Entry, Registry


def entry(name: str, distribution: str = "ganbench-x", kind: str = "loss", target: str = "json:JSONDecoder") -> Entry:
    return Entry(
        kind=kind, name=name, target=target, summary="", paper="", argument="", distribution=distribution, version="1.2"
    )


def filled(*entries: Entry) -> Registry:
    registry = Registry()
    for each in entries:
        registry.add(each)
    return registry


def refusal(registry: Registry, name: str, kind: str = "loss") -> str:
    with pytest.raises(UsageError) as caught:
        registry.find(kind, name)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_name_is_found_among_its_kind_only() -> None:
    registry = filled(entry("gp", kind="loss"), entry("gp", kind="penalty", distribution="other"))
    assert registry.find("loss", "gp").distribution == "ganbench-x"
    assert registry.find("penalty", "gp").distribution == "other"
    assert "no metric 'gp'" in refusal(registry, "gp", "metric")


def test_a_near_miss_is_answered_with_the_closest_name() -> None:
    registry = filled(entry("vanilla"), entry("hinge"), entry("wgan-gp"))
    assert refusal(registry, "vanila") == "there is no loss 'vanila'; did you mean 'vanilla'?"
    assert refusal(registry, "wgangp").endswith("did you mean 'wgan-gp'?")


def test_a_name_of_another_kind_is_answered_with_that_kind() -> None:
    registry = filled(entry("dragan"), entry("dcgan", kind="architecture"), entry("r1", kind="penalty"))
    assert refusal(registry, "dcgan") == "there is no loss 'dcgan'; there is an architecture of that name"
    words = "there is no loss 'r1'; there is a penalty of that name: add it to a loss with '+', as in hinge+r1"
    assert refusal(registry, "r1") == words
    assert refusal(registry, "r1", "architecture").endswith("; there is a penalty of that name")


def test_parameters_in_parentheses_are_answered_with_brackets() -> None:
    registry = filled(entry("r1", kind="penalty"))
    for name in ("r1(gamma=0.1)", "r1(gamma=0.1"):
        words = f"there is no penalty '{name}'; write parameters in brackets, as in r1[key=value]"
        assert refusal(registry, name, "penalty") == words
    assert refusal(registry, "zz(gamma=0.1)", "penalty").endswith("; choose one of: r1")


def test_a_path_is_answered_with_how_data_of_ones_own_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my photos").mkdir()
    registry = filled(*(entry(name, kind="dataset") for name in ("array", "digits", "folder")))
    for path, written in (
        ("./photos", "folder:./photos"),
        ("my photos", "folder:my photos"),
        ("photos.zip", "folder:photos.zip"),
        ("data/ours.npz", "array:data/ours.npz"),
        ("OURS.NPY", "array:OURS.NPY"),
    ):
        words = f"there is no dataset '{path}'; for data of your own write {written}"
        assert refusal(registry, path, "dataset") == words
    assert "there is no dataset 'aaa" in refusal(registry, "a" * 5000, "dataset")  # no file has such a name
    assert refusal(registry, "photos", "dataset").endswith("; choose one of: array, digits, folder")


def test_a_far_miss_is_answered_with_the_list() -> None:
    registry = filled(entry("vanilla"), entry("hinge"))
    assert refusal(registry, "zzz") == "there is no loss 'zzz'; choose one of: hinge, vanilla"
    assert refusal(Registry(), "zzz").startswith(
        "there is no loss 'zzz'; no package registers one: is ganbench installed"
    )


def test_two_packages_with_one_name_conflict_only_when_it_is_used() -> None:
    registry = filled(entry("rpgan", "ganbench-a"), entry("rpgan", "ganbench-b"), entry("hinge"))
    assert registry.find("loss", "hinge").name == "hinge"
    message = refusal(registry, "rpgan")
    assert "'ganbench-a:rpgan'" in message
    assert "'ganbench-b:rpgan'" in message
    assert registry.find("loss", "ganbench-b:rpgan").distribution == "ganbench-b"
    assert [[each.distribution for each in group] for group in registry.conflicts()] == [["ganbench-a", "ganbench-b"]]


def test_the_short_name_of_a_component_means_no_other() -> None:
    registry = filled(
        *(entry("vanilla", distribution) for distribution in ("evil", "ganbench")),
        *(entry("rpgan", distribution) for distribution in ("one", "two")),
        entry("own", "one"),
    )
    short = [registry.short_name(each) for each in registry.entries("loss")]
    assert sorted(short) == ["evil:vanilla", "one:rpgan", "own", "two:rpgan", "vanilla"]
    for each in registry.entries("loss"):
        assert registry.find("loss", registry.short_name(each)) is each


def test_a_far_miss_of_many_is_answered_with_the_command_that_lists_them() -> None:
    registry = filled(*(entry(f"loss-{number}") for number in range(21)))
    assert refusal(registry, "zzz") == "there is no loss 'zzz'; 'ganbench list losses' lists what there is"
    assert refusal(registry, "x:zzz") == "there is no loss 'x:zzz'; 'ganbench list losses' lists what there is"


@pytest.mark.parametrize("order", [("ganbench", "evil"), ("evil", "ganbench")])
def test_a_built_in_is_never_shadowed(order: tuple[str, str]) -> None:
    registry = filled(*(entry("vanilla", distribution) for distribution in order))
    assert registry.find("loss", "vanilla").distribution == "ganbench"
    assert registry.find("loss", "evil:vanilla").distribution == "evil"


def test_an_unknown_distribution_is_refused_with_the_closest_qualified_name() -> None:
    registry = filled(entry("rpgan", "ganbench-a"))
    assert refusal(registry, "ganbench-b:rpgan").endswith("did you mean 'ganbench-a:rpgan'?")


@pytest.mark.parametrize(
    ("name", "package", "suggested"),
    [
        ("mygan", "ganbench-mygan", False),  # as the package is called
        ("extra", "ganbench-other", False),  # as its entry point is called
        ("extr", "ganbench-other", True),  # nearly so
        ("ragan", "ganbench-relativistic", False),  # a name that it is known to have
        ("ragn", "ganbench-relativistic", True),
        ("ganbench-other:zzz", "ganbench-other", False),
        ("zzz", "", True),
    ],
)
def test_a_plugin_that_is_broken_and_may_have_the_name_is_named_first(name: str, package: str, suggested: bool) -> None:
    registry = filled(entry("vanilla"), entry("wgan"))
    registry.broken += [
        Broken("ganbench-mygan", "main", "no"),
        Broken("ganbench-other", "extra", "no"),
        Broken("ganbench-relativistic", "main", "no"),
    ]
    said = refusal(registry, name)
    may = f"there is no loss '{name}'; the package {package}, which may have it, is broken (no); see 'ganbench plugins"
    others = f"there is no loss '{name}'; some installed packages are not in use (broken: ganbench-mygan, ganbench-oth"
    assert said.startswith(may if package else others)
    assert ("did you mean" in said or "choose one of" in said) == suggested
    assert "it comes with" not in said, "it is installed"


def test_names_are_sorted_and_listed_once() -> None:
    registry = filled(entry("b", "x"), entry("a", "x"), entry("b", "y"), entry("c", "x", kind="metric"))
    assert registry.names("loss") == ["a", "b"]
    assert [each.qualified for each in registry.entries("loss")] == ["x:a", "x:b", "y:b"]


def test_loading_follows_the_target() -> None:
    import json

    assert entry("x").load() is json.JSONDecoder
    assert entry("x", target="json:JSONDecoder.decode").load() is json.JSONDecoder.decode


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("no_such_module_here:X", "ModuleNotFoundError: No module named 'no_such_module_here'"),
        ("json:Missing", "AttributeError: module 'json' has no attribute 'Missing'"),
    ],
)
def test_what_cannot_be_imported_says_whose_it_is_and_why(target: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        entry("rpgan", target=target).load()
    message = str(caught.value)
    assert message.startswith("loss 'rpgan' of ganbench-x 1.2 cannot be used")
    assert target in message
    assert reason in message


@pytest.mark.parametrize("statement", ["raise RuntimeError('first\\nsecond')", "import sys; sys.exit(3)", "1 +"])
def test_a_module_that_ends_in_any_way_is_a_usage_error_in_one_line(
    statement: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ganbench_broken_component.py").write_text(statement)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError) as caught:
        entry("x", target="ganbench_broken_component:X").load()
    assert "\n" not in str(caught.value)
    sys.modules.pop("ganbench_broken_component", None)


def test_every_kind_has_a_hook_and_a_plural() -> None:
    assert PLURALS["penalty"] == "penalties"
    assert PLURALS["loss"] == "losses"
    assert all(hook == f"register_{PLURALS[kind]}" for kind, hook in KINDS.items())


def test_did_you_mean_is_empty_where_there_is_nothing() -> None:
    assert did_you_mean("x", []) == ""
