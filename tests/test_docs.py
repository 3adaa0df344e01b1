"""The documentation: its examples run, and every hook has one. Anchors and navigation are MkDocs' own strict build."""

import inspect
import re
from pathlib import Path
from typing import Any

import click
import pluggy
import pytest

from ganbench import hookspecs
from ganbench.cli import cli

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md"))
FILE = re.compile(r'^```python title="(.*?)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: Path) -> list[str]:
    return FENCE.findall(page.read_text())


def name(page: Path) -> str:
    return page.relative_to(DOCS).as_posix()


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=name)
def test_the_examples_of_a_page_run_one_after_the_other(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(self: object) -> None:
        pytest.fail("an example as a file would be run anew by the process that it starts, where that is not forked")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", start)
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "example"}
    for number, source in enumerate(examples(page), 1):
        exec(compile(source, f"{name(page)}, example {number}", "exec"), namespace)


LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", [*PAGES, DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_links_lead_to_files_so_that_they_work_on_a_code_host_too(page: Path) -> None:
    """Pages that only the built site has (``generate.py``) are named, not linked."""
    dead = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]
    assert dead == []


COMMAND = re.compile(r"(?:`|^)ganbench\s([a-z-]+)(?:\s([a-z-]+))?", re.MULTILINE)


def test_the_commands_of_the_pages_exist() -> None:
    """But those of the page of hooks, which shows how a plugin adds one."""
    pages = [page for page in (*PAGES, DOCS.parent / "README.md") if page.name != "hooks.md"]
    text = "\n".join(page.read_text().replace("ganbench is ", "") for page in pages)
    missing = set()
    context = click.Context(cli)
    for name, second in COMMAND.findall(text):
        command = cli.get_command(context, name)
        if command is None or (isinstance(command, click.Group) and second and second not in command.commands):
            missing.add(f"{name} {second}".strip())
    assert missing == set()


def test_the_table_of_the_readme_is_an_excerpt_of_the_committed_board() -> None:
    """All its rows, and of its columns some, with the same conclusions."""

    def rows(text: str) -> list[dict[str, str]]:
        lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
        return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]

    readme = (DOCS.parent / "README.md").read_text().split("\n## ")[0]
    board = (DOCS.parent / "leaderboards" / "digits.md").read_text().split("What can and cannot be concluded:")[1]
    conclusions, table = board.strip().split("\n\n")[:2]
    shown, whole = rows(readme), rows(table)
    assert len(shown[0]) > 5
    assert shown == [{column: row[column] for column in shown[0]} for row in whole]
    assert conclusions in readme


@pytest.mark.parametrize("folder", ["docs", "ganbench/scaffold/templates", ".github", "plugins"])
def test_nothing_takes_ganbench_for_a_package_of_an_index(folder: str) -> None:
    """There, what the name installs would be somebody else's. Extras are for where ganbench is installed already."""
    asks = re.compile(r"pip install (?:-\S+ )*[\"']?ganbench(?![\w\[-])|GANBENCH: ganbench")
    files = [path for path in (DOCS.parent / folder).rglob("*") if path.suffix in (".md", ".yml", ".txt")]
    assert files
    assert [f"{path}: {found}" for path in files for found in asks.findall(path.read_text())] == []


def test_the_python_page_names_all_that_is_public_and_every_argument() -> None:
    import ganbench
    from ganbench.planning.suite import Suite

    page = (DOCS / "python.md").read_text()
    own = inspect.signature(ganbench.run).parameters
    names = [*ganbench.__all__, *(name for name in own if name != "options"), *set(Suite.model_fields) - {"published"}]
    assert [name for name in names if f"`{name}`" not in page and f"`ganbench.{name}`" not in page] == []


def test_the_page_of_tables_names_every_column() -> None:
    from ganbench.tables.layout import COSTS, KINDS, SETS, TEXTS

    page = (DOCS / "tables.md").read_text()
    option = next(line for line in page.splitlines() if line.startswith("| `--columns`"))
    asked = [*TEXTS, "seeds", "group", *COSTS, *SETS, *(f":{kind}" for kind in KINDS)]
    assert [name for name in asked if f"`{name}`" not in option and f"METRIC{name}`" not in option] == []

    documented = set(re.findall(r"`(\w+)`", page.split("## CSV and JSON")[1]))
    for name in ("digits", "mixtures"):
        written = (DOCS.parent / "leaderboards" / f"{name}.csv").read_text().splitlines()[0].split(",")
        metric = re.compile(r"(fid_debiased|fid_stderr|fid|is_std|is|modes|high_quality|reverse_kl)(?=_|$)")
        columns = {metric.sub("METRIC", column, count=1) for column in written}
        missing = {column for column in columns if column not in documented}
        assert {column for column in missing if re.sub(r"_(sd|n)$", "", column) not in documented} == set()


def test_the_files_of_the_tutorial_hold_what_they_say() -> None:
    """Its commands are a user's; here the loss it ends with goes through the kit, and its test files compile."""
    from ganbench.testing import check

    files = dict(FILE.findall((DOCS / "tutorial-plugin.md").read_text()))
    for name, source in files.items():
        compile(source, name, "exec")
    namespace: dict[str, Any] = {"__name__": "ganbench_margin_hinge.loss"}
    exec(files["ganbench_margin_hinge/loss.py"], namespace)
    outcomes = check(namespace["MarginHinge"])
    assert len(outcomes) > 8
    assert [outcome for outcome in outcomes if outcome.status == "failed"] == []


def test_every_hook_has_an_example_that_pluggy_accepts() -> None:
    namespace: dict[str, object] = {"__name__": "example"}
    for source in examples(DOCS / "hooks.md"):
        exec(source, namespace)
    module = type("Example", (), {key: staticmethod(value) for key, value in namespace.items() if callable(value)})
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    hooks = [key for key in vars(manager.hook) if not key.startswith("_")]
    assert len(hooks) >= 11
    without = [hook for hook in hooks if not getattr(manager.hook, hook).get_hookimpls()]
    assert without == []
