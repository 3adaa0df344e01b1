"""Write a new plugin package: ``ganbench plugins new``."""

import ast
import datetime
import keyword
import re
import tempfile
from importlib import resources
from pathlib import Path
from string import Template

from ganbench import __version__
from ganbench.errors import StoreError, UsageError
from ganbench.plugins import Plugins
from ganbench.registry import BUILTIN, PLURALS

PREFIX = "ganbench-"
VARIANTS = {"generator-penalty": "penalty"}
"""What else can be written, and which kind of component it is."""
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def bare(name: str) -> str:
    """What users will type: ``margin-gan``, whether the package's name was given or the component's."""
    return name.removeprefix(PREFIX)


def distribution(name: str) -> str:
    """The package's name: ``ganbench-margin-gan``."""
    return PREFIX + bare(name)


def module(name: str) -> str:
    """The package's folder of code: ``ganbench_margin_gan``."""
    return distribution(name).replace("-", "_")


def class_name(name: str) -> str:
    """``MarginGan``."""
    return "".join(word[:1].upper() + word[1:] for word in bare(name).split("-"))


def kind_of(written: str) -> str:
    """The kind of component in a package that is ``written`` for a kind, or for one of :data:`VARIANTS`."""
    return VARIANTS.get(written, written)


def require_free(name: str, kind: str, loaded: Plugins) -> None:
    """Check that nothing here has the name of the component or of its package.

    Raises:
        UsageError: the component could not be used by its name alone, or installing it would replace another package.
    """
    owner = next((entry.distribution for entry in loaded.registry.entries(kind) if entry.name == bare(name)), "")
    if owner:
        whose = "is built in" if owner == BUILTIN else f"comes with {owner}"
        raise UsageError(f"there is already a {kind} '{bare(name)}', which {whose}; choose another name")
    if any(plugin.distribution == distribution(name) for plugin in loaded.plugins):
        raise UsageError(f"the package {distribution(name)} is already installed; choose another name")


def write(name: str, kind: str, out: Path, *, author: str = "") -> Path:
    """Write the package into a new folder below ``out``, whole or not at all, and return the folder.

    Args:
        name: the component's, or the package's.
        kind: the component's, or one of :data:`VARIANTS`.
        out: where the folder is made.
        author: the copyright holder.

    Raises:
        UsageError: the name cannot be one, would hide a name that the package needs, or the folder is there already.
        StoreError: it cannot be written.
    """
    _require_name(name)
    folder = out / distribution(name)
    if folder.exists():
        raise UsageError(f"{folder} already exists; choose another name, or another folder with --out")
    contents = _contents(name, kind, author)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix=".new-") as place:
            made = Path(place) / folder.name
            for path, text in contents.items():
                (made / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).write_text(text, "utf-8")
            made.rename(folder)
    except OSError as error:
        raise StoreError(
            f"cannot write {folder}: {error.strerror or error}; choose another folder with --out"
        ) from error
    return folder


def _require_name(name: str) -> None:
    """Raise :class:`~ganbench.errors.UsageError` where no component can have this name."""
    if keyword.iskeyword(bare(name)) or keyword.iskeyword(class_name(name)):
        raise UsageError(f"'{name}' is a reserved word of Python, so no module can have this name; choose another name")
    if not _NAME.fullmatch(bare(name)):
        raise UsageError(f"'{name}' must be words of lower-case letters and digits joined by '-', such as margin-gan")


def _contents(name: str, written: str, author: str) -> dict[str, str]:
    """The package's files by their paths in it.

    Raises:
        UsageError: the class would hide a name that one of its modules uses.
    """
    kind = kind_of(written)
    words = {
        "name": bare(name),
        "kind": kind,
        "kinds": PLURALS[kind],
        "distribution": distribution(name),
        "module": module(name),
        "cls": class_name(name),
        "identifier": bare(name).replace("-", "_"),
        "author": author.strip() or f"the authors of {distribution(name)}",
        "year": str(datetime.datetime.now(tz=datetime.UTC).year),
        "version": __version__.rpartition(".")[0],
    }
    texts = {path: Template(text) for path, text in _texts(written, words).items()}
    # No class is called "_", so that its own name is not among those that the modules use.
    modules = {path: text.substitute(words | {"cls": "_"}) for path, text in texts.items() if path.endswith(".py")}
    if user := next((path for path, text in modules.items() if words["cls"] in _names(text)), ""):
        raise UsageError(
            f"'{name}' would name its class {words['cls']}, which {Path(user).name} already uses; choose another name"
        )
    return {path: text.substitute(words) for path, text in texts.items()}


def _names(source: str) -> set[str]:
    """What a module imports, defines or uses."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
    return found


def _texts(written: str, words: dict[str, str]) -> dict[str, str]:
    """The templates by the path they are written to."""
    source = written.replace("-", "_")
    place = resources.files("ganbench.scaffold") / "templates"
    paths = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        "LICENSE": "LICENSE",
        ".gitignore": "gitignore",
        ".github/workflows/tests.yml": "tests.yml",
        f"{words['module']}/__init__.py": "init.py",
        f"{words['module']}/{words['kind']}.py": f"{source}.py",
        f"tests/test_{source}.py": f"test_{source}.py",
    }
    texts = {path: (place / f"{template}.txt").read_text("utf-8") for path, template in paths.items()}
    return texts | {f"{words['module']}/py.typed": ""}
