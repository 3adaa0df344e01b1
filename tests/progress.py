"""What the tests of progress share: a clock that is set by hand, and what a worker reports."""

from ganbench.records.folder import TrialFolder


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def report(folder: TrialFolder, step: int, **more: object) -> None:
    """A line of progress as a worker writes it."""
    record = {"step": step, "images": step * 64, "d_loss": 0.5, "g_loss": 1.25, "images_per_second": 3512.0}
    folder.append_progress(record | {"seconds": step / 100, "memory": 700 * 2**20} | more)
