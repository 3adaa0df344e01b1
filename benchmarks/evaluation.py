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

Each has a process of its own, as its users run it; they take turns.
"""

import argparse
import contextlib
import shlex
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch_fidelity
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from benchmarks.apart import Apart
from benchmarks.harness import Machine, cpu_seconds, interleave, report, timed, write
from ganbench.api import Extractor, Samples
from ganbench.evaluation.evaluator import Evaluator
from ganbench.evaluation.images import to_uint8
from ganbench.evaluation.reading import read_given
from ganbench.extractors import register_with_torch_fidelity
from ganbench.extractors.embedded import Digits, Mnist
from ganbench.metrics.fid import FID
from ganbench.metrics.inception_score import InceptionScore
from ganbench.worker.heap import keep_freed_memory

EXTRACTORS: dict[str, type[Extractor]] = {"digits": Digits, "mnist": Mnist}
PEERS: dict[str, dict[str, Any]] = {"peer": {}, "peer-inline": {"save_cpu_ram": True}}
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


def levels_of(n: int, size: int) -> tuple[Tensor, Tensor]:
    """Fakes and reals as uint8 (n, 1, size, size)."""
    return to_uint8(images(n, size, 1)), to_uint8(images(n, size, 2))


class Scorer:
    """One contender, in a process of its own.

    Args:
        label: which.
        extractor: a key of :data:`EXTRACTORS`.
        n: fakes, and reals.
        folders: of fakes and of reals, for those who read files.
        threads: that torch may use.
    """

    def __init__(self, label: str, extractor: str, n: int, folders: tuple[Path, Path] | None, threads: int) -> None:
        torch.set_num_threads(threads)
        register_with_torch_fidelity()
        self._label, self._extractor, self._folders = label, EXTRACTORS[extractor](), folders
        size = self._extractor.sizes[0]
        self._fakes = images(n, size, 1)
        self._levels, self._reals = levels_of(n, size)
        self._evaluator = Evaluator(
            reference=Samples(data=self._reals),
            mixture=None,
            metrics={"fid": FID(), "is": InceptionScore()},
            extractor=self._extractor,
            device=torch.device("cpu"),
            cache=None,
        )
        if label.startswith("ganbench"):
            keep_freed_memory()  # as a trial's process does

    def run(self) -> tuple[float, float]:
        """Score the fakes twice and return the seconds, and processor seconds, of the second time.

        While the others were running the processor's caches have become theirs.
        """
        self.numbers()
        before = cpu_seconds()
        return timed(self.numbers), cpu_seconds() - before

    def numbers(self) -> dict[str, float]:
        """Score the fakes once."""
        if self._label == "ganbench":
            return self._evaluator.score(self._fakes, final=False)
        if self._label in PEERS:
            return self._peer(Tensors(self._levels), Tensors(self._reals), **PEERS[self._label])
        assert self._folders is not None
        if self._label == "ganbench-files":
            data, _ = read_given(self._folders[0], "images", tuple(self._fakes.shape[1:]))
            return self._evaluator.score_real(Samples(data=data))
        return self._peer(*map(str, self._folders))

    def _peer(self, first: Any, second: Any, **options: Any) -> dict[str, float]:
        found: dict[str, float] = torch_fidelity.calculate_metrics(
            input1=first,
            input2=second,
            feature_extractor=self._extractor.registered_name,
            fid=True,
            isc=True,
            cuda=False,
            cache=False,
            verbose=False,
            **options,
        )
        return found


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
    machine = Machine()
    # The module by its name: as a script this one is called something else in every process.
    from benchmarks.evaluation import Scorer

    with tempfile.TemporaryDirectory() as place, contextlib.ExitStack() as stack:
        size = EXTRACTORS[arguments.extractor].sizes[0]
        labels, pairs, folders = ["ganbench", *PEERS], [("peer", "ganbench"), ("peer-inline", "ganbench")], None
        if not arguments.no_files:
            fakes, reals = levels_of(arguments.n, size)
            folders = write_folder(Path(place) / "fakes", fakes), write_folder(Path(place) / "reals", reals)
            labels += ["ganbench-files", "peer-files"]
            pairs.append(("peer-files", "ganbench-files"))
        processes = {
            label: stack.enter_context(
                Apart(Scorer, label, arguments.extractor, arguments.n, folders, arguments.threads)
            )
            for label in labels
        }
        contenders = {label: partial(process.call, "run") for label, process in processes.items()}
        numbers = {label: process.call("numbers") for label, process in processes.items()}
        agree = all(_same(numbers["ganbench"], found) for found in numbers.values())
        timings = interleave(contenders, arguments.rounds, warm=1)
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
