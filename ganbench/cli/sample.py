"""``ganbench sample``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ganbench.cleaning import clean
from ganbench.cli.completers import complete_trials
from ganbench.cli.values import PATH, SEED, TEXT, TRUNCATION, Whole

if TYPE_CHECKING:
    from ganbench.evaluation.drawing import Choice, Drawer

ARRAYS = (".npy", ".npz")
STEPS = 8
"""By default, the images on a walk between two latent points, and the number of walks."""
FOR_GRIDS = {
    "--columns": "leave it out",
    "--interpolate": "use --out walks.png",
    "--neighbours": "use --out neighbours.png",
}
"""Options that only a .png grid has, each with what to do elsewhere."""
FORMS = "a .png grid, a folder or .zip of PNG files, an .npy or .npz array, or a .pt2 program"


@click.command()
@click.argument("trial", type=PATH, shell_complete=complete_trials)
@click.option("--n", "count", type=Whole(1, 100_000), metavar="N",
              help="How many samples.  [default: 64; with --neighbours 8, or one per class]")  # fmt: skip
@click.option(
    "--out", type=PATH, metavar="PATH",
    help="A .png grid; a folder or .zip of PNG files; an .npy or .npz array of uint8 images or float32 vectors; or "
    "generator.pt2, the generator as a torch.export program.  [default: samples.png; with --scored a folder, samples]",
)  # fmt: skip
@click.option("--scored", is_flag=True, help="Write all samples of the trial's final score.")
@click.option("--seed", type=SEED, metavar="N", help="Seed of the latent points.  [default: 0]")
@click.option("--columns", type=Whole(1), metavar="N", help="Images in a row.  [default: 8, or one per class]")
@click.option("--class", "wanted", type=TEXT, metavar="NAME|N",
              help="Class of a conditional generator's samples.  [default: all in turn]")  # fmt: skip
@click.option("--interpolate", is_flag=True,
              help="A .png grid whose rows walk between two latent points, in --columns steps.")  # fmt: skip
@click.option("--neighbours", type=Whole(1, 1000), metavar="K",
              help="A .png grid whose rows are a sample and its K nearest training images.")  # fmt: skip
@click.option("--truncation", type=TRUNCATION, metavar="PSI",
              help="Draw normal latents again beyond PSI: less variety; never scored.  [default: none]")  # fmt: skip
@click.option("--device", type=TEXT, default="cpu", show_default=True, metavar="auto|cpu|cuda[:i]",
              help="Where to compute.")  # fmt: skip
def sample(
    trial: Path,
    count: int | None,
    out: Path | None,
    scored: bool,
    seed: int | None,
    columns: int | None,
    wanted: str | None,
    interpolate: bool,
    neighbours: int | None,
    truncation: float | None,
    device: str,
) -> int:
    """Draw samples from the generator of TRIAL, a trial's folder, its name under runs/ or the beginning of that name.

    With --scored, write the samples that the trial's final score was computed from, so that others can score them. A
    folder or .zip has one image per file, which ganbench eval and torch-fidelity read.

    \b
    Examples:
      ganbench sample runs/hinge-dcgan-digits-s0-0123456789ab --n 100 --out grid.png
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --out samples.npy --n 10000
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --scored --out samples.zip
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --interpolate --truncation 0.7 --out walks.png
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --neighbours 5 --n 10 --out copies.png
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --out generator.pt2
    """
    from ganbench.cli.outputs import print_written, require_no_input
    from ganbench.errors import UsageError
    from ganbench.executors import devices
    from ganbench.records.finding import find_trial
    from ganbench.records.folder import require_generator

    out = out or Path("samples" if scored else "samples.png")
    given: dict[str, object] = {
        "--n": count,
        "--seed": seed,
        "--columns": columns,
        "--class": wanted,
        "--truncation": truncation,
    }
    _require_sense(out, scored, given | {"--neighbours": neighbours, "--interpolate": interpolate or None}, device)
    walks = _walks(count, columns) if interpolate else None
    place = devices.choose(device)
    folder = find_trial(trial)
    require_no_input("--out", out, folder.path)
    require_generator(folder)
    told = folder.read_spec()
    if columns is not None and told.spec.data.kind != "image" and not interpolate:
        raise UsageError(f"the samples of {told.trial_id} are points, whose plot has no columns; leave --columns out")

    import torch

    from ganbench.evaluation import drawing, handout
    from ganbench.evaluation.trained import load_generator

    drawer = drawing.Drawer(folder=folder, trial=told, device=torch.device(_usable(place, device)), warn=_say)
    choice = drawing.Choice(seed=seed or 0, wanted=wanted, truncation=truncation)
    suffix = out.suffix.lower()
    if suffix == ".pt2":
        handout.write_program(out, load_generator(folder.path, warn=_say))
    elif scored:
        handout.write_samples(out, *drawer.draw_scored())
    elif suffix == ".png":
        _write_picture(out, drawer, choice, count=count, columns=columns, neighbours=neighbours, walks=walks)
    else:
        handout.write_samples(out, *drawer.draw(count or 64, choice), truncation)
    print_written(out)
    return 0


def _usable(place: str, asked: str) -> str:
    """Return the device that was chosen, but the CPU where ``auto`` chose a GPU that torch cannot use, and say so.

    Raises:
        NoGPU: it cannot use one that was asked for.
    """
    from ganbench.processes.server import NoGPU
    from ganbench.provenance.cuda import obstacle

    why = obstacle() if place != "cpu" else ""
    if not why:
        return place
    if asked != "auto":
        raise NoGPU(why, "use --device cpu")
    _say(str(NoGPU(why, "samples are drawn on the CPU")))
    return "cpu"


def _write_picture(
    out: Path,
    drawer: "Drawer",
    choice: "Choice",
    *,
    count: int | None,
    columns: int | None,
    neighbours: int | None,
    walks: tuple[int, int] | None,
) -> None:
    """Draw samples, alone or beside their neighbours, or walks between them; say what the picture cannot show."""
    from ganbench.evaluation.preview import what_is_missing, write_grid
    from ganbench.records.sheet import columns_for

    spec = drawer.trial.spec
    in_turn = choice.wanted is None and spec.evaluation.labels != "none"
    usual = columns_for(spec.data.classes if in_turn else 0)
    notes = {} if choice.truncation is None else {"truncation": f"{choice.truncation:g}"}
    if neighbours:
        from ganbench.evaluation import nearest  # with torch-fidelity and all, a second that others need not wait

        nearest.require_neighbours(drawer.trial, neighbours)
        samples, _ = drawer.draw(count or usual, choice)
        found = nearest.find_neighbours(drawer.trial, samples, neighbours, device=drawer.device, warn=_say)
        nearest.write_neighbours(out, samples, found, notes)
    elif walks:
        rows, steps = walks
        samples, _ = drawer.draw_walks(rows, steps, choice)
        write_grid(out, samples, steps, notes | {"interpolated": f"walks of {steps} images"})
    else:
        samples, _ = drawer.draw(count or 64, choice)
        write_grid(out, samples, columns or usual, notes)
    if problem := what_is_missing(samples):
        _say(problem)


def _require_sense(out: Path, scored: bool, given: dict[str, object], device: str) -> None:
    """Refuse options that contradict each other, and a folder in use.

    Args:
        out: what is to be written.
        scored: whether ``--scored`` is given.
        given: the other options with their values, ``None`` for one that is not given.
        device: what ``--device`` is.

    Raises:
        UsageError: says which option to leave out or change.
    """
    from ganbench.errors import UsageError

    suffix = out.suffix.lower()
    if suffix not in ("", ".png", ".zip", ".pt2", *ARRAYS) and not out.is_dir():
        raise UsageError(f"--out {out} must be {FORMS}")
    asked = [option for option, value in given.items() if value is not None]
    if scored and suffix in (".png", ".pt2"):
        raise UsageError(f"--scored writes all samples as files or an array, but --out {out} is neither")
    if scored and (options := [option for option in asked if option != "--columns"]):
        raise UsageError(f"--scored writes the samples that were scored; leave {options[0]} out")
    if suffix == ".pt2" and (asked or device != "cpu"):
        raise UsageError(f"--out {out} is a program for the CPU, not samples; leave {[*asked, '--device'][0]} out")
    for option, mend in FOR_GRIDS.items():
        if option in asked and suffix != ".png":
            raise UsageError(f"{option} is for a .png grid, but --out {out} is not one; {mend}")
    if {"--neighbours", "--interpolate"} <= {*asked}:
        raise UsageError("--neighbours and --interpolate fill the rows of a picture differently; leave one out")
    if {"--neighbours", "--columns"} <= {*asked}:
        raise UsageError("--neighbours fills a row with a sample and its neighbours; leave --columns out")
    if "--truncation" in asked and suffix not in (".png", ".npz"):
        raise UsageError(
            f"--out {out} cannot say that its samples are truncated, and might be scored; "
            "use a .png grid or an .npz array"
        )
    if out.is_dir() and suffix == ".png":
        raise UsageError(f"--out {out} is a folder, not a .png grid; choose another name")
    if out.is_dir() and any(out.iterdir()):
        raise UsageError(
            f"--out {out} is a folder that contains files, which would be scored too; choose another folder"
        )


def _walks(count: int | None, columns: int | None) -> tuple[int, int]:
    """How many walks there are, and how many images are on each.

    Raises:
        UsageError: the images fill no whole rows.
    """
    from ganbench.errors import UsageError

    steps = columns or STEPS
    images = count or steps * STEPS
    if steps < 2:
        raise UsageError("--interpolate walks from one latent point to another; use --columns of at least 2")
    if images % steps:
        raise UsageError(f"--interpolate fills whole rows of {steps}; use --n {-(-images // steps) * steps}")
    return images // steps, steps


def _say(warning: str) -> None:
    click.echo(f"warning: {clean(warning)}", err=True)
