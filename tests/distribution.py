"""An installed package without an installer: modules in a folder, and the metadata beside them."""

from collections.abc import Mapping
from pathlib import Path


def write_distribution(
    site: Path,
    name: str,
    modules: Mapping[str, str],
    *,
    points: str = "",
    version: str = "1.0",
    requires: str = "",
) -> None:
    """Write a distribution into ``site``, a folder that is or will be on the path; again, over itself, changes nothing.

    Args:
        site: made where it is missing.
        name: of the distribution, as in ``ganbench-mine``.
        modules: name to source.
        points: the text of ``entry_points.txt``; without it, one entry point for the first module.
        version: of the distribution.
        requires: what it depends on, as in ``ganbench>=0.1``.
    """
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    for module, source in modules.items():
        (site / f"{module}.py").write_text(source)
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
    (info / "entry_points.txt").write_text(points or f"[ganbench]\nmain = {next(iter(modules))}\n")
