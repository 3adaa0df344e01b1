"""MLflow for ganbench. This module only registers: it imports neither torch nor MLflow."""

from ganbench import hookimpl
from ganbench.hookspecs import Register


@hookimpl
def register_trackers(register: Register) -> None:
    """Register the tracker."""
    register("mlflow", "ganbench_mlflow.tracker:MLflow", summary="A run in MLflow for each trial")
