"""Which of a source's samples are scored where it holds more than are asked for."""

import torch

from ganbench.worker.rescoring import choose


def test_as_many_as_are_asked_for_are_drawn_by_the_seed() -> None:
    data = torch.arange(300)
    assert torch.equal(choose(data, 300, 0), data)
    chosen = choose(data, 100, 0)
    assert len(set(chosen.tolist())) == 100
    assert torch.equal(chosen, choose(data, 100, 0))
    assert not torch.equal(chosen, choose(data, 100, 1))
