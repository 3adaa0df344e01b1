"""The worker's answer to a plan: the cells of every dataset, and the files that they depend on."""

import os
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path

from ganbench import components, plugins
from ganbench.errors import DataError, GanbenchError, NotAtHand, TooFewSteps, UsageError
from ganbench.files import read_json, write_json
from ganbench.grid import ComponentRequest
from ganbench.plan import FileStamp, PlanAnswer, Planned, PlanRequest
from ganbench.plugins.blame import with_blame
from ganbench.plugins.installed import siblings
from ganbench.registry import Registry, package_of
from ganbench.resolving.cells import Cells
from ganbench.resolving.data import Data
from ganbench.spec import Labels


def answer(request: PlanRequest) -> PlanAnswer:
    """Plan the grid, or say in one line why it cannot be."""
    loaded = plugins.load()
    files: set[str] = set()
    try:
        planned: list[Planned] = []
        for dataset in request.datasets:
            data = Data(dataset, request, loaded.registry, files)
            planned += Cells(request, data, loaded.registry).plan()
            data.try_network()
        require_labelled(
            request.labels,
            planned,
            "no architecture here is conditional; leave --labels out, or add a conditional one",
        )
        require_extracted(request.extractor, planned)
        return PlanAnswer(planned=tuple(planned), files=tuple(stamps(files | loaded_sources(loaded.registry))))
    except (Exception, SystemExit) as error:  # a component may even call sys.exit
        return refusal(error, loaded)


def refusal(error: BaseException, loaded: plugins.Plugins) -> PlanAnswer:
    """The line that says why there is no plan; for what nobody foresaw, with the plugin it arose in."""
    if isinstance(error, GanbenchError):
        return PlanAnswer(
            error=str(error),
            needed_steps=error.needed if isinstance(error, TooFewSteps) else 0,
            values=error.values if isinstance(error, NotAtHand) else None,
        )
    trace = "".join(traceback.format_exception(error))
    return PlanAnswer(error=f"planning failed: {with_blame(error, loaded)}", trace=trace)


def require_labelled(labels: Labels | None, planned: Sequence[Planned], otherwise: str) -> None:
    """Refuse a choice of labels where nothing that is planned has labels.

    Raises:
        UsageError: ends with ``otherwise``, which says what has none and what to do.
    """
    if labels and all(cell.spec.evaluation.labels == "none" for cell in planned):
        raise UsageError(f"labels {labels}: {otherwise}")


def require_extracted(asked: ComponentRequest | None, planned: Sequence[Planned]) -> None:
    """Refuse an extractor where no metric of anything that is planned looks at features.

    Raises:
        UsageError: names it.
    """
    if asked and all(cell.spec.evaluation.extractor is None for cell in planned):
        raise UsageError(
            f"extractor '{asked.name}' has no effect, because no metric here uses features; leave --extractor out"
        )


def loaded_sources(registry: Registry) -> set[str]:
    """The source files of every distribution that components come from, as far as they were imported."""
    packages = siblings(entry.package for kind in components.CONTRACTS for entry in registry.entries(kind))
    modules = [module for name, module in list(sys.modules.items()) if package_of(name) in packages]
    return {file for module in modules if (file := getattr(module, "__file__", None))}


def stamps(files: Iterable[str]) -> Iterable[FileStamp]:
    """Size and time of each file, by which a kept plan is known to hold still.

    Raises:
        DataError: one cannot be read.
    """
    for file in sorted(files):
        try:
            status = os.stat(file)
        except OSError as error:
            raise DataError(
                f"cannot read {file}, which a component names as one of its files: {error.strerror}"
            ) from error
        yield FileStamp(path=str(Path(file).resolve()), size=status.st_size, mtime_ns=status.st_mtime_ns)


def main(request_path: str, answer_path: str) -> int:
    """Answer the request in one file into another."""
    request = PlanRequest.model_validate(read_json(Path(request_path)))
    write_json(Path(answer_path), answer(request).model_dump(mode="json"))
    return 0
