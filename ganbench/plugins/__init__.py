"""Find plugins, load each in isolation, say what became of it.

A plugin that fails to import or registers something malformed is listed as broken with its reason, and everything
else works. ``GANBENCH_PLUGINS`` (a comma-separated list of distributions) allows only those beside the built-ins;
``GANBENCH_DISABLE_PLUGINS`` blocks some. What is not allowed is never imported.
"""

import inspect
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, PackageNotFoundError, version
from typing import Any, Literal

import pluggy

from ganbench import __version__, hookspecs
from ganbench.errors import UsageError, did_you_mean
from ganbench.plugins.installed import entry_points, said
from ganbench.registry import BUILTIN, KINDS, Entry, Registry
from ganbench.streams import results_apart

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass
class Plugin:
    """One entry point and what became of it.

    Attributes:
        distribution: the installed package it comes from.
        name: the entry point's name.
        module: what the entry point names.
        version: the distribution's version.
        status: ``ok``, ``broken`` or ``disabled``.
        reason: why it is broken or disabled, in one line.
        components: what it registered, as (kind, name).
    """

    distribution: str
    name: str
    module: str
    version: str
    status: Literal["ok", "broken", "disabled"] = "ok"
    reason: str = ""
    components: list[tuple[str, str]] = field(default_factory=list)
    hooks: dict[str, list[Callable[..., Any]]] = field(default_factory=dict, repr=False)


class Plugins:
    """All plugins of this environment and the registry they filled."""

    def __init__(self, plugins: list[Plugin], registry: Registry) -> None:
        self.plugins = plugins
        self.registry = registry

    def call(self, hook: str, **arguments: Any) -> list[str]:
        """Call ``hook`` on every working plugin, each in isolation; return a line for each that failed."""
        return [problem for plugin in self.plugins for problem in self.call_one(plugin, hook, **arguments)]

    def call_one(self, plugin: Plugin, hook: str, **arguments: Any) -> list[str]:
        """Call ``hook`` on one plugin, if that works and has it; return a line where it failed."""
        if plugin.status != "ok" or hook not in plugin.hooks:
            return []
        try:
            # Standard output is the table's: what a plugin prints is for the person who reads along.
            with results_apart():
                for implementation in plugin.hooks[hook]:
                    _call(implementation, arguments)
        except (Exception, SystemExit) as error:  # a plugin may even call sys.exit
            return [f"plugin {plugin.distribution} failed in {hook}: {one_line(error)}"]
        return []


def load(points: list[EntryPoint] | None = None, environ: Mapping[str, str] | None = None) -> Plugins:
    """Load every allowed entry point of the group ``ganbench``, sorted by (distribution, name)."""
    environ = os.environ if environ is None else environ
    registry = Registry()
    plugins: list[Plugin] = []
    for plugin, point in _found(points):
        plugins.append(plugin)
        if reason := _disabled(plugin.distribution, environ):
            plugin.status, plugin.reason = "disabled", reason
            registry.disabled.append(plugin.distribution)
            continue
        if point is not None:
            with results_apart():
                _load_one(plugin, point, registry)
        if plugin.status == "broken":
            registry.broken.append(plugin.distribution)
    return Plugins(plugins, registry)


def build(kind: str, text: str) -> Any:
    """Build one component as it is named on the command line, e.g. ``build("dataset", "folder:reals[size=32]")``.

    For a plugin's own commands. It imports the component, and with it torch.

    Args:
        kind: a kind of ``ganbench.api``: ``"loss"``, ``"architecture"``, ``"dataset"``, ...
        text: ``name``, ``distribution:name`` or ``name:argument``, perhaps with ``[parameter=value]``.

    Raises:
        UsageError: there is no such component, it cannot be used, or does not take a parameter; in the words of a run.
    """
    from ganbench import components
    from ganbench.grid import parse_component

    if kind not in components.CONTRACTS:
        raise UsageError(f"there is no kind '{kind}' to build{did_you_mean(kind, components.CONTRACTS)}")
    registry = load().registry
    request, *others = parse_component(kind, text, registry)
    if others:
        raise UsageError(f"'{text}' stands for {1 + len(others)} components; give one value for each parameter")
    _, component = components.resolve(request, registry)
    return component


