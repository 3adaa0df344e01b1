"""Install and remove plugins in the environment that ganbench runs in, with the tool that manages it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ganbench import plugins
from ganbench.errors import GanbenchError, UsageError, did_you_mean
from ganbench.processes.interpreter import python
from ganbench.registry import BUILTIN


def tool(prefix: Path = Path(sys.prefix)) -> list[str]:
    """Return the command that manages this environment: uv where uv made it, else pip.

    Raises:
        UsageError: there is neither.
    """
    uv = shutil.which("uv")
    if uv and _made_by_uv(prefix):
        return [uv, "pip"]
    if find_spec("pip") is not None:
        return python("-m", "pip")
    if uv:
        return [uv, "pip"]
    raise UsageError(f"the environment {prefix} has no pip, and there is no uv; install the package in another way")


def install(
    requirements: Sequence[str], *, options: Sequence[str] = (), editable: bool = False
) -> list[dict[str, Any]]:
    """Install packages, and return the plugins that are new or have changed, as ``plugins list --json`` has them.

    Raises:
        UsageError: an editable folder is none, or the tool failed; its output has been shown.
    """
    for requirement in requirements:
        if editable and not Path(requirement).is_dir():
            raise UsageError(f"--editable {requirement}: there is no such folder")
    before = {_key(plugin) for plugin in _plugins()}
    asked = [_folder_or_name(one) for one in requirements]
    arguments = [part for one in asked for part in (("--editable", one) if editable else (one,))]
    _call("install", [*options, *arguments])
    named = {plugins.normalised(Path(one).resolve().name if Path(one).is_dir() else one) for one in requirements}
    return [plugin for plugin in _plugins() if _key(plugin) not in before or plugin["distribution"] in named]


def uninstall(distributions: Sequence[str]) -> list[str]:
    """Remove packages that are plugins, and return their names.

    Raises:
        UsageError: one is no installed plugin, or is ganbench itself; nothing is removed then.
    """
    known = {plugin.distribution for plugin in plugins.load().plugins} - {BUILTIN}
    names = [plugins.normalised(one) for one in distributions]
    for name in names:
        if name == BUILTIN:
            raise UsageError("ganbench itself is not a plugin; remove it with pip")
        if name not in known:
            raise UsageError(f"no installed plugin comes from a package '{name}'{did_you_mean(name, known)}")
    _call("uninstall", names)
    return names


def _folder_or_name(requirement: str) -> str:
    """A package's folder as the path that it is: without a separator pip asks an index for a package of its name."""
    is_package = any((Path(requirement) / file).is_file() for file in ("pyproject.toml", "setup.py"))
    return str(Path(requirement).resolve()) if is_package else requirement


def _call(action: str, arguments: list[str]) -> None:
    """Run the tool, its output on the error stream: the command's own answer is what goes to the output."""
    command = tool()
    if command[0] == sys.executable:  # pip, which knows where it is, and asks before it removes
        options = ["--yes"] if action == "uninstall" else []
    else:
        options = ["--python", sys.executable]
    answer = subprocess.run([*command, action, "--quiet", *options, *arguments], stdout=sys.stderr, check=False)
    if answer.returncode:
        told = " ".join([*command[-2:], action, *arguments]).removeprefix("-m ")
        raise UsageError(f"{told} failed with exit code {answer.returncode}")


def _plugins() -> list[dict[str, Any]]:
    """All plugins as a new process finds them: what was just installed may need a path that only that one has."""
    command = python("-m", "ganbench", "plugins", "list", "--json")
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        listing: list[dict[str, Any]] = json.loads(answer.stdout)["plugins"]
    except (ValueError, KeyError) as error:
        raise GanbenchError(f"installed, but the plugins cannot be listed: {answer.stderr.strip()[-200:]}") from error
    return listing


def _key(plugin: Mapping[str, Any]) -> tuple[str, str, str]:
    return plugin["distribution"], plugin["name"], plugin["version"]


def _made_by_uv(prefix: Path) -> bool:
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8").splitlines()
    except OSError:
        return False
    return any(line.partition("=")[0].strip() == "uv" for line in lines)
