"""Recording work on a GPU as a CUDA graph; where that fails, torch is left as it was."""

from collections.abc import Callable
from contextlib import suppress

import torch
from torch import Tensor

Work = Callable[[], Tensor]
Capture = Callable[[Work, list[torch.Generator]], Callable[[], object]]
"""Records what a function does on the device, without doing it; returns what does it."""


def capture_on_cuda(work: Work, generators: list[torch.Generator]) -> Callable[[], object]:
    """Record ``work`` as a CUDA graph in which ``generators`` go on drawing; return the function that replays it.

    It is recorded on the current stream of the current device, which must not be the default one.
    """
    graph = torch.cuda.CUDAGraph()
    # The device's own generator, from which layers draw, takes part in every graph.
    everyone = [*generators, torch.cuda.default_generators[torch.cuda.current_device()]]
    before = [generator.clone_state() for generator in everyone]
    stream = torch.cuda.current_stream()
    pool = torch.cuda.graph_pool_handle()
    # Since 2.14 (TorchVersion compares versions, not text) they join when they draw, and registering them only warns.
    if torch.__version__ < "2.14":
        for generator in generators:
            graph.register_generator_state(generator)
    try:
        # The stream that torch would choose is on the device of the process's first recording.
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            work()
    except BaseException:
        # A failed recording leaves its generators as being recorded, and they would refuse to draw ever after.
        for generator, state in zip(everyone, before, strict=True):
            generator.graphsafe_set_state(state)
        _stop_allocating(pool)
        raise
    return graph.replay


def _stop_allocating(pool: tuple[int, int]) -> None:
    """Do for the memory of a recording what torch leaves undone where its end fails.

    Otherwise the allocator goes on as if something were recorded: it frees neither this memory nor, when some is short,
    what it keeps for later, and emptying its cache is an error.
    """
    device = torch.cuda.current_device()
    # The names up to torch 2.7, and since.
    for name in ("_cuda_endAllocateCurrentStreamToPool", "_cuda_endAllocateToPool"):
        if hasattr(torch._C, name):
            with suppress(RuntimeError):  # the recording was ended after all, or never begun
                getattr(torch._C, name)(device, pool)
                torch._C._cuda_releasePool(device, pool)
