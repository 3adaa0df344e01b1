"""``ganbench scatter``: generated points over real ones. Imports what draws only when it draws."""

import io
from pathlib import Path
from zipfile import BadZipFile

import click


@click.command()
@click.argument("samples", type=click.Path(path_type=Path))
@click.option("--dataset", default="spiral", show_default=True, metavar="NAME[parameters]",
              help="The dataset of points to draw behind.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), default=Path("scatter.png"), show_default=True,
              help="The picture, .png, .pdf or .svg.")  # fmt: skip
@click.option("--n", "count", type=click.IntRange(1, 100_000), default=2000, show_default=True,
              help="Points of each side.")  # fmt: skip
def scatter(samples: Path, dataset: str, out: Path, count: int) -> int:
    """Draw the points in SAMPLES, an .npy of `ganbench sample`, over those of a dataset.

    \b
    Examples:
      ganbench sample TRIAL --n 5000 --out points.npy
      ganbench scatter points.npy --dataset 'spiral[arms=3]' --out scatter.png
    """
    from ganbench.errors import DataError, UsageError
    from ganbench.files import write_bytes

    if out.suffix not in (".png", ".pdf", ".svg"):
        raise UsageError(f"--out {out} must end in .png, .pdf or .svg")
    import numpy as np

    try:
        points = np.load(samples, allow_pickle=False)
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"cannot read {samples} ({error}); make it with `ganbench sample TRIAL --out x.npy`") from error
    if not isinstance(points, np.ndarray):
        points.close()
        raise DataError(f"{samples} is an .npz, which may hold several arrays; use an .npy")
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
        raise DataError(f"{samples} holds {points.dtype} of shape {points.shape}, not points (N, 2)")

    from ganbench import plugins

    data = plugins.build("dataset", dataset).load("test", root=Path("data")).data.numpy()
    if data.ndim != 2 or data.shape[1] != 2:
        raise UsageError(f"dataset '{dataset}' does not consist of points in the plane")

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(aspect="equal")
    axes.scatter(data[:count, 0], data[:count, 1], s=3, color="0.75", label=f"{dataset}, test")
    axes.scatter(points[:count, 0], points[:count, 1], s=3, color="tab:blue", label="generated")
    axes.legend(loc="upper right", markerscale=3)
    picture = io.BytesIO()
    figure.savefig(picture, format=out.suffix.removeprefix("."), dpi=150)
    write_bytes(out, picture.getvalue())
    click.echo(str(out))
    return 0
