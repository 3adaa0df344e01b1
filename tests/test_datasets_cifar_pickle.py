"""The reader of CIFAR's pickles: it makes arrays, numbers and texts, and keeps nothing that a pickle did."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganbench.datasets.cifar_pickle import unpickle
from ganbench.errors import DataError
from tests.pickles import array, listed, number, python2


def test_what_a_pickle_does_to_an_admitted_name_is_gone_with_it() -> None:
    state = b"(N}U\x0c__defaults__(K\1tsU\1xK\1s\x86"  # (None, {...}): attributes that are set one by one
    for name in (b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n", b"cnumpy\ndtype\n"):
        with pytest.raises(DataError):
            unpickle(b"\x80\2" + name + state + b"b.", "x")
    assert unpickle(python2({"data": array(np.ones((1, 3)))}), "x")["data"].tolist() == [[1, 1, 1]]


@given(st.binary(max_size=80), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(data: bytes, at: int) -> None:
    good = python2({"labels": listed(number(1)), "data": array(np.zeros((1, 4)))})
    for content in (data, good[:at] + data + good[at:]):
        try:
            assert isinstance(unpickle(content, "x"), dict)
        except DataError as error:
            assert "\n" not in str(error)  # noqa: PT017
