"""What a script does that trains one GAN and scores it: import, load, train by the plain loop, FID by torch-fidelity.

``python -m benchmarks.training.script --loss NAME --seed N --steps N``: started anew for each loss and seed.
"""

import argparse

import torch
import torch_fidelity
from torch.utils.data import Dataset

from benchmarks.training.plain import Plain
from benchmarks.training.workloads import Workload
from ganbench.api import Samples
from ganbench.architectures.dcgan import DCGAN
from ganbench.datasets.digits import Digits
from ganbench.extractors import register_with_torch_fidelity
from ganbench.extractors.embedded import Digits as DigitsExtractor


class OnDigits(Workload):
    """The workload, on the embedded digits instead of random images."""

    def samples(self) -> Samples:
        """The training split."""
        return Digits().load("train", root=None)  # type: ignore[arg-type]


class Tensors(Dataset[torch.Tensor]):
    """Images as torch-fidelity takes them."""

    def __init__(self, images: torch.Tensor) -> None:
        self.images = images.expand(-1, 3, -1, -1)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> torch.Tensor:
        return self.images[index]


def main() -> None:
    """Train, score, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--loss", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    architecture = DCGAN(norm_d="layer" if options.loss == "wgan-gp" else "batch")
    workload = OnDigits(
        architecture=architecture, shape=(1, 16, 16), loss=options.loss, steps=0, recipe={"latent_dim": 32}
    )
    plain = Plain(workload, seed=options.seed, device=options.device)
    plain.steps(options.steps)
    reference = Digits().load("test", root=None).data  # type: ignore[arg-type]
    plain.generator.eval()
    with torch.no_grad():
        latents = torch.randn(len(reference), 32, device=options.device)
        fakes = plain.generator(latents).mul(127.5).add(128).clamp(0, 255).to(torch.uint8).cpu()
    extractor = DigitsExtractor()
    register_with_torch_fidelity()
    values = torch_fidelity.calculate_metrics(
        input1=Tensors(fakes), input2=Tensors(reference), fid=True, isc=True, verbose=False,
        cuda=options.device != "cpu",
        feature_extractor=extractor.registered_name, feature_layer_fid=extractor.feature_layer,
        feature_layer_isc=extractor.logits_layer, save_cpu_ram=True,
    )  # fmt: skip
    print(options.loss, options.seed, values)


if __name__ == "__main__":
    main()
