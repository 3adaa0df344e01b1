"""DINOv2's image encoders (Oquab et al. 2023, arXiv:2304.07193), as torch-fidelity has them.

torch-fidelity takes no weights file for them: both the network's code and its weights come through torch's hub, and a
file of the user's own cannot be named. The identity is that of the file in the hub's cache.
"""

from typing import Any

from torch import nn
from torch_fidelity.feature_extractor_dinov2 import MODEL_METADATA
from torch_fidelity.registry import FEATURE_EXTRACTORS_REGISTRY

from ganbench.errors import DataError, in_one_line
from ganbench.extractors.pretrained import Pretrained

REPOSITORY = "facebookresearch/dinov2"


class Dinov2(Pretrained):
    """An image encoder trained by self-distillation (DINOv2); its code comes from torch hub, its weights from Meta."""

    feature_layer = "dinov2"
    domain = "photographs from the web"

    def __init_subclass__(cls) -> None:
        model = MODEL_METADATA[cls.registered_name]
        cls.file_name = f"{model}_pretrain.pth"
        cls.url = f"https://dl.fbaipublicfiles.com/dinov2/{model}/{cls.file_name}"

    def build(self, layers: list[str]) -> nn.Module:
        path = self.locate()
        try:
            network: Any = FEATURE_EXTRACTORS_REGISTRY[self.registered_name](self.registered_name, layers)
        except Exception as error:
            raise DataError(
                f"{self.registered_name} cannot be built from {REPOSITORY} (torch hub) and {path} "
                f"({in_one_line(error, 160)}); clone that repository into {path.parent.parent} on a machine with "
                "a network"
            ) from error
        built: nn.Module = network.requires_grad_(False).eval()
        return built


class Dinov2VitS14(Dinov2):
    registered_name, dimension = "dinov2-vit-s-14", 384


class Dinov2VitB14(Dinov2):
    registered_name, dimension = "dinov2-vit-b-14", 768


class Dinov2VitL14(Dinov2):
    registered_name, dimension = "dinov2-vit-l-14", 1024


class Dinov2VitG14(Dinov2):
    registered_name, dimension = "dinov2-vit-g-14", 1536
