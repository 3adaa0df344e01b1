"""VGG16 (Simonyan and Zisserman 2015, arXiv:1409.1556), what precision and recall were published with."""

from torchvision.models import VGG16_Weights

from ganbench.extractors.pretrained import Pretrained


class VGG16(Pretrained):
    """torch-fidelity's ``vgg16``: images resized to 224x224, 4096 features.

    ``GANBENCH_VGG16_WEIGHTS`` may name the weights file.
    """

    registered_name = "vgg16"
    feature_layer = "fc2_relu"
    dimension = 4096
    domain = "photographs of things (ImageNet)"
    variable = "GANBENCH_VGG16_WEIGHTS"
    url = VGG16_Weights.IMAGENET1K_V1.url
    file_name = url.rpartition("/")[2]
    hash_prefix = file_name.rpartition("-")[2].removesuffix(".pth")
