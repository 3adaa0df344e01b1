"""Whose code an error arose in: a person whose run fails must know which package to write to."""

from ganbench.plugins import Plugins, one_line
from ganbench.registry import BUILTIN, KINDS, package_of


def blamed(error: BaseException, plugins: Plugins) -> str:
    """Return the plugin in whose code an error arose, and where, e.g. ``plugin gb-ex: gb_ex.losses, line 12``.

    Empty where no plugin had a hand in it. Where one calls another, the innermost is named.
    """
    owners = {entry.package: entry.distribution for kind in KINDS for entry in plugins.registry.entries(kind)}
    owners |= {package_of(plugin.module): plugin.distribution for plugin in plugins.plugins}
    trace, found = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        owner = owners.get(package_of(module), BUILTIN)
        if owner != BUILTIN:
            found = f"plugin {owner}: {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found


def with_blame(error: BaseException, plugins: Plugins) -> str:
    """Return the kind and first line of an error, and in whose code it arose."""
    where = blamed(error, plugins)
    return f"{one_line(error)} ({where})" if where else one_line(error)