def _found(points: list[EntryPoint] | None) -> list[tuple[Plugin, EntryPoint | None]]:
    """A plugin for each entry point, and for each list of them that cannot be read.

    The built-ins come first, so that a broken plugin cannot keep them from being there.
    """
    readable, damaged = entry_points() if points is None else (points, [])
    pairs: list[tuple[Plugin, EntryPoint | None]] = [
        (Plugin(_distribution(point), point.name, point.value, _version(point)), point) for point in readable
    ]
    for one in damaged:
        reason = f"the list of its plugins, {one.path}, is damaged: {one_line(one.reason)}"
        pairs.append((Plugin(normalised(one.distribution), "-", one.path, one.version, "broken", reason), None))
    unique: dict[tuple[bool, str, str], tuple[Plugin, EntryPoint | None]] = {}
    for plugin, point in pairs:  # the path may hold a distribution twice: the first one counts
        unique.setdefault((plugin.distribution != BUILTIN, plugin.distribution, plugin.name), (plugin, point))
    return [unique[key] for key in sorted(unique)]


def _disabled(distribution: str, environ: Mapping[str, str]) -> str:
    """Why the environment disables a package; empty where it does not."""
    if distribution == BUILTIN:
        return ""
    if "GANBENCH_PLUGINS" in environ and distribution not in _names(environ["GANBENCH_PLUGINS"]):
        return "not in GANBENCH_PLUGINS"
    return "in GANBENCH_DISABLE_PLUGINS" if distribution in _names(environ.get("GANBENCH_DISABLE_PLUGINS")) else ""


def _load_one(plugin: Plugin, point: EntryPoint, registry: Registry) -> None:
    """Import one plugin and let it register; on any failure mark it broken and take back what it registered."""
    entries: list[Entry] = []
    doing = "cannot be imported"
    try:
        _require_this_version(point)
        module = point.load()
        doing = "registers nothing"
        plugin.hooks = _hooks(module)
        for kind, hook in KINDS.items():
            if hook in plugin.hooks:
                doing = f"fails in {hook}"
                for implementation in plugin.hooks[hook]:
                    _call(implementation, {"register": _register(kind, plugin, entries)})
        doing = "registers a name that is taken"
        for entry in entries:
            if registry.has(entry.kind, entry.qualified):
                raise ValueError(f"another plugin of {entry.distribution} also has a {entry.kind} '{entry.name}'")
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a plugin may even call sys.exit on import
        what = "has a wrong signature" if isinstance(error, pluggy.PluginValidationError) else doing
        plugin.status, plugin.reason = "broken", f"{what}: {one_line(error)}"
        return
    for entry in entries:
        registry.add(entry)
        plugin.components.append((entry.kind, entry.name))


def _require_this_version(point: EntryPoint) -> None:
    """Refuse a plugin that was written for another ganbench; pip does so only when it installs."""
    from packaging.requirements import InvalidRequirement, Requirement

    for text in (point.dist.requires if point.dist else None) or []:
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            continue
        applies = needed.marker is None or needed.marker.evaluate({"extra": ""})
        if normalised(needed.name) == BUILTIN and applies and not needed.specifier.contains(__version__, True):
            raise ImportError(f"it needs ganbench{needed.specifier}, but this is {__version__}")


