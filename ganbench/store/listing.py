"""Which trials a folder has: each once, whatever links lead to it."""

from pathlib import Path

from ganbench.errors import StoreError
from ganbench.records.finding import is_trial
from ganbench.records.folder import require_runs


def trial_paths(runs: Path) -> list[Path]:
    """The folders of the trials in a folder of runs, or the one trial whose folder this is.

    A link to a trial that is there too, such as ``latest``, is passed over: one seed would count as two. Of several
    links to a trial that lies elsewhere, one stands for it.

    Raises:
        StoreError: there is no such folder, or it cannot be listed.
    """
    require_runs(runs)
    try:
        if (runs / "spec.json").is_file():
            return [runs]
        found = [path for path in runs.iterdir() if is_trial(path)]
    except OSError as error:
        raise StoreError(f"cannot list {runs}: {error.strerror or error}") from error
    links = sorted((path for path in found if path.is_symlink()), reverse=True)
    if not links:
        return sorted(found)
    # Of what leads to one place the last stands, a folder of its own before a link.
    once = {path.resolve(): path for path in (*links, *(path for path in found if not path.is_symlink()))}
    return sorted(once.values())
