"""Whose code an error arose in: a person whose run fails must know which package to write to."""

from collections.abc import Iterator
from itertools import takewhile

from ganbench.plugins import Plugins, normalised, one_line
from ganbench.plugins.installed import brought_by_plugins
from ganbench.registry import BUILTIN, KINDS


def blamed(error: BaseException, plugins: Plugins) -> str:
    """Return the plugin in whose code an error arose, and where, e.g. ``plugin gb-ex: gb_ex.losses, line 12``.

    Empty where no plugin had a hand in it. Where one calls another, the innermost is named.
    """
    known = set(_known(plugins))
    trace, found = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        owner = _owner(module, known)
        if owner != BUILTIN:
            found = f"plugin {owner}: {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def _known(plugins: Plugins) -> Iterator[tuple[str, str]]:
    """Modules, and the distribution that each is of."""
    for kind in KINDS:
        for entry in plugins.registry.entries(kind):
            yield entry.target.partition(":")[0], entry.distribution
    for plugin in plugins.plugins:
        yield plugin.module.partition(":")[0], plugin.distribution
    for distribution, names in brought_by_plugins().items():
        for name in names:
            yield name, normalised(distribution)


def _owner(module: str, known: set[tuple[str, str]]) -> str:
    """The distribution whose modules have the most of a module's name in common; in a namespace several have some."""
    shared = {(_shared(module, name), distribution) for name, distribution in known}
    most = max(shared, default=(0, BUILTIN))[0]
    owners = {distribution for count, distribution in shared if count == most} if most else set()
    return owners.pop() if len(owners) == 1 else BUILTIN  # where two may have it, it is better to blame none


def _shared(module: str, name: str) -> int:
    """How many parts of two dotted names are the same, from the left."""
    pairs = zip(module.split("."), name.split("."), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def with_blame(error: BaseException, plugins: Plugins) -> str:
    """Return the kind and first line of an error, and in whose code it arose."""
    where = blamed(error, plugins)
    return f"{one_line(error)} ({where})" if where else one_line(error)
