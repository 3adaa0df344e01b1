"""A shortened tape calls fewer operators and takes less memory, and computes the same to the last bit."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import batch_norm, interpolate, leaky_relu

from ganbench.training.tape_forms import share_memory
from ganbench.training.tape_passes import INTO
from tests.tapes import called, replayed, shared_out, shortened

aten = torch.ops.aten
Step = tuple[str, int, int]
"""Which of the operations below, and on which of the tensors that there are."""


def halves(x: Tensor, y: Tensor) -> Tensor:
    top, bottom = x.split(2)
    return torch.cat([bottom, top]) + y


OPERATIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: 0.5 * x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / (2.0 + y * y),
    "relu": lambda x, _: x.relu(),
    "leaky relu": lambda x, _: leaky_relu(x, 0.2),
    "tanh": lambda x, _: x.tanh(),
    "sigmoid": lambda x, _: x.sigmoid(),
    "transposed": lambda x, _: x.t(),
    "turned": lambda x, _: x.t_(),
    "view": lambda x, _: x.contiguous().view(2, 8).view(4, 4),
    "permuted and back": lambda x, _: x.view(4, 2, 2).permute(2, 0, 1).permute(1, 2, 0).reshape(4, 4),
    "clone": lambda x, _: x.clone(memory_format=torch.contiguous_format),
    "expanded": lambda x, _: x.sum(0).expand(4, 4),
    "halves": halves,
    "added in place": lambda x, y: x.add_(0.5 * y) if 0 not in x.stride() else x,
    "relu in place": lambda x, _: x.relu_() if 0 not in x.stride() else x,
    "a row in place": lambda x, y: x.index_add(0, torch.tensor([1]), y[:1]),
    "part of it": lambda x, y: torch.cat([x[::2], y[1::2]]),
    "unread": lambda x, y: (x @ y, x)[1],
    "masked": lambda x, y: x * (y >= 0.1) + (x < y) * y,
    "the largest": lambda x, y: shared_out(y[:1], x, 0),
}


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=14
    )
)
def test_any_work_goes_on_to_the_last_bit(steps: list[Step]) -> None:
    def make() -> tuple[Callable[[], object], Tensor]:
        held, rng = torch.linspace(-1, 1, 16).view(4, 4), torch.Generator().manual_seed(0)

        def work() -> Tensor:
            there = [held, torch.rand(4, 4, generator=rng) - 0.5]
            for name, one, other in steps:
                x, y = there[-1 - one % len(there)], there[-1 - other % len(there)]
                # What is to stay as it is between steps is not turned.
                there.append(OPERATIONS[name](x.clone() if name == "turned" and share_memory(x, held) else x, y))
            return held.copy_(torch.stack(there).mean(0).clamp(-1, 1))

        return work, held

    (plain, expected), (noted, found) = make(), make()
    try:
        _, again = shortened(noted)
    except RuntimeError as error:  # the form of the tensor that stays has changed, or one of no memory was written to
        assert "view size is not compatible" in str(error)  # noqa: PT017
        return
    plain()
    for _ in range(3):
        plain()
        again()
    assert torch.equal(found, expected)


CHAINS: dict[Any, Callable[[Tensor], Tensor]] = {
    aten.relu_.default: lambda x: x.exp().relu(),
    aten.leaky_relu.out: lambda x: leaky_relu(x.exp(), 0.2),
    aten.tanh.out: lambda x: x.exp().tanh(),
    aten.sigmoid.out: lambda x: x.exp().sigmoid(),
    aten.add.out: lambda x: torch.add(x.exp(), x, alpha=3),
    aten.sub.out: lambda x: x - x.exp(),
    aten.mul.out: lambda x: x.exp() * 0.3,
    aten.div.out: lambda x: x.exp() / 3,
    aten.tanh_backward.grad_input: lambda x: aten.tanh_backward(x, x.exp()),
    aten.sigmoid_backward.grad_input: lambda x: aten.sigmoid_backward(x.exp(), x),
    aten.leaky_relu_backward.grad_input: lambda x: aten.leaky_relu_backward(x.exp(), x, 0.2, False),
    aten.threshold_backward.grad_input: lambda x: aten.threshold_backward(x.exp(), x, 0),
}


def test_every_operator_that_can_be_written_into_an_operand_is_tried() -> None:
    assert set(CHAINS) == set(INTO.values())


@pytest.mark.parametrize("into", CHAINS, ids=str)
def test_a_result_takes_the_place_of_an_operand(into: Any) -> None:
    x, found = torch.linspace(-2, 2, 64).view(4, 16), torch.zeros(4, 16)
    expected = CHAINS[into](x)
    tape, again = shortened(lambda: found.copy_(CHAINS[into](x)))
    found.zero_()
    again()
    assert torch.equal(found, expected)
    assert into in called(tape)


def test_an_operand_is_kept_that_is_read_later_or_was_there_before_or_lies_otherwise() -> None:
    x, found = torch.linspace(-2, 2, 64).view(8, 8), torch.zeros(8, 8)

    def work() -> Tensor:
        y, z, small = x.exp(), x.cos(), x[0].sin()
        first_row = z[0]
        read_later = y.tanh() + x.tanh() + z.tanh()
        return found.copy_(read_later - y + first_row + small.tanh() + x.sin().t().add(x.t().contiguous()))

    expected, before = work().clone(), x.clone()
    tape, again = shortened(work)
    found.zero_()
    again()
    assert torch.equal(x, before)
    assert torch.equal(found, expected)
    assert called(tape)[aten.tanh.default] == 3  # the small one's is written into it


def test_what_nothing_reads_is_left_out_and_what_writes_or_draws_is_not() -> None:
    x, mean, other = torch.randn(4, 3), torch.zeros(3), torch.zeros(3)
    rng = torch.Generator().manual_seed(0)

    def work() -> None:
        interpolate(x[None, None], scale_factor=2.0)
        batch_norm(x, mean, torch.ones(3), training=True)
        torch.rand(2, generator=rng)
        torch._assert_async((x == x).all())
        with torch.inference_mode():
            batch_norm(x, other, torch.ones(3), training=True)

    tape, again = shortened(work)
    state = rng.get_state()
    mean.zero_()
    other.zero_()
    again()
    assert mean.abs().sum() > 0
    assert torch.equal(mean, other)
    assert not torch.equal(rng.get_state(), state)
    names = {str(func).removeprefix("aten.") for func in called(tape)}
    assert not names & {"upsample_nearest2d.vec", "upsample_nearest2d.default"}
    assert "_assert_async.default" in names


def test_a_view_of_views_is_taken_once_and_one_that_changes_nothing_not_at_all() -> None:
    x, found = torch.linspace(-2, 2, 64).view(8, 8), torch.zeros(4, 16)

    def work() -> Tensor:
        y = x.exp()
        rows = y.view(2, 4, 8).transpose(0, 1)[:, :, ::2]
        same = y.t().t()
        return found.copy_(rows.reshape(4, 8).repeat(1, 2) + same.view(4, 16))

    tape, expected = replayed(work, found)
    assert torch.equal(found, expected)
    assert aten.t.default not in called(tape)
    assert called(tape)[aten.as_strided.default] >= 1
    assert aten.transpose.int not in called(tape)


KEPT: list[Tensor] = []
LIBRARY = torch.library.Library("ganbench_tests", "DEF")  # for as long as the tests run
LIBRARY.define("table(Tensor x) -> Tensor")
LIBRARY.define("keep(Tensor x) -> Tensor")
LIBRARY.define("recall() -> Tensor")


@torch.library.impl(LIBRARY, "table", "CPU")
def table(x: Tensor) -> Tensor:
    if not KEPT:
        KEPT.append(torch.ones(8, 8))
    return KEPT[0]


@torch.library.impl(LIBRARY, "keep", "CPU")
def keep(x: Tensor) -> Tensor:
    KEPT[:] = [x]
    return x.sum()


@torch.library.impl(LIBRARY, "recall", "CompositeExplicitAutograd")
def recall() -> Tensor:
    return KEPT[0].sum()


def recalled() -> Tensor:
    found: Tensor = torch.ops.ganbench_tests.recall()
    return found


def resized(y: Tensor) -> Tensor:
    return torch.add(y[0], y[1], out=torch.empty(0))


def filled(x: Tensor, y: Tensor) -> Tensor:
    return torch.add(y[0], y[1], out=x)


ALIASES: dict[str, Callable[[Tensor], tuple[Tensor, ...]]] = {
    "a part": lambda y: (y.split(4)[0].tanh(), y + 1),
    "a view of a view": lambda y: (y[1:][:4], y.tanh()),
    "parts of what is like it": lambda y: (y.t().t().split(4)[1], y.tanh()),
    "its bits": lambda y: (y.view(torch.int32).view(64).bitwise_and(255),),
    "turned and back": lambda y: (y.t_(), y.t()[0], y.tanh()),
    "turned": lambda y: (y.t_(), y.tanh().t()),
    "set to another": lambda y: (aten.set_(torch.empty(8, 8), y), y.tanh()),
    "resized by an operator": lambda y: (torch.cat([resized(y)[:0], y[0]]), torch.cat([resized(y), y[0]])),
    "nothing at all": lambda y: (torch.cat([torch.empty(0), filled(torch.empty_like(torch.empty(0)), y)]), y.tanh()),
    "of an operator that keeps its result": lambda y: (torch.ops.ganbench_tests.table(y) * 2, y.tanh()),
    "of an operator that keeps its operand": lambda y: (torch.ops.ganbench_tests.keep(y), y.tanh(), recalled()),
    "bits that are numbers": lambda y: (torch.complex(y, y).conj().imag, torch.view_as_real(torch.complex(y, y))),
}


@pytest.mark.parametrize("read", ALIASES.values(), ids=ALIASES.keys())
def test_memory_with_several_names_is_told(read: Callable[[Tensor], tuple[Tensor, ...]]) -> None:
    KEPT.clear()
    x, found = torch.linspace(-2, 2, 64).view(8, 8), torch.zeros(6)

    def work() -> Tensor:
        several = reversed(read(x.exp()))
        sums = [(each * torch.linspace(1, 2, each.numel()).view(each.shape)).sum() for each in several]
        return found[: len(sums)].copy_(torch.stack(sums))

    expected = work().clone()
    _, again = shortened(work)
    found.zero_()
    again()
    again()
    assert torch.equal(found[: len(expected)], expected)


def test_tensors_without_strides_are_called_as_they_were() -> None:
    x, found = torch.linspace(-2, 2, 8), torch.zeros(())

    def work() -> Tensor:
        nested = torch.nested.nested_tensor([x[:3].exp(), x[3:].exp()]) * 2
        return found.copy_(nested.to_padded_tensor(0.0).sum() + (x.relu().to_sparse() * 2).to_dense().sum())

    _, expected = replayed(work, found)
    assert torch.equal(found, expected)
