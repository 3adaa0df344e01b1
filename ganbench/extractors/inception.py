"""Inception v3 (Szegedy et al. 2016, arXiv:1512.00567), the network of most published FIDs, by torch-fidelity."""

from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3

from ganbench.extractors.pretrained import Pretrained


class Inception(Pretrained):
    """torch-fidelity's ``inception-v3-compat``: images resized to 299x299 as TensorFlow 1 did, 2048 features.

    ``GANBENCH_INCEPTION_WEIGHTS`` may name the weights file.
    """

    registered_name = "inception-v3-compat"
    feature_layer = "2048"
    logits_layer = "logits_unbiased"
    dimension = 2048
    domain = "photographs of things (ImageNet)"
    variable = "GANBENCH_INCEPTION_WEIGHTS"
    url = URL_INCEPTION_V3
    file_name = URL_INCEPTION_V3.rpartition("/")[2]
    hash_prefix = file_name.rpartition("-")[2].removesuffix(".pth")
