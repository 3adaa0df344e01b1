"""All that changes while a trial trains, in one place, so that all of it can be saved and restored."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property, partial
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganbench import seeds
from ganbench.api import Architecture, Augmentation, Samples
from ganbench.spec import Recipe
from ganbench.training.ada import Adaptation
from ganbench.training.augment import Augment
from ganbench.training.average import Average
from ganbench.training.batches import Batches, Mirror
from ganbench.training.draws import Draws, sent
from ganbench.training.initialisation import initialise
from ganbench.training.layout import choose_layout
from ganbench.training.optimisers import build_optimiser, load_weight_state
from ganbench.training.replay import Replay
from ganbench.training.standing import Standing
from ganbench.training.watch import Watch


class State:
    """Networks, optimisers, average, replay, data position, random streams and counters of one trial.

    Args:
        architecture: builds the networks.
        samples: the training samples.
        recipe: the resolved recipe.
        seed: the trial's seed.
        device: where everything lives.
        augmentations: what the recipe's ``augment`` names, built.
    """

    def __init__(
        self,
        *,
        architecture: Architecture,
        samples: Samples,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        augmentations: Sequence[Augmentation] = (),
    ) -> None:
        if (recipe.augment == "none") != (not augmentations):
            raise ValueError(f"augment={recipe.augment}, and {len(augmentations)} augmentations were built")
        torch.manual_seed(seeds.stream_seed(seed, seeds.WEIGHTS))
        networks = architecture.networks(samples.shape, recipe.latent_dim, samples.class_count)
        for network in networks:
            initialise(network, recipe.init, recipe.init_gain)
        # Layers that draw for themselves (dropout) use the global generator: give it a stream of its own.
        torch.manual_seed(seeds.stream_seed(seed, seeds.LAYERS))

        self.device = device
        self._seed = seed
        self.generator, self.discriminator = (network.to(device) for network in networks)
        self.conditioning = architecture.conditioning
        self._architecture = architecture
        self.memory_format = choose_layout(
            networks, self.conditioning, samples.shape, recipe.latent_dim, pack=architecture.pack
        )
        self.average = Average(self.generator, recipe.ema_decay, recipe.ema_start) if recipe.ema_decay else None
        self.g_optimiser = build_optimiser(self.generator, recipe.g_lr, recipe)
        self.d_optimiser = build_optimiser(self.discriminator, recipe.d_lr, recipe)
        self.streams = {
            seeds.DATA: seeds.stream(seed, seeds.DATA),
            seeds.REPLAY: seeds.stream(seed, seeds.REPLAY),
            seeds.NOISE: seeds.stream(seed, seeds.NOISE, device),
            seeds.PENALTY: seeds.stream(seed, seeds.PENALTY, device),
            seeds.GENERATOR_PENALTY: seeds.stream(seed, seeds.GENERATOR_PENALTY, device),
            seeds.AUGMENT: seeds.stream(seed, seeds.AUGMENT, device),
            seeds.MIRROR: seeds.stream(seed, seeds.MIRROR, device),
            seeds.LABELS: seeds.stream(seed, seeds.LABELS),
            seeds.COMPARED: seeds.stream(seed, seeds.COMPARED),
            seeds.COMPARED_AUGMENT: seeds.stream(seed, seeds.COMPARED_AUGMENT, device),
        }
        labels = samples.labels if self.conditioning != "none" else None
        self._labels = None if labels is None else labels.to(device)
        self.samples_per_update = recipe.batch_size * architecture.pack
        fakes, count = recipe.g_batches * self.samples_per_update, len(samples.data)
        self.labelled = Draws(partial(_of_samples, count, fakes, self.streams[seeds.LABELS], device), count)
        """The training samples whose labels a generator update takes, where it takes any."""
        self._standing = (
            Standing(self.generator, recipe, self.samples_per_update, seed, self._labels)
            if recipe.standing_batches
            else None
        )
        data = samples.data.to(device)

        def batches(order: str, mirror: str) -> Batches:
            mirrored = Mirror(recipe.mirror, self.streams[mirror]) if recipe.mirror else None
            return Batches(data, self.samples_per_update, self.streams[order], self._labels, mirrored)

        self.batches = batches(seeds.DATA, seeds.MIRROR)
        self.compared = batches(seeds.COMPARED, seeds.COMPARED_AUGMENT)
        """The real samples whose features penalties compare with those of fakes."""
        self.replay = (
            Replay(recipe.replay, recipe.replay_share, self.streams[seeds.REPLAY], architecture.pack)
            if recipe.replay
            else None
        )
        self.adaptation = Adaptation(recipe.ada_target, recipe.ada_images, device) if recipe.ada_target else None
        self.augment = Augment(augmentations, self.streams[seeds.AUGMENT], self.adaptation)
        self.augment_compared = Augment(augmentations, self.streams[seeds.COMPARED_AUGMENT], self.adaptation)
        self.penalty_strength = torch.ones((), device=device) if recipe.penalty_final != 1 else None
        """What penalties on gradients are multiplied by in this step, where that changes; a recorded step reads it."""
        self.watch = Watch(recipe.divergence_limit)
        self.step = 0
        self.real_images = 0
        self.refresh: Callable[[], None] | None = None
        """Called before the state is saved: whoever keeps a part of it elsewhere sets this, to bring that part here."""

    @property
    def states(self) -> tuple[Self]:
        """Itself: of one trial."""
        return (self,)

    @property
    def networks(self) -> tuple[nn.Module, nn.Module]:
        """Generator and discriminator."""
        return self.generator, self.discriminator

    @property
    def optimisers(self) -> tuple[Optimizer, Optimizer]:
        """The generator's and the discriminator's."""
        return self.g_optimiser, self.d_optimiser

    def strict(self) -> AbstractContextManager[object]:
        """Around a step that is tried: whatever a step of one trial raises is let through anyway."""
        return nullcontext()

    @property
    def scored(self) -> nn.Module:
        """The generator whose samples are scored: the average where there is one.

        Standing statistics, where the recipe has them, are taken anew at each access.
        """
        generator = self.average.module if self.average is not None else self.generator
        return generator if self._standing is None else self._standing.of(generator, self.device)

    def draw_labels(self) -> Tensor | None:
        """Return the labels of training samples at random, as many as a generator update has fakes, or ``None`` where
        the networks take none."""
        return None if self._labels is None else self._labels[self.labelled.next()]

    @cached_property
    def feature_layer(self) -> nn.Module:
        """The layer of the discriminator that gets the features which penalties compare."""
        return self._architecture.features(self.discriminator)

    @property
    def settled(self) -> bool:
        """Whether a further step changes in place all that it changes: not as long as a history of fakes fills."""
        return self.replay is None or self.replay.settled

    def changed_in_place(self) -> list[Tensor]:
        """What a step changes in place besides networks and what their optimisers remember."""
        parts = (self.replay, self.adaptation)
        return [tensor for part in parts if part is not None for tensor in part.tensors()]

    def laid_out(self, x: Tensor) -> Tensor:
        """Return samples in the memory layout of the networks; the values are the same."""
        return x.contiguous(memory_format=self.memory_format) if x.dim() == 4 else x

    def state_dict(self) -> dict[str, Any]:
        """Tensors, numbers and text only, so that it loads with ``weights_only=True``."""
        if self.refresh is not None:
            self.refresh()
        return {
            "step": self.step,
            "real_images": self.real_images,
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "average": self.average.module.state_dict() if self.average else {},
            "g_optimiser": self.g_optimiser.state_dict(),
            "d_optimiser": self.d_optimiser.state_dict(),
            "replay": self.replay.state_dict() if self.replay else {},
            "adaptation": self.adaptation.state_dict() if self.adaptation else {},
            "batches": self.batches.state_dict(),
            "compared": self.compared.state_dict(),
            "watch": self.watch.state_dict(),
            "streams": {name: rng.get_state() for name, rng in self.streams.items()},
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what :meth:`state_dict` returned, on this kind of device or another.

        What is drawn on the device goes on where it was on the same kind, and from other numbers on another.
        """
        self.step = state["step"]
        self.real_images = state["real_images"]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        if self.average:
            self.average.module.load_state_dict(state["average"])
        load_weight_state(self.g_optimiser, state["g_optimiser"])
        load_weight_state(self.d_optimiser, state["d_optimiser"])
        if self.replay:
            self.replay.load_state_dict(state["replay"])
        if self.adaptation:
            self.adaptation.load_state_dict(state["adaptation"])
        self.batches.load_state_dict(state["batches"])
        if "compared" in state:  # else of a version that compared nothing
            self.compared.load_state_dict(state["compared"])
        self.watch.load_state_dict(state["watch"])
        for name, rng in self.streams.items():
            if name not in state["streams"]:  # of a version that had nothing to draw from it
                continue
            drawn = state["streams"][name].cpu()
            if len(drawn) == len(rng.get_state()):
                rng.set_state(drawn)
            else:  # of a GPU on a CPU or the other way round: not its first numbers, which it may have given already
                rng.manual_seed(seeds.stream_seed(self._seed, f"{name} from step {self.step}"))
        torch.set_rng_state(state["torch"].cpu())
        if state["cuda"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda"].cpu(), self.device)


def _of_samples(count: int, n: int, rng: torch.Generator, device: torch.device) -> Tensor:
    """``n`` of ``count`` samples at random, with repetition."""
    return sent(torch.randint(count, (n,), generator=rng), device)
