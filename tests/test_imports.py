"""Who imports whom: the host loads no torch, the worker knows nothing of the host."""

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import ganbench

PACKAGE = Path(ganbench.__file__).parent
HEAVY = ("torch", "torchvision", "torch_fidelity", "pandas", "scipy", "sklearn", "matplotlib", "numpy", "safetensors")

# Every module belongs to one of these, with all below it that no other names; a new one is put where it belongs.
HOST = ("cleaning", "cli", "display", "executors", "leaderboard", "planning", "plugins.installer",
        "processes.interpreter", "processes.server", "provenance.fingerprint", "report", "running", "session",
        "statistics", "store", "tables", "trackers")  # fmt: skip
WORKER = ("api", "architectures", "augmentations", "components", "datasets", "evaluation", "extractors", "losses",
          "metrics", "penalties", "provenance.conditions", "provenance.cuda", "provenance.energy",
          "provenance.environment", "resolving", "seeds", "training", "trial", "worker")  # fmt: skip
SHARED = ("complaints", "errors", "external", "files", "grid", "hookspecs", "parameters", "places", "plan", "plugins",
          "processes", "protocol", "provenance", "recipe", "records", "registry", "schedule", "settings",
          "spec",
          "streams")  # fmt: skip
OTHERS = ("__main__", "explain", "processes.forkserver", "scaffold", "testing")
"""Entry points, what authors of plugins call, and a visitor; each has a rule of its own below or none."""

