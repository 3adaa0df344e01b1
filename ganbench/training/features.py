"""Features: what a layer of the discriminator gets, by which penalties on the generator compare fakes and real samples
(Salimans et al. 2016, arXiv:1606.03498, section 3.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

OTHERWISE = "let features() of the architecture return another one"


class Features:
    """What a layer has got, call by call."""

    def __init__(self) -> None:
        self._seen: list[Tensor] = []

    def note(self, layer: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Before the layer's forward pass.

        Raises:
            TypeError: it gets something of which no features can be made.
        """
        x: object = next(iter((*given, *named.values())), None)
        if not isinstance(x, Tensor) or not x.dim() or not x.is_floating_point():
            raise TypeError(
                f"the layer whose input are the features gets {_described(x)}, not a tensor of real numbers with a row "
                f"for each raw output; {OTHERWISE}"
            )
        self._seen.append(x.reshape(len(x), -1))

    def only(self) -> Tensor:
        """Return what it got, (N, F), in one call.

        Raises:
            RuntimeError: there was none, or there were several.
        """
        if len(self._seen) != 1:
            raise RuntimeError(
                f"the layer whose input are the features is called {len(self._seen)} times in a pass of the "
                f"discriminator, not once; {OTHERWISE}"
            )
        return self._seen[0]


@contextmanager
def features_at(layer: nn.Module) -> Iterator[Features]:
    """Note what a layer gets while this is entered. No copy and no file of a network outside of it knows of that."""
    found = Features()
    hook = layer.register_forward_pre_hook(found.note, with_kwargs=True)
    try:
        yield found
    finally:
        hook.remove()


def _described(x: object) -> str:
    if x is None:
        return "nothing"
    return f"a tensor of {x.dim()} dimensions, {x.dtype}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
