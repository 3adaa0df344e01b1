"""Standing statistics (Brock et al. 2019, arXiv:1809.11096): those of a generator's batch norms, taken anew from fakes
before it is scored."""

import copy

import torch
from torch import Tensor, nn

from ganbench import seeds
from ganbench.evaluation.isolation import isolated
from ganbench.evaluation.sampling import draw_latents
from ganbench.spec import Recipe

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def has_statistics(network: nn.Module) -> bool:
    """Whether training collects batch norm statistics that the network uses in eval mode."""
    return bool(_norms(network))


class Standing:
    """Makes copies of a generator with standing statistics.

    What training leaves behind are running averages over the latest updates, of weights that have changed meanwhile. An
    average of the weights has no statistics of its own: without this, it has those of the generator.

    Args:
        generator: on its device, in its memory layout.
        recipe: the trial's; its ``standing_batches`` is not 0.
        batch: samples in a batch, as in training.
        seed: the trial's.
        labels: those of the training samples (N,), from which fakes draw theirs where the networks take labels.
    """

    def __init__(self, generator: nn.Module, recipe: Recipe, batch: int, seed: int, labels: Tensor | None) -> None:
        self._module = copy.deepcopy(generator).requires_grad_(False)
        self._recipe = recipe
        self._batch = batch
        self._seed = seed
        self._labels = labels

    def of(self, generator: nn.Module, device: torch.device) -> nn.Module:
        """Return the generator with standing statistics: the same module at every call, with the current weights.

        The latent points and labels are the same at every call. No stream of training is drawn from, and the generator
        stays as it is.
        """
        module, recipe = self._module, self._recipe
        module.load_state_dict(generator.state_dict())
        rng = seeds.stream(self._seed, seeds.STANDING)
        n = recipe.standing_batches * self._batch
        latents = draw_latents(n, recipe.latent_dim, recipe.latent, rng)
        chosen = None if self._labels is None else torch.randint(len(self._labels), (n,), generator=rng)
        norms = _norms(module)
        momenta = [norm.momentum for norm in norms]
        with isolated(module, device=device, seed=seeds.stream_seed(self._seed, seeds.STANDING)):
            try:
                for norm in norms:
                    norm.reset_running_stats()
                    norm.momentum = None  # the mean over all batches, each counting as much
                    norm.train()
                for start in range(0, n, self._batch):
                    inputs = [latents[start : start + self._batch].to(device)]
                    if self._labels is not None and chosen is not None:
                        inputs.append(self._labels[chosen[start : start + self._batch].to(self._labels.device)])
                    module(*inputs)
            finally:
                for norm, momentum in zip(norms, momenta, strict=True):
                    norm.momentum = momentum
        return module


def _norms(network: nn.Module) -> list[nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d | nn.SyncBatchNorm]:
    """The batch norms that collect statistics; one kept in eval mode by its author uses its stored ones in training."""
    return [
        part
        for part in network.modules()
        if isinstance(part, NORMS) and part.running_mean is not None and part.training
    ]