REGISTERING = ("losses", "penalties", "augmentations", "architectures", "datasets", "metrics")
# Commands that do a worker's job in their own process, and say so here: they draw, describe and diagnose.
VISITORS = {"ganbench.cli.check", "ganbench.cli.sample", "ganbench.cli.doctor", "ganbench.explain"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports anywhere, also inside functions; not what only a type checker sees."""

    class Visitor(ast.NodeVisitor):
        def __init__(self) -> None:
            self.found: list[str] = []

        def visit_If(self, node: ast.If) -> None:
            if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
                return
            self.generic_visit(node)

        def visit_Import(self, node: ast.Import) -> None:
            self.found += [alias.name for alias in node.names]

        def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
            assert node.level == 0, f"{path} imports relatively"
            # `from ganbench import plugins` imports ganbench.plugins.
            self.found += [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]

    visitor = Visitor()
    visitor.visit(ast.parse(path.read_text("utf-8")))
    yield from visitor.found


def place(name: str) -> str | None:
    """The longest name in the lists above that a module lies in."""
    given = (each for each in (*HOST, *WORKER, *SHARED, *OTHERS) if f"{name}.".startswith(f"ganbench.{each}."))
    return max(given, key=len, default=None)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return place(name) in packages


def heavy(name: str) -> bool:
    return name.split(".")[0] in HEAVY


ALL = dict(modules())


def test_every_module_named_here_is_there() -> None:
    """So that a rule is not kept because what it speaks of has been renamed."""
    for each in (*HOST, *WORKER, *SHARED, *OTHERS):
        assert f"ganbench.{each}" in ALL
    assert set(ALL) >= VISITORS


def test_every_module_has_its_place() -> None:
    """So that no module escapes the rules because nobody thought of it."""
    assert [name for name in ALL if place(name) is None] == ["ganbench"]
    assert max(Counter((*HOST, *WORKER, *SHARED, *OTHERS)).values()) == 1


def test_the_guide_for_contributors_names_every_room_in_its_half() -> None:
    guide = (Path(__file__).resolve().parents[1] / "docs" / "contributing.md").read_text("utf-8")
    told: dict[str, str] = {}
    for names, half in re.findall(r"^\| (`.*`) \| (host|worker|both|-) \|", guide, re.M):
        told |= {name.strip("`").removesuffix("/").removesuffix(".py"): half for name in names.split(", ")}
    halves = {"host": HOST, "worker": WORKER, "both": SHARED, "-": OTHERS}
    assert told.keys() == {name.split(".")[1] for name in ALL if name.count(".") == 1} - {"__main__"}
    assert [name for name, half in told.items() if name not in halves[half]] == []


def test_the_reader_of_imports_sees_them() -> None:
    found = set(imported(ALL["ganbench.trial"]))
    assert {"torch", "ganbench.training.loop", "ganbench.worker.together", "ganbench.plugins"} <= found
    assert "ganbench.trial" in set(imported(ALL["ganbench.processes.forkserver"]))  # inside a function
    assert "ganbench.processes.server" not in set(imported(ALL["ganbench.executors"]))  # for the type checker alone


def test_what_is_imported_is_declared() -> None:
    """What comes today only because something else needs it may stay away tomorrow."""
    project = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))["project"]
    required = [*project["dependencies"], *itertools.chain(*project["optional-dependencies"].values())]
    declared = {canonicalize_name(Requirement(each).name) for each in required} | {"pytest"}  # who loads its plugin
    theirs = {name.split(".")[0] for path in ALL.values() for name in imported(path)} - {"ganbench"}
    distributions = packages_distributions()
    undeclared = {
        name
        for name in theirs - sys.stdlib_module_names
        if declared.isdisjoint(map(canonicalize_name, distributions.get(name, [name])))
    }
    assert undeclared == set()


@pytest.mark.parametrize("name", [name for name in ALL if within(name, (*WORKER, "processes.forkserver"))])
def test_the_worker_imports_nothing_of_the_host(name: str) -> None:
    assert [each for each in imported(ALL[name]) if within(each, HOST)] == []


@pytest.mark.parametrize("name", [name for name in ALL if within(name, ("components", "training", "evaluation"))])
def test_what_a_trial_is_made_of_knows_nothing_of_the_trial_that_runs_nor_of_its_planning(name: str) -> None:
    assert [each for each in imported(ALL[name]) if within(each, ("resolving", "trial", "worker"))] == []


@pytest.mark.parametrize("name", [name for name in ALL if within(name, HOST) and name not in VISITORS])
def test_the_host_imports_nothing_of_the_worker(name: str) -> None:
    """Registration modules and the package's own names are shared; their components are not."""
    found = set(imported(ALL[name]))
    assert [each for each in found if within(each, WORKER)] == []
    allowed = {"pandas", "pandas.DataFrame"}  # the frame a user asks for
    if within(name, ("statistics",)):  # inside the functions that use them: the modules themselves are light
        allowed |= {each for each in found if each.split(".")[0] in ("numpy", "scipy")}
    assert {each for each in found if heavy(each)} <= allowed


@pytest.mark.parametrize("name", [name for name in ALL if within(name, ("store",))])
def test_the_store_knows_nothing_of_who_works_on_its_trials_nor_of_who_shows_them(name: str) -> None:
    above = ("display", "executors", "leaderboard", "planning", "report", "running", "tables", "trackers")
    assert [each for each in imported(ALL[name]) if within(each, above)] == []


@pytest.mark.parametrize("name", [name for name in ALL if within(name, SHARED)])
def test_what_both_import_belongs_to_neither_and_is_light(name: str) -> None:
    found = set(imported(ALL[name]))
    if name == "ganbench.plugins":  # inside build(), which is for the commands of plugins
        found -= {"ganbench.components"}
    assert [each for each in found if within(each, HOST) or within(each, WORKER)] == []
    assert [each for each in found if heavy(each)] == []


@pytest.mark.parametrize(
    "name",
    [f"ganbench.{kind}" for kind in REGISTERING],
)
def test_registration_modules_import_nothing_but_the_hooks(name: str) -> None:
    assert {each for each in imported(ALL[name]) if each.startswith("ganbench")} <= {
        "ganbench",
        "ganbench.hookimpl",
        "ganbench.hookspecs",
        "ganbench.hookspecs.Register",
        "ganbench.hookspecs.hookimpl",
    }


@pytest.mark.parametrize("name", [name for name in ALL if within(name, ("api",))])
def test_contracts_import_no_component(name: str) -> None:
    found = [each for each in imported(ALL[name]) if each.startswith("ganbench.")]
    assert [each for each in found if not within(each, ("api",))] == []


def test_contracts_have_one_public_address() -> None:
    """A package imports from ``ganbench.api`` whatever is defined inside it."""
    from ganbench import api
    from ganbench.api import architecture, augmentation, data, objectives, scoring

    defined = {
        name
        for module in (architecture, augmentation, data, objectives, scoring)
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    }
    assert defined | {"Kind", "Conditioning", "Constrained", "Need"} == set(api.__all__)


CHECK = f"""
import sys
{{}}
loaded = sorted({{{{name.split(".")[0] for name in sys.modules}}}} & set({HEAVY!r}))
sys.exit("loaded: " + ", ".join(loaded) if loaded else 0)
"""


def fresh(statements: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CHECK.format(statements)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "GANBENCH_PLUGINS": "", **environ},
    )


