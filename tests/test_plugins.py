"""Plugins as they are found on disk: fake distributions, good ones and every kind of bad one."""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path

import pytest

from ganbench import plugins
from ganbench.errors import UsageError
from ganbench.plugins import Plugin, Plugins, installed
from tests.distribution import write_distribution

GOOD = """
from ganbench import hookimpl

@hookimpl
def register_losses(register):
    register("rpgan", "json:JSONDecoder", summary="  Relativistic\\n pairing ", paper="arXiv:1807.00734")
"""

Install = Callable[..., str]
_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _nothing_else_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ganbench and what a test installs are found, whatever plugins this environment has."""

    def distributions() -> Iterator[metadata.Distribution]:
        for found in metadata.distributions():
            if Path(str(found.locate_file(""))) == tmp_path or found.metadata["Name"] == "ganbench":
                yield found

    monkeypatch.setattr(installed, "distributions", distributions)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one module into a folder on ``sys.path``; returns the module's name."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def install(distribution: str, source: str, *, point: str = "main", points: str = "", version: str = "1.5") -> str:
        module = f"fake_plugin_{next(_numbers)}"
        points = points or f"[ganbench]\n{point} = {module}\n"
        write_distribution(tmp_path, distribution, {module: source}, points=points, version=version)
        return module

    yield install
    for name in set(sys.modules) - before:
        if name.startswith("fake_plugin_"):
            del sys.modules[name]


def load(environ: Mapping[str, str] | None = None) -> Plugins:
    return plugins.load(environ=environ or {})


def only(loaded: Plugins, distribution: str) -> Plugin:
    found = [plugin for plugin in loaded.plugins if plugin.distribution == distribution]
    assert len(found) == 1
    return found[0]


def assert_the_rest_works(loaded: Plugins) -> None:
    assert loaded.registry.find("loss", "vanilla").distribution == "ganbench"
    assert all(plugin.status == "ok" for plugin in loaded.plugins if plugin.distribution == "ganbench")


def test_the_built_ins_come_through_entry_points() -> None:
    registry = load().registry
    for kind, name in {
        "loss": "wgan-gp",
        "penalty": "r1",
        "augmentation": "translation",
        "architecture": "resnet",
        "dataset": "digits",
        "metric": "fid",
        "extractor": "inception",
        "executor": "local",
    }.items():
        assert registry.find(kind, name).distribution == "ganbench"


def test_a_good_plugin_registers_and_says_where_it_comes_from(install: Install) -> None:
    module = install("Ganbench_RpGAN", GOOD)
    loaded = load()
    plugin = only(loaded, "ganbench-rpgan")
    assert (plugin.status, plugin.reason, plugin.module, plugin.version) == ("ok", "", module, "1.5")
    assert plugin.components == [("loss", "rpgan")]
    entry = loaded.registry.find("loss", "rpgan")
    assert (entry.summary, entry.paper) == ("Relativistic pairing", "arXiv:1807.00734")
    assert (entry.distribution, entry.version) == ("ganbench-rpgan", "1.5")


def test_the_component_itself_is_not_imported_by_loading(install: Install) -> None:
    install("ganbench-late", GOOD.replace("json:JSONDecoder", "fake_plugin_never_there:X"))
    loaded = load()
    assert only(loaded, "ganbench-late").status == "ok"
    with pytest.raises(UsageError, match="No module named 'fake_plugin_never_there'"):
        loaded.registry.find("loss", "rpgan").load()


BROKEN = {
    "import error": ("import fake_plugin_missing_dependency", "No module named 'fake_plugin_missing_dependency'"),
    "syntax error": ("def", "SyntaxError"),
    "exit at import": ("import sys; sys.exit('go away')", "go away"),
    "silent exit": ("raise SystemExit", "SystemExit"),
    "no hook": ("x = 1", "implements no hook"),
    "unknown hook": (GOOD.replace("losses(", "loss("), "no hook 'register_loss'; did you mean 'register_losses'?"),
    "wrapper": (
        "from ganbench import hookimpl\n@hookimpl(wrapper=True)\ndef trial_started(spec):\n    return (yield)",
        "trial_started is a hook wrapper, which is not supported; make it a plain hook",
    ),
    "wrapper of the old form": (
        "from ganbench import hookimpl\n@hookimpl(hookwrapper=True)\ndef register_losses(register):\n    yield",
        "register_losses is a hook wrapper",
    ),
    "unknown argument": (GOOD.replace("(register)", "(registrar)"), "registrar"),
    "raises in the hook": (
        "from ganbench import hookimpl\n@hookimpl\ndef register_losses(register):\n    1 / 0",
        "ZeroDivisionError: division by zero",
    ),
    "exits in the hook": (
        "from ganbench import hookimpl\n@hookimpl\ndef register_losses(register):\n    raise SystemExit(2)",
        "SystemExit: 2",
    ),
    "capital name": (GOOD.replace('"rpgan"', '"RpGAN"'), "'RpGAN' must consist of lower-case"),
    "name with a bracket": (GOOD.replace('"rpgan"', '"rp[gan"'), "'rp[gan' must consist of lower-case"),
    "empty name": (GOOD.replace('"rpgan"', '""'), "must consist of lower-case"),
    "name that is no text": (GOOD.replace('"rpgan"', "7"), "name must be text, not int"),
    "target without attribute": (GOOD.replace("json:JSONDecoder", "json"), "must look like 'package.module:Class'"),
    "target that is a path": (GOOD.replace("json:JSONDecoder", "a/b.py:X"), "must look like 'package.module:Class'"),
    "target that is a class": (GOOD.replace('"json:JSONDecoder"', "dict"), "target must be text, not type"),
    "summary that is no text": (GOOD.replace('paper="arXiv:1807.00734"', "paper=1807"), "paper must be text, not int"),
    "argument that is no text": (GOOD.replace('paper="arXiv:1807.00734"', "argument=5"), "argument must be text"),
    "argument that is no name": (GOOD.replace('paper="arXiv:1807.00734"', "argument='a b'"), "argument"),
    "same name twice": (GOOD + '    register("rpgan", "json:JSONEncoder")\n', "registered twice by the same plugin"),
    "summary by position": (GOOD.replace("summary=", ""), "TypeError: register() takes 2 positional arguments but 3"),
    "unknown setting": (GOOD.replace("paper=", "papper="), "papper"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_plugin_is_listed_with_its_reason_and_everything_else_works(
    install: Install, source: str, reason: str
) -> None:
    install("ganbench-bad", source)
    install("ganbench-good", GOOD.replace("rpgan", "good"))
    loaded = load()
    plugin = only(loaded, "ganbench-bad")
    assert plugin.status == "broken"
    assert reason in plugin.reason
    assert "\n" not in plugin.reason
    assert plugin.components == []
    assert only(loaded, "ganbench-good").status == "ok"
    assert loaded.registry.find("loss", "good").distribution == "ganbench-good"
    assert_the_rest_works(loaded)


def test_a_plugin_that_breaks_half_way_leaves_nothing_behind(install: Install) -> None:
    install("ganbench-half", GOOD + '    register("second", "not a target")\n')
    loaded = load()
    assert only(loaded, "ganbench-half").status == "broken"
    words = "no loss 'rpgan'; some installed packages are not in use \\(broken: ganbench-half; see"
    with pytest.raises(UsageError, match=words):
        loaded.registry.find("loss", "rpgan")


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        ("fake_plugin_that_is_not_there", "No module named 'fake_plugin_that_is_not_there'"),
        ("not a module!", "cannot be imported: AttributeError"),
    ],
)
def test_an_entry_point_to_nowhere_is_broken(install: Install, module: str, reason: str) -> None:
    install("ganbench-nowhere", "", points=f"[ganbench]\nmain = {module}\n")
    loaded = load()
    plugin = only(loaded, "ganbench-nowhere")
    assert plugin.status == "broken"
    assert reason in plugin.reason
    assert_the_rest_works(loaded)


def test_a_distribution_without_metadata_breaks_nothing(install: Install, tmp_path: Path) -> None:
    install("ganbench-bare", GOOD)
    (tmp_path / "ganbench_bare-1.5.dist-info" / "METADATA").unlink()
    assert_the_rest_works(load())


def test_a_hook_may_be_named_by_its_marker(install: Install) -> None:
    source = GOOD.replace("@hookimpl", '@hookimpl(specname="register_losses")').replace("def register_losses", "def f")
    install("ganbench-named", source)
    plugin = only(load(), "ganbench-named")
    assert (plugin.status, plugin.components) == ("ok", [("loss", "rpgan")]), plugin.reason


def test_a_hook_may_have_arguments_of_its_own_with_defaults(install: Install) -> None:
    install("ganbench-default", GOOD.replace("(register)", "(register, prefix='')"))
    plugin = only(load(), "ganbench-default")
    assert (plugin.status, plugin.components) == ("ok", [("loss", "rpgan")]), plugin.reason


def test_a_taken_name_is_an_error_only_when_used(install: Install) -> None:
    install("ganbench-a", GOOD)
    install("ganbench-b", GOOD)
    loaded = load()
    assert {plugin.status for plugin in loaded.plugins} == {"ok"}
    with pytest.raises(UsageError) as caught:
        loaded.registry.find("loss", "rpgan")
    assert "'ganbench-a:rpgan' or 'ganbench-b:rpgan'" in str(caught.value)
    assert loaded.registry.find("loss", "ganbench-a:rpgan").distribution == "ganbench-a"


def test_a_built_in_is_not_shadowed_by_an_installed_plugin(install: Install) -> None:
    install("aaa-first", GOOD.replace("rpgan", "vanilla"))
    registry = load().registry
    assert registry.find("loss", "vanilla").distribution == "ganbench"
    assert registry.find("loss", "aaa-first:vanilla").distribution == "aaa-first"


def test_plugins_come_in_the_order_of_distribution_and_name_after_the_built_ins(install: Install) -> None:
    install("ganbench-z", GOOD.replace("rpgan", "z"))
    install("aaa", GOOD.replace("rpgan", "a"))
    order = [(plugin.distribution, plugin.name) for plugin in load().plugins]
    built_in = [pair for pair in order if pair[0] == "ganbench"]
    assert order[: len(built_in)] == sorted(built_in)
    assert order[len(built_in) :] == sorted(order[len(built_in) :])
    assert {("aaa", "main"), ("ganbench-z", "main")} <= set(order)


def side_effect(tmp_path: Path) -> tuple[str, Path]:
    mark = tmp_path / "imported"
    return f"open({str(mark)!r}, 'w').close()\n{GOOD}", mark


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"GANBENCH_DISABLE_PLUGINS": "other, Ganbench_Side"}, "in GANBENCH_DISABLE_PLUGINS"),
        ({"GANBENCH_PLUGINS": "other"}, "not in GANBENCH_PLUGINS"),
        ({"GANBENCH_PLUGINS": ""}, "not in GANBENCH_PLUGINS"),
        (
            {"GANBENCH_PLUGINS": "ganbench-side", "GANBENCH_DISABLE_PLUGINS": "ganbench-side"},
            "in GANBENCH_DISABLE_PLUGINS",
        ),
    ],
)
def test_a_disabled_plugin_is_never_imported(
    install: Install, tmp_path: Path, environ: dict[str, str], reason: str
) -> None:
    source, mark = side_effect(tmp_path)
    install("ganbench-side", source)
    loaded = load(environ)
    plugin = only(loaded, "ganbench-side")
    assert (plugin.status, plugin.reason) == ("disabled", reason)
    assert not mark.exists()
    with pytest.raises(UsageError, match=r"are not in use \(disabled: .*ganbench-side.*see"):
        loaded.registry.find("loss", "nowhere")
    assert_the_rest_works(loaded)


def test_an_allowed_plugin_is_imported(install: Install, tmp_path: Path) -> None:
    source, mark = side_effect(tmp_path)
    install("ganbench-side", source)
    assert only(load({"GANBENCH_PLUGINS": "ganbench_side"}), "ganbench-side").status == "ok"
    assert mark.exists()


def test_built_ins_cannot_be_disabled() -> None:
    assert_the_rest_works(load({"GANBENCH_DISABLE_PLUGINS": "ganbench", "GANBENCH_PLUGINS": ""}))


def test_a_hook_that_fails_on_a_call_is_one_line_and_the_others_are_called(install: Install, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    listener = "from ganbench import hookimpl\n@hookimpl\ndef trial_finished(trial_id, status):\n    "
    install("ganbench-a", listener + "raise ValueError('first\\nsecond')\n")
    install("ganbench-aa", listener + "raise SystemExit(5)\n")
    install("ganbench-b", listener + f"open({str(heard)!r}, 'w').write(trial_id + ' ' + status)\n")
    problems = load().call("trial_finished", trial_id="t", spec={}, status="done", result={})
    assert problems == [
        "plugin ganbench-a failed in trial_finished: ValueError: first",
        "plugin ganbench-aa failed in trial_finished: SystemExit: 5",
    ]
    assert heard.read_text() == "t done"


def test_what_plugins_print_leaves_standard_output_to_the_table(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    hook = "@hookimpl\ndef trial_started(trial_id):\n    print(trial_id)\n"
    install("ganbench-a", f"from ganbench import hookimpl\nprint('hello')\n{hook}")
    assert load().call("trial_started", trial_id="t", spec={}) == []
    printed = capsys.readouterr()
    assert (printed.out, printed.err.split()) == ("", ["hello", "t"])
