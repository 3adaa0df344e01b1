"""Follow ganbench trials in MLflow."""

from ganbench import hookimpl


@hookimpl
def register_trackers(register):  # type: ignore[no-untyped-def]
    """Register the tracker."""
    register("mlflow", "ganbench_mlflow.tracker:MLflow", summary="A run in MLflow for each trial")