def test_the_check_can_fail() -> None:
    assert fresh("import numpy").stderr.strip() == "loaded: numpy"


def test_light_modules_load_nothing_heavy() -> None:
    """All in one process; where that fails, each is asked alone, so that the message names the culprits."""
    registering = {f"ganbench.{kind}" for kind in (*REGISTERING, "extractors", "trackers", "training", "evaluation")}
    light = {name for name in ALL if within(name, HOST) or within(name, SHARED)} - VISITORS
    light.remove("ganbench.trackers.tensorboard")  # a component: imported only where it is asked for
    light |= registering | {"ganbench", "ganbench.testing", "ganbench.testing.pytest_plugin", "ganbench.scaffold"}
    together = fresh("\n".join(f"import {name}" for name in sorted(light)))
    if together.returncode == 0:
        return
    culprits = {name: answer.stderr for name in light if (answer := fresh(f"import {name}")).returncode}
    pytest.fail(f"{culprits or together.stderr}")


def test_loading_all_plugins_loads_nothing_heavy() -> None:
    answer = fresh("from ganbench import plugins\nloaded = plugins.load()\nassert loaded.registry.names('loss')")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["list"], ["list", "losses", "--json"], ["plugins", "list"], ["run", "--help"]],
)
def test_commands_that_only_look_load_nothing_heavy(arguments: list[str]) -> None:
    statements = f"""
import contextlib, io
from ganbench.cli import main
sys.argv = ["ganbench", *{arguments!r}]
with contextlib.redirect_stdout(io.StringIO()) as printed:
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
assert printed.getvalue().strip()
"""
    answer = fresh(statements)
    assert answer.returncode == 0, answer.stderr


def test_public_names_are_there_and_lazy() -> None:
    assert set(ganbench.__all__) == {"__version__", "hookimpl", "load_generator", "load_results", "run"}
    assert dir(ganbench) == sorted(ganbench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ganbench.nothing  # type: ignore[attr-defined]  # noqa: B018
    answer = fresh("from ganbench import hookimpl, run, load_results\nassert callable(run) and callable(load_results)")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.slow
def test_a_type_checker_knows_the_public_names_and_no_others(tmp_path: Path) -> None:
    """That they are found on first use must not make it take a slip of the pen for one of them."""
    pytest.importorskip("mypy")
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nstrict = true\n[mypy-torch.*,pandas.*,pydantic.*,numpy.*]\nfollow_imports = skip\n")
    script = tmp_path / "script.py"
    script.write_text(
        "import ganbench\n"
        "from ganbench import testing\n"
        "ganbench.load_results('runs')\n"
        "testing.check\n"
        "ganbench.load_result('runs')\n"
        "testing.chek\n"
    )
    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(config), "--cache-dir", str(tmp_path / "cache"), script],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    wrong = [line for line in found.stdout.splitlines() if line.startswith("script.py:")]
    assert [line.split(":")[1] for line in wrong] == ["5", "6"], found.stdout + found.stderr
    assert all("[attr-defined]" in line for line in wrong)
