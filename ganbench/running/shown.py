"""A run as the command line and Python start it: with its progress shown, on the CPU where torch cannot use the GPU."""

from ganbench.display import make_display
from ganbench.executors import devices
from ganbench.planning.request import RunRequest
from ganbench.plugins import Plugins
from ganbench.processes.server import NoGPU
from ganbench.running.outcome import Outcome
from ganbench.running.runner import run_grid
from ganbench.trackers.following import tracked


def run_shown(request: RunRequest, plugins: Plugins, *, quiet: bool) -> Outcome:
    """Run a grid to its end, as :func:`~ganbench.running.runner.run_grid` does, with its progress on stderr and
    copied to its trackers.

    A line says so if ``auto`` took a GPU that torch cannot use, or took none although a driver is there.

    Raises:
        NoGPU: a GPU was asked for, and torch cannot use it.
        GanbenchError: whatever else keeps the grid from running.
    """
    display = tracked(make_display(quiet=quiet), request.trackers, plugins.registry, request.out)
    try:
        if request.leaves_device and request.executor == "local" and devices.unlisted():
            display.note(
                "a GPU driver is installed, but it lists no GPU, so trials run on the CPU; see 'ganbench doctor'"
            )
        try:
            return run_grid(request, plugins, display)
        except NoGPU as error:
            if not request.leaves_device:
                raise NoGPU(error.why, "use --device cpu") from error
            display.note(f"{error}; trials run on the CPU")
            return run_grid(request.on_cpu(), plugins, display)
    finally:
        display.close()
