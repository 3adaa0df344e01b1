"""The command line as on Windows, as far as that can be had elsewhere: ``python -m tests.windows ARGUMENT ...``.

What the standard library and other packages need of this system they take first; then ganbench is imported without
the modules, functions, signals and flags that Windows lacks, and with folders that cannot be opened.
"""

import importlib
import os
import select
import shutil
import signal
import subprocess  # noqa: F401  # these know what system this is
import sys
import tempfile  # noqa: F401
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import Any

MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog", "readline")
LACKING = {
    os: (
        "fork", "forkpty", "register_at_fork", "getuid", "geteuid", "getgid", "getegid", "getpgid", "getpgrp",
        "setpgid", "setsid", "killpg", "nice", "pread", "pwrite", "preadv", "pwritev", "sysconf", "mkfifo",
        "chown", "lchown", "fchown", "fchmod", "getloadavg", "sched_getaffinity", "sched_setaffinity", "sync", "wait",
        "waitid", "waitstatus_to_exitcode", "WNOHANG", "P_PID", "WEXITED", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC",
        "O_DIRECTORY", "O_SYNC",
    ),
    signal: ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGCHLD", "SIGALRM", "SIGPIPE", "SIGSTOP", "SIGCONT", "alarm"),
    select: ("poll", "epoll", "PIPE_BUF"),
}  # fmt: skip


class Lacking(MetaPathFinder):
    """Finds none of the modules that Windows lacks."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def simulate(*packages: str) -> None:
    """Make this process one of Windows, but for these packages and those that always are imported first."""
    assert not any(name == "ganbench" or name.startswith("ganbench.") for name in sys.modules)
    for name in ("click", "jinja2", "matplotlib.figure", "pandas", "pydantic", "rich.live", "scipy.stats", *packages):
        importlib.import_module(name)
    for name in MODULES:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Lacking())
    for module, names in LACKING.items():
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    opened = os.open

    def open_no_folder(path: Any, *arguments: Any, **options: Any) -> int:
        if not isinstance(path, int) and os.path.isdir(path):
            raise PermissionError(13, "Permission denied", path)
        return opened(path, *arguments, **options)

    linked = os.link

    def link_as_it_comes(source: Any, target: Any, *, follow_symlinks: bool = True) -> None:
        if not follow_symlinks:
            raise NotImplementedError("link: follow_symlinks unavailable on this platform")
        linked(source, target)

    os.open, os.link = open_no_folder, link_as_it_comes  # type: ignore[assignment]
    os.supports_follow_symlinks.discard(linked)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]
    if hasattr(shutil, "_rmtree_impl"):  # since Python 3.14 it is chosen once
        shutil._rmtree_impl = shutil._rmtree_unsafe  # type: ignore[attr-defined]


if __name__ == "__main__":
    simulate("torch", "torchvision")
    from ganbench.cli import main

    main(sys.argv[1:])
