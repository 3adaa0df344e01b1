"""What becomes of a trial whose process has ended."""

import contextlib
from typing import NamedTuple

from ganbench.errors import StoreError
from ganbench.processes import MEMORY_LIMIT
from ganbench.records.folder import TrialFolder
from ganbench.spec import STATUSES

_ENDS = (*(status for status in STATUSES if status not in ("pending", "running", "done")), MEMORY_LIMIT)
"""What an executor may say that a trial's end was; whether it is done, only its own result tells."""
_BY_LIMIT = "own_limit"
"""In ``status.json``: whether a trial ran out of the memory that it was allowed, not of the machine's."""


class End(NamedTuple):
    """How a trial ended.

    Attributes:
        status: its status.
        reason: in one line; empty where it is done.
        own_limit: whether it ran out of memory by a limit of its own, which it would pass just as well alone.
    """

    status: str
    reason: str
    own_limit: bool = False


def settle(folder: TrialFolder, why: str, *, lost: bool = False) -> End:
    """Give a trial whose process has ended without a word the status it deserves; return how it ended.

    The worker writes its own status last thing. Where it could not, because it was killed or crashed, this writes it;
    a status that cannot be written (a full disk) is returned all the same.

    Args:
        folder: the trial's.
        why: what :meth:`ganbench.executors.Executor.why` says.
        lost: whether its executor no longer knows of it.
    """
    content = folder.read_status()
    said = End(str(content["status"]), str(content["reason"]), content.get(_BY_LIMIT) is True)
    kind, colon, words = why.partition(": ")
    kind = kind if colon and kind in _ENDS else ""
    # A trial whose time was up may have had the time to say that it was asked to stop.
    if said.status not in ("pending", "running") and not (kind == "timeout" and said.status == "interrupted"):
        return said
    if kind == MEMORY_LIMIT:
        end = End("out-of-memory", words, own_limit=True)
    elif kind:
        end = End(kind, words)
    else:
        end = End("failed", why or ("its executor lost track of it" if lost else "it ended without a status"))
    if kind == "timeout" and folder.goes_on():
        end = end._replace(reason=f"{end.reason}; with a longer one it resumes from its checkpoint")
    with contextlib.suppress(StoreError):
        folder.write_status(end.status, end.reason, **({_BY_LIMIT: True} if end.own_limit else {}))
    return end
