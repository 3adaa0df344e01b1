"""What a metric returned, held against what it declares: nothing else can be stored or read."""

from typing import Any

from ganbench.api import Metric
from ganbench.errors import GanbenchError, in_one_line


def as_declared(name: str, metric: Metric, found: Any) -> dict[str, float]:
    """Return a metric's values as floats, in the order in which it declares them.

    Args:
        name: what users call the metric.
        metric: what computed them.
        found: what its ``compute`` returned.

    Raises:
        GanbenchError: it is no mapping of the declared names to numbers; says which metric, and where it is defined.
    """
    where = f"metric '{name}' ({type(metric).__module__}:{type(metric).__qualname__})"
    if not isinstance(found, dict) or set(found) != set(metric.values):
        got = ", ".join(sorted(map(str, found))) or "nothing" if isinstance(found, dict) else type(found).__name__
        raise GanbenchError(f"{where} returns {got} but declares {', '.join(metric.values)}; return all of them")
    values = {}
    for value in metric.values:
        try:
            values[value] = float(found[value])
        except (TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise GanbenchError(
                f"{where} returns no number for '{value}' ({in_one_line(error)}); return a float, or nan if it "
                "is undefined"
            ) from error
    return values
