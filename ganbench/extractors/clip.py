"""CLIP's image encoders (Radford et al. 2021, arXiv:2103.00020), as torch-fidelity has them."""

from pathlib import Path
from typing import Any

from torch_fidelity.feature_extractor_clip import MODEL_METADATA, MODEL_URLS

from ganbench.extractors.pretrained import Pretrained


class Clip(Pretrained):
    """An image encoder of CLIP; its weights are a TorchScript archive with a published SHA-256."""

    feature_layer = "clip"
    domain = "photographs from the web"

    def __init_subclass__(cls) -> None:
        name = cls.registered_name
        cls.variable = f"GANBENCH_{name.upper().replace('-', '_')}_WEIGHTS"
        cls.url = MODEL_URLS[name]
        cls.hash_prefix = MODEL_METADATA[name]["hash"]
        cls.file_name = f"{name}-{cls.hash_prefix}.pt"

    def read(self, path: Path) -> Any:
        """TorchScript runs in its own interpreter, so the archive goes to torch-fidelity as it is."""
        return str(path)


class ClipRn50(Clip):
    registered_name, dimension = "clip-rn50", 1024


class ClipRn101(Clip):
    registered_name, dimension = "clip-rn101", 512


class ClipRn50x4(Clip):
    registered_name, dimension = "clip-rn50x4", 640


class ClipRn50x16(Clip):
    registered_name, dimension = "clip-rn50x16", 768


class ClipRn50x64(Clip):
    registered_name, dimension = "clip-rn50x64", 1024


class ClipVitB32(Clip):
    registered_name, dimension = "clip-vit-b-32", 512


class ClipVitB16(Clip):
    registered_name, dimension = "clip-vit-b-16", 512


class ClipVitL14(Clip):
    registered_name, dimension = "clip-vit-l-14", 768


class ClipVitL14336px(Clip):
    registered_name, dimension = "clip-vit-l-14-336px", 768
