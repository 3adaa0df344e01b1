"""What a place in Slurm's queue means for a trial whose folder does not say that it has ended."""

from enum import Enum, auto

from ganbench.executors.slurm_site import Place
from ganbench.files import read_lines
from ganbench.records.folder import TrialFolder
from ganbench.store.handed import asked_to_stop


class Meaning(Enum):
    """What a trial's place in the queue, or none, means.

    WAITS, RUNS: it is under way. NOT_LAUNCHED: a node could not start its job, which Slurm holds since. HELD: Slurm
    will never start its job. LATE: its job has not started within the deadline. STOPPED: its job is over, as was
    wanted. UNSEEN: its job is over, and the trial's folder may be about to say how. SET_ASIDE: its job was stopped, by
    the end of its time or by preemption, and the trial goes on from its checkpoint. OVER: its job is over and the
    trial left no word.
    """

    WAITS = auto()
    RUNS = auto()
    NOT_LAUNCHED = auto()
    HELD = auto()
    LATE = auto()
    STOPPED = auto()
    UNSEEN = auto()
    SET_ASIDE = auto()
    OVER = auto()


def while_active(place: Place, status: str, *, waited: float, deadline: float) -> Meaning:
    """What the place of a job means that has not ended, or will start again.

    Args:
        place: as Slurm tells.
        status: of the trial, from its folder.
        waited: seconds since the trial was handed over.
        deadline: seconds within which its job must have started.
    """
    if place.not_launched:
        return Meaning.NOT_LAUNCHED
    if place.held:
        return Meaning.HELD
    if place.waits and waited > deadline:
        return Meaning.LATE
    # Of a job that is to start again the trial still says what it said before.
    return Meaning.RUNS if status == "running" and not place.waits else Meaning.WAITS


def once_over(folder: TrialFolder, status: str, *, missing: float, grace: float) -> Meaning:
    """What it means that Slurm no longer knows of a job that goes on.

    Args:
        folder: the trial's.
        status: of the trial, from its folder.
        missing: seconds since Slurm first said so.
        grace: seconds in which the file system may still show what the node wrote last.
    """
    if asked_to_stop(folder.path):
        return Meaning.STOPPED
    if status != "interrupted" and missing < grace:
        return Meaning.UNSEEN
    return Meaning.SET_ASIDE if status == "interrupted" and got_on(folder) else Meaning.OVER


def got_on(folder: TrialFolder) -> bool:
    """Whether a trial that was asked to stop had got further than the last time.

    One whose jobs end before its first step, time and again, would be submitted for ever.
    """
    starts, attempts = read_lines(folder.starts), read_lines(folder.attempts)
    if not starts:
        return True  # it was taken out of the queue before it began
    # A worker notes its start, and its attempt once it begins to train, with one time.
    if not attempts or attempts[-1].get("time") != starts[-1].get("time"):
        return False
    steps = [int(line.get("step", 0)) for line in attempts]
    return len(steps) == 1 or steps[-1] > steps[-2]
