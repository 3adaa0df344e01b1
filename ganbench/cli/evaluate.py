"""``ganbench eval``."""

from pathlib import Path
from typing import Any

import click

from ganbench.cli.options import (
    complete_components,
    data_root_option,
    extractor_option,
    format_option,
    metrics_option,
    quiet_option,
)
from ganbench.cli.outputs import print_rows
from ganbench.cli.values import PATH, SEED, TEXT, Choice, Whole

RANGES = ("-1:1", "0:1", "0:255")


@click.command("eval")
@click.argument("sources", nargs=-1, required=True, type=PATH, metavar="SOURCE...")
@click.option(
    "--against", type=TEXT, metavar="REFERENCE", shell_complete=complete_components("dataset"),
    help="A dataset, a folder or .zip of images, an array, or a trial: then as that trial was scored.",
)  # fmt: skip
@click.option("--reference", type=Choice(["train", "test"]), help="Split of the dataset.  [default: its own]")
@metrics_option
@extractor_option
@click.option(
    "--num-samples", type=Whole(2), metavar="N",
    help="Samples scored.  [default: all; of a generator as many as reals, at most 10,000]",
)  # fmt: skip
@click.option(
    "--labels", type=Choice(["balanced", "reference"]),
    help="Labels of a conditional generator's samples: as many of each, or as in the reference.  [default: reference]",
)  # fmt: skip
@click.option(
    "--label", type=TEXT, multiple=True, metavar="TEXT",
    help="Name of the row, once for all sources or once for each; sources with the same label are several trainings "
    "of one row.  [default: the file's name]",
)  # fmt: skip
@click.option(
    "--size", type=Whole(4, 2048), metavar="N", help="Resize image files to NxN, as folder:PATH[size=N] does."
)
@click.option("--channels", type=Choice(["1", "3"]),
              help="Convert images to grey (1) or colour (3), like the reference.")  # fmt: skip
@click.option("--range", "value_range", type=Choice(RANGES), metavar="|".join(RANGES),
              help="Values of black and white in floating point images.")  # fmt: skip
@click.option("--latent-dim", type=Whole(1), metavar="N", help="How many numbers z has, for a TorchScript generator.")
@click.option("--latent", type=Choice(["normal", "uniform"]),
              help="A saved generator's z from N(0, I) or U(-1, 1).  [default: normal]")  # fmt: skip
@click.option(
    "--seed", type=SEED, multiple=True, metavar="N",
    help="Seed that tells the trainings of one label apart, once (the next sources count up) or once for each; it also "
    "draws the latents, and the samples that are scored of more.  [default: 0]",
)  # fmt: skip
@data_root_option
@click.option(
    "--device", type=TEXT, default="auto", show_default=True, metavar="auto|cpu|cuda[:i]", help="Where to compute."
)
@click.option(
    "--out", type=PATH, default=Path("runs"), show_default=True, metavar="DIR",
    help="Folder of trials that the rows are added to; what is there is not scored again.",
)  # fmt: skip
@format_option
@quiet_option
def evaluate(
    sources: tuple[Path, ...], device: str, channels: str | None, out: Path, form: str, quiet: bool, **given: Any
) -> int:
    """Score samples or generators that ganbench did not train, and print the table.

    SOURCE is a folder or .zip of images, an array (.npy, .npz, .pt) of samples, a generator saved as TorchScript (.pt)
    or by torch.export (.pt2), or a trial, which is then scored in another way than in its run: its folder, its name
    under --out or the beginning of that name. A saved generator is a program and runs with your rights. The rows are
    added to the folder of trials: tables show them beside the trials with the same protocol. Exit codes are those of
    run.

    \b
    Examples:
      ganbench eval samples/ --against digits
      ganbench eval first.zip second.zip third.zip --label theirs --against digits
      ganbench eval theirs.zip ours.npy --against runs/hinge-dcgan-digits-s0-0123456789ab
      ganbench eval photos/ --against 'folder:reals[size=64]' --size 64 --metrics fid,kid
      ganbench eval generator.pt --latent-dim 128 --against cifar10 --reference train
      ganbench eval conditional.pt2 --against cifar10 --labels balanced
      ganbench eval runs/hinge-dcgan-digits-s0-0123456789ab --metrics fid,kid,precision-recall
    """
    from ganbench import plugins
    from ganbench.planning.given import to_request
    from ganbench.planning.request import RunRequest
    from ganbench.running.shown import run_shown

    loaded = plugins.load()
    chosen = int(channels) if channels else None
    request = to_request(sources, loaded.registry, channels=chosen, device=device, runs=out, **given)
    outcome = run_shown(RunRequest(plan=request, seeds=(0,), out=out, device=device), loaded, quiet=quiet)
    rows = outcome.rows()
    print_rows(rows, form)
    return outcome.exit_code(rows)
