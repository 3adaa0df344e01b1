"""How the values of metrics are read, and in which order they stand."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from ganbench.protocol import MOST_DECIMALS
from ganbench.spec import TrialSpec


class ValueInfo(BaseModel):
    """How one number of a metric is read: its heading, which direction is better, and how it is written.

    ``place`` is its place, from 0, in the order in which the metrics were asked for and declare their values, and
    ``metric`` the label of the one that returns it; results of older versions do not say them.
    """

    model_config = ConfigDict(frozen=True)

    label: str
    direction: Literal["lower", "higher"] | None = None
    decimals: Annotated[int, Field(ge=0, le=MOST_DECIMALS)] = 2
    percent: bool = False
    place: int | None = None
    metric: str | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_known(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not known: leaderboards from before it was a field keep their hashes."""
        content: dict[str, Any] = serialise(self)
        return {key: value for key, value in content.items() if key not in ("place", "metric") or value is not None}


def values_in_order(values: Mapping[str, ValueInfo], spec: TrialSpec) -> dict[str, ValueInfo]:
    """Values in the order in which the metrics were asked for and declare them."""
    places = {name: info.place for name, info in values.items() if info.place is not None}
    names = sorted(values, key=places.__getitem__) if len(places) == len(values) else _guessed_order(values, spec)
    return {name: values[name] for name in names}


def _guessed_order(names: Iterable[str], spec: TrialSpec) -> list[str]:
    """The order where a result does not say it: by the metrics whose names the values' names are like."""
    metrics = [part.name.replace("-", "_") for part in spec.evaluation.metrics]

    def place(name: str) -> tuple[int, bool, str]:
        owners = [i for i, metric in enumerate(metrics) if name.startswith(metric) or name in metric.split("_")]
        owner = max(owners, key=lambda i: len(metrics[i]), default=len(metrics))
        return owner, name not in metrics, name

    return sorted(names, key=place)
