"""The contracts that plugin authors implement. Everything here runs in the worker, beside torch.

Components are built from keyword parameters, all with defaults: ``wgan-gp[lambda_gp=1]`` becomes
``WGANGP(lambda_gp=1.0)``. Parameters are ``int``, ``float``, ``bool`` or ``str``, and each changes what the component
does: another value makes another trial. The constructor raises :class:`ValueError` with one clear line where a value
makes no sense. What a class declares (its class attributes) is read before anything trains, so that a pair that cannot
work is refused by name.
"""

from ganbench.api.architecture import Architecture, Conditioning, Networks
from ganbench.api.augmentation import Augmentation
from ganbench.api.data import Dataset, Kind, Mixture, Samples
from ganbench.api.objectives import (
    Constrained,
    Discriminator,
    FeaturePenalty,
    Generator,
    GeneratorPenalty,
    Loss,
    Penalty,
)
from ganbench.api.scoring import Evidence, Extractor, Metric, Need, Queried, Value

__all__ = [
    "Architecture",
    "Augmentation",
    "Conditioning",
    "Constrained",
    "Dataset",
    "Discriminator",
    "Evidence",
    "Extractor",
    "FeaturePenalty",
    "Generator",
    "GeneratorPenalty",
    "Kind",
    "Loss",
    "Metric",
    "Mixture",
    "Need",
    "Networks",
    "Penalty",
    "Queried",
    "Samples",
    "Value",
]
