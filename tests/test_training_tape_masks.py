"""Masks of a tape that are made of numbers: what is computed with them stays the same to the last bit."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.tapes import called, replayed, shared_out, shortened

aten = torch.ops.aten
NUMBERS = torch.tensor([[1.0, 3.0, 3.0, -0.0], [0.0, -0.0, -5.0, 0.0], [torch.nan, 1.0, torch.inf, torch.inf]])
GRADIENTS = torch.tensor([[-1.0], [torch.inf], [1e-45]])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_of_a_maximum_is_made_of_numbers_in_its_masks_place(dtype: torch.dtype) -> None:
    x, gradients, found = NUMBERS.to(dtype), GRADIENTS.to(dtype), torch.zeros(3, 4, dtype=dtype)

    def work() -> Tensor:
        leaf = (x + 0).requires_grad_()
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad((leaf * 1).amax(1, keepdim=True), leaf, gradients)
        return found.copy_(gradient)

    tape, expected = replayed(work, found)
    assert torch.equal(found.nan_to_num(7.0), expected.nan_to_num(7.0))
    assert torch.equal(found.signbit(), expected.signbit())
    operators = called(tape)
    assert aten.eq.Tensor not in operators
    assert operators[aten.eq.Tensor_out] == 1
    (written,) = tape.graph.find_nodes(op="call_function", target=aten.eq.Tensor_out)
    products = [node for node in tape.graph.nodes if node.target is aten.mul.out and node.kwargs["out"] is written]
    assert len(products) == 1
    assert operators[aten.div.out] == 1  # in the place of the counts


ELSEWHERE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "to choose": lambda x, mask: torch.where(mask, x, -x),
    "turned round": lambda x, mask: x * ~mask,
    "by a whole number": lambda x, mask: x + torch.arange(4) * mask,
    "with itself": lambda x, mask: x + mask * mask,
    "counted alone": lambda x, mask: x + mask.sum(0),
    "counted as bytes": lambda x, mask: x / mask.sum(0, dtype=torch.uint8),
    "counted in other numbers": lambda x, mask: (x.double() / mask.sum(0)).float(),
    "rounded": lambda x, mask: torch.div(x, mask.sum(0), rounding_mode="floor"),
    "by numbers of twice the length": lambda x, mask: (x.double() * mask).float(),
    "changed": lambda x, mask: x * mask.logical_not_(),
    "a part": lambda x, mask: x[:2] * mask[:2],
    "with a product that is turned": lambda x, mask: (x * mask).t_(),
    "with counts that are turned": lambda x, mask: x / mask.sum(0, keepdim=True).t_(),
}
ALIKE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "with a number": lambda x, mask: mask * 0.1 - x,
    "with one number of its type": lambda x, mask: mask * x[0, 0],
    "divided": lambda x, mask: mask.sum(0) / x,
    "a share of samples": lambda x, mask: mask.sum(0, keepdim=True) / 3 - x,
    "whole numbers divided": lambda x, mask: (2**53 + torch.arange(4)) / mask.sum(0) - x,
}


@pytest.mark.parametrize("read", ALIKE.values(), ids=ALIKE.keys())
def test_a_mask_may_be_multiplied_and_counted_in_other_ways(read: Callable[[Tensor, Tensor], Tensor]) -> None:
    x, found = torch.linspace(-2, 2, 16).view(4, 4), torch.zeros(4, 4)

    def work() -> Tensor:
        return found.copy_(read(x, x.exp() > 1.0))

    tape, expected = replayed(work, found)
    assert torch.equal(found, expected)
    assert aten.gt.Scalar not in called(tape)


@pytest.mark.parametrize("other", [torch.arange(4), torch.linspace(-1, 1, 4).double(), torch.ones(4).bool()], ids=str)
def test_a_comparison_of_numbers_of_two_types_stays_one(other: Tensor) -> None:
    x, found = torch.linspace(-2, 2, 16).view(4, 4), torch.zeros(4, 4)
    tape, again = shortened(lambda: found.copy_(x * (x.exp() > other)))
    found.zero_()
    again()
    assert torch.equal(found, x * (x.exp() > other))
    assert aten.gt.Tensor in called(tape)


@pytest.mark.parametrize("read", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_mask_that_is_read_otherwise_stays_one(read: Callable[[Tensor, Tensor], Tensor]) -> None:
    x, found = torch.linspace(-2, 2, 16).view(4, 4), torch.zeros(4, 4)

    def work() -> Tensor:
        y = x.exp()
        mask = y > 1.0
        return found.copy_((y * mask + read(y, mask).repeat(4 // len(read(y, mask.clone())), 1)).nan_to_num(9.0))

    tape, expected = replayed(work, found)
    assert torch.equal(found, expected)
    assert aten.gt.Scalar in called(tape)


def test_more_than_float32_can_count_are_counted_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    x, found = torch.linspace(-2, 2, 16).view(4, 4), torch.zeros(4, 4)
    for most, made in ((16, True), (15, False)):
        monkeypatch.setattr("ganbench.training.tape_masks.COUNTED", most)
        tape, _ = shortened(lambda: found.copy_(shared_out(x[:1], x.exp(), 0)))
        assert (aten.eq.Tensor_out in called(tape)) is made