def _hooks(module: Any) -> dict[str, list[Callable[..., Any]]]:
    """Return the module's hook implementations, checked by pluggy against the specifications."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    callers = manager.get_hookcallers(module) or []
    known = {name for name, caller in vars(manager.hook).items() if caller.has_spec()}
    for caller in callers:
        if caller.name not in known and not all(one.optionalhook for one in caller.get_hookimpls()):
            raise ValueError(f"there is no hook '{caller.name}'{did_you_mean(caller.name, known)}")
    if not callers:
        raise ValueError(f"{getattr(module, '__name__', module)} implements no hook; mark its functions with @hookimpl")
    hooks: dict[str, list[Callable[..., Any]]] = {}
    for caller in callers:
        for implementation in caller.get_hookimpls():
            if implementation.plugin is module:
                if implementation.wrapper or implementation.hookwrapper:
                    raise ValueError(f"{caller.name} is a hook wrapper, which is not supported; make it a plain hook")
                hooks.setdefault(caller.name, []).append(implementation.function)
    return hooks


def _call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a hook implementation with those of the hook's arguments that it asks for, as pluggy does."""
    asked = inspect.signature(function).parameters
    return function(**{name: value for name, value in arguments.items() if name in asked})


def _register(kind: str, plugin: Plugin, entries: list[Entry]) -> hookspecs.Register:
    def register(name: str, target: str, *, summary: str = "", paper: str = "", argument: str = "") -> None:
        texts = {"name": name, "target": target, "summary": summary, "paper": paper, "argument": argument}
        for what, value in texts.items():
            if not isinstance(value, str):
                raise TypeError(f"{kind} {name!r}: {what} must be text, not {type(value).__name__}")
        if not _NAME.fullmatch(name):
            raise ValueError(f"{kind} name {name!r} must consist of lower-case letters, digits, '-', '.' and '_'")
        if not _TARGET.fullmatch(target):
            raise ValueError(f"{kind} '{name}': target {target!r} must look like 'package.module:Class'")
        if argument and not argument.isidentifier():
            raise ValueError(f"{kind} '{name}': argument {argument!r} must be the name of a parameter")
        if any(entry.kind == kind and entry.name == name for entry in entries):
            raise ValueError(f"{kind} '{name}' is registered twice by the same plugin")
        entries.append(
            Entry(
                kind=kind,
                name=name,
                target=target,
                summary=" ".join(summary.split()),
                paper=paper,
                argument=argument,
                distribution=plugin.distribution,
                version=plugin.version,
            )
        )

    register.__qualname__ = "register"  # Python's own message on a wrong call names it so
    return register


def one_line(error: BaseException) -> str:
    """The kind and the first line of an error, for a table cell."""
    lines = str(error).strip().splitlines()
    if isinstance(error, pluggy.PluginValidationError):  # its cause stands on the lines after the first
        return ": ".join(line.strip().removeprefix("hookimpl definition: ") for line in lines[1:] or lines)
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def not_installed(loaded: Plugins, environ: Mapping[str, str] | None = None) -> list[str]:
    """What to say of each name in the environment's lists that no installed plugin's package has."""
    environ = os.environ if environ is None else environ
    known = {plugin.distribution for plugin in loaded.plugins}
    return [
        f"{variable} names {name}, but no plugin is installed from it{did_you_mean(name, known - {BUILTIN})}"
        for variable in ("GANBENCH_PLUGINS", "GANBENCH_DISABLE_PLUGINS")
        for name in sorted(_names(environ.get(variable)) - known)
    ]


def normalised(distribution: str) -> str:
    """A distribution's name as it is compared: ``Ganbench_RpGAN`` is ``ganbench-rpgan``."""
    return re.sub(r"[-_.]+", "-", distribution.strip()).lower()


def _distribution(point: EntryPoint) -> str:
    return normalised((said(point.dist, "Name") if point.dist else "") or "unknown")


def _version(point: EntryPoint) -> str:
    try:
        return (said(point.dist, "Version") if point.dist else version(_distribution(point))) or "unknown"
    except PackageNotFoundError:
        return "unknown"


def _names(text: str | None) -> set[str]:
    return {normalised(name) for name in (text or "").split(",") if name.strip()}
