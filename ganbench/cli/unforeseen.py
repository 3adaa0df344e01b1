"""What to say of an error that nobody foresaw: of a plugin, of a place, of a damaged installation, or of our own."""

import errno
import select
import sys

from ganbench.errors import with_kind
from ganbench.registry import BUILTIN, package_of

_OF_A_PLACE = {
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.ELOOP,
    errno.EMFILE, errno.ENFILE,
}  # fmt: skip


def in_words(error: BaseException) -> str:
    """What happened, and what to do, in one line.

    A place that is closed, full or broken is the user's to see to, and so is a package that cannot be imported.
    """
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"no file can have the name '{str(error.filename)[:60]}...': {error.strerror}"
    where = _in_a_plugin(error)
    if isinstance(error, OSError) and error.errno in _OF_A_PLACE and error.filename and not where:
        return f"cannot use {error.filename}: {error.strerror}"
    if not where and (package := _being_imported(error)):
        return f"{package} cannot be imported ({with_kind(error)}); see 'ganbench doctor'"
    return f"unexpected {with_kind(error)}{where}; run again with --debug for the traceback"


def reader_left() -> bool:
    """Whether whoever read the output or the messages has left, as far as this system tells."""
    if not hasattr(select, "poll"):  # Windows, where a pipe breaks in another way
        return True
    watched = select.poll()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()  # what could not be written is held still
            watched.register(stream.fileno(), 0)
        except BrokenPipeError:
            return True
        except (OSError, ValueError):  # it leads to no file, or cannot be written for another reason
            continue
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in watched.poll(0))


def _in_a_plugin(error: BaseException) -> str:
    from ganbench import plugins
    from ganbench.plugins.blame import blamed

    where = blamed(error, plugins.load())
    return f" ({where})" if where else ""


def _being_imported(error: BaseException) -> str:
    """The package of others in whose import an error arose, the outermost; empty where in none."""
    trace = error.__traceback__
    while trace is not None:
        package = package_of(str(trace.tb_frame.f_globals.get("__name__", "")))
        if trace.tb_frame.f_code.co_name == "<module>" and package not in (BUILTIN, "__main__"):
            return package
        trace = trace.tb_next
    return package_of(error.name or "") if isinstance(error, ModuleNotFoundError) else ""
