"""``ganbench sample``."""

from pathlib import Path

import click

from ganbench.cli.values import PATH, SEED


@click.command()
@click.argument("trial", type=PATH)
@click.option("--n", "count", type=click.IntRange(1, 100_000), default=64, show_default=True, help="How many samples.")
@click.option("--out", type=PATH, default=Path("samples.png"), show_default=True,
              help="A .png grid, or an .npy array of uint8 images or float32 vectors.")  # fmt: skip
@click.option("--seed", type=SEED, default=0, show_default=True, help="Seed of the latent points.")
@click.option("--columns", type=click.IntRange(1), help="Images in a row.  [default: 8, or one per class]")
@click.option("--class", "wanted", type=click.IntRange(0), metavar="N",
              help="Class of a conditional generator's samples.  [default: all in turn]")  # fmt: skip
def sample(trial: Path, count: int, out: Path, seed: int, columns: int | None, wanted: int | None) -> int:
    """Draw samples from the generator of TRIAL, a trial's folder or its name under runs/.

    \b
    Examples:
      ganbench sample runs/hinge-dcgan-digits-s0-0123456789ab --n 100 --out grid.png
      ganbench sample hinge-dcgan-digits-s0-0123456789ab --out samples.npy --n 10000
    """
    from ganbench.cli.outputs import require_no_input
    from ganbench.errors import StoreError, UsageError
    from ganbench.folder import TrialFolder

    if out.suffix not in (".png", ".npy"):
        raise UsageError(f"--out {out} must end in .png or .npy")
    if columns is not None and out.suffix != ".png":
        raise UsageError(f"--columns is about a .png grid, and --out {out} is an array; leave it out")
    path = trial if trial.is_dir() else Path("runs") / trial
    if not path.is_dir():
        raise StoreError(f"there is no trial {trial}, neither as a folder nor under runs/")
    if not (path / "spec.json").exists() and (one := next(path.glob("*/spec.json"), None)) is not None:
        raise StoreError(f"{path} is a folder of trials; name the one to sample from, e.g. {one.parent}")
    require_no_input("--out", out, path)
    folder = TrialFolder(path)
    spec = folder.read_spec().spec
    if not folder.generator.exists():
        raise StoreError(f"{path} has no generator.safetensors; its status is {folder.read_status()['status']}")

    from ganbench.evaluation.drawing import draw_from_trial

    draw_from_trial(folder, spec, count=count, seed=seed, out=out, columns=columns, wanted=wanted, warn=_say)
    click.echo(str(out))
    return 0


def _say(warning: str) -> None:
    click.echo(f"warning: {warning}", err=True)
