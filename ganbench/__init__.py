"""ganbench: a plugin-based benchmarking toolkit for GANs.

Importing this package imports neither torch nor pandas: the public names below are resolved on first use, so a
plugin's registration module and the command line start in milliseconds.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganbench.evaluation.trained import load_generator as load_generator
    from ganbench.hookspecs import hookimpl as hookimpl
    from ganbench.session import load_results as load_results
    from ganbench.session import run as run

__version__ = "0.1.0"

_PUBLIC = {
    "hookimpl": "ganbench.hookspecs",
    "run": "ganbench.session",
    "load_generator": "ganbench.evaluation.trained",
    "load_results": "ganbench.session",
}
__all__ = ["__version__", "hookimpl", "load_generator", "load_results", "run"]


if not TYPE_CHECKING:  # a type checker that saw it would take every name of this package for one that is there

    def __getattr__(name: str) -> Any:
        if name in _PUBLIC:
            return getattr(import_module(_PUBLIC[name]), name)
        raise AttributeError(f"module 'ganbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
