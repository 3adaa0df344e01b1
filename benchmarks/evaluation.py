"""One evaluation (FID and IS) of ganbench against torch-fidelity's calculate_metrics.

Both sides use the same registered extractor with the same weights, on the CPU, and must give the same numbers to
1e-5, or the benchmark fails. Sampling is in neither: fakes are there as a tensor (of floats for us, of bytes for the
peer) or as PNG files. What differs, and is the point: ganbench recalls the features of the reference, the peer extracts
them anew at each call, because its own cache is keyed by a name and not by the data.

Contenders:

- ``ganbench``: an :class:`Evaluator` that has scored before, as during training; with the debiased FID and its error.
- ``peer``: ``calculate_metrics`` as called by default, which reads tensors through four worker processes.
- ``peer-inline``: the same with ``save_cpu_ram=True``, which reads them in its own process. The strictest peer.
- ``ganbench-files``, ``peer-files``: the fakes, and the peer's reference, are folders of PNG files.
"""

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch_fidelity
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.harness import Machine, interleave, report, write
from ganbench.api import Extractor, Samples
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.sources import read_given
from ganbench.extractors import register_with_torch_fidelity
from ganbench.extractors.embedded import Digits, Mnist
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore

EXTRACTORS: dict[str, type[Extractor]] = {"digits": Digits, "mnist": Mnist}
BAR = 10.0


class Tensors(Dataset[Tensor]):
    """Images as torch-fidelity takes them."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return self.images[index]


def images(n: int, size: int, seed: int) -> Tensor:
    """Smooth random images (n, 1, size, size) in [-1, 1]: something for the network to tell apart."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.randn(n, 1, 4, 4, generator=rng)
    smooth = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return (smooth + 0.1 * torch.randn(n, 1, size, size, generator=rng)).clamp(-1, 1)


def write_folder(path: Path, samples: Tensor) -> Path:
    """One PNG for each image."""
    path.mkdir()
    for index, image in enumerate(samples):
        Image.fromarray(image[0].numpy()).save(path / f"{index:06d}.png")
    return path


def main() -> int:
    """Run, print, write; exit code 1 where the numbers disagree."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks evaluation")
    parser.add_argument("--extractor", choices=EXTRACTORS, default="digits")
    parser.add_argument("--n", type=int, default=10_000, help="fakes, and reals")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--name", default="", help="of the file with the results; by default the extractor's")
    parser.add_argument("--no-files", action="store_true", help="leave the folders of PNG files out")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    machine = Machine()
    register_with_torch_fidelity()
    extractor = EXTRACTORS[arguments.extractor]()
    size = extractor.sizes[0]
    fakes, reals = images(arguments.n, size, 1), to_uint8(images(arguments.n, size, 2))
    levels = to_uint8(fakes)
    evaluator = Evaluator(
        reference=Samples(data=reals),
        mixture=None,
        metrics={"fid": FID(), "is": InceptionScore()},
        extractor=extractor,
        device=torch.device("cpu"),
        cache=None,
    )

    def peer(first: Any, second: Any, **options: Any) -> dict[str, float]:
        found: dict[str, float] = torch_fidelity.calculate_metrics(
            input1=first, input2=second, feature_extractor=extractor.registered_name, fid=True, isc=True, cuda=False,
            cache=False, verbose=False, **options,
        )  # fmt: skip
        return found

    with tempfile.TemporaryDirectory() as place:
        contenders: dict[str, Any] = {
            "ganbench": lambda: evaluator.score(fakes, final=False),
            "peer": lambda: peer(Tensors(levels), Tensors(reals)),
            "peer-inline": lambda: peer(Tensors(levels), Tensors(reals), save_cpu_ram=True),
        }
        pairs = [("peer", "ganbench"), ("peer-inline", "ganbench")]
        if not arguments.no_files:
            first, second = write_folder(Path(place) / "fakes", levels), write_folder(Path(place) / "reals", reals)
            shape = (1, size, size)

            def from_files() -> dict[str, float]:
                data, _ = read_given(first, "images", shape, "", 0)
                return evaluator.score_real(Samples(data=data))

            contenders |= {"ganbench-files": from_files, "peer-files": lambda: peer(str(first), str(second))}
            pairs.append(("peer-files", "ganbench-files"))
        numbers = {name: run() for name, run in contenders.items()}
        agree = all(_same(numbers["ganbench"], found) for found in numbers.values())
        timings = interleave(contenders, arguments.rounds, warm=0)
    print(f"FID and IS, {arguments.n} against {arguments.n} of {size}x{size}, extractor {arguments.extractor}")
    ratios = report(timings, pairs)
    print(f"numbers {'agree to 1e-5' if agree else 'DISAGREE'}; the bar of {BAR:g} times is "
          f"{'met' if all(found.median >= BAR for found in ratios.values()) else 'not met by every pair'}")  # fmt: skip
    content = {
        "extractor": arguments.extractor, "n": arguments.n, "size": size, "rounds": arguments.rounds,
        "numbers_agree": agree, "timings": timings, "ratios": ratios, "bar": BAR,
    }  # fmt: skip
    command = shlex.join(["python", "-m", "benchmarks", "evaluation", *sys.argv[1:]])
    print(write(f"evaluation-{arguments.name or arguments.extractor}", content, command=command, machine=machine))
    return 0 if agree else 1


def _same(one: dict[str, float], other: dict[str, float]) -> bool:
    fid = other.get("fid", other.get("frechet_inception_distance", float("nan")))
    score = other.get("is", other.get("inception_score_mean", float("nan")))
    return abs(fid - one["fid"]) <= 1e-5 * abs(one["fid"]) and abs(score - one["is"]) <= 1e-5 * abs(one["is"])


if __name__ == "__main__":
    sys.exit(main())
