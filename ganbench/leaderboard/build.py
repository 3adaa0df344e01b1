"""Write a leaderboard, or say where the committed one differs from what the results give."""

from collections.abc import Sequence
from pathlib import Path

from ganbench.errors import StoreError, UsageError
from ganbench.files import write_text
from ganbench.leaderboard.pages import pages
from ganbench.leaderboard.schema import NAME, Board, load
from ganbench.leaderboard.sources import SUFFIXES, merge, read_source, to_board


def assemble(sources: Sequence[Path], out: Path, *, suite: str = "", partial: bool = False) -> Board:
    """The board that the sources give.

    Args:
        sources: folders of trials and leaderboards, in the order in which they rank where several have a trial.
        out: the leaderboard's path without a suffix; its last part is the board's name.
        suite: the suite file to name on the pages; by default the one that a source names.
        partial: whether unfinished trials are let in.

    Raises:
        StoreError: a source cannot be read in full, or sources contradict each other.
    """
    read = [read_source(path) for path in sources]
    # A board that was made from a suite is still its board after others have added to it.
    suite = suite or next((source.suite for source in read if source.suite), "")
    return to_board(stem_of(out).name, merge(read, partial=partial), suite)


def stem_of(out: Path) -> Path:
    """The leaderboard's path without a suffix.

    Raises:
        UsageError: its last part is no name of a board.
    """
    if out.suffix == ".toml":
        raise UsageError(f"--out '{out}' is called like a suite; name the leaderboard, e.g. {out.with_suffix('')}")
    stem = out.with_suffix("") if out.suffix in SUFFIXES else out
    if not NAME.fullmatch(stem.name):
        raise UsageError(
            f"--out '{out}' must end in a name of letters, digits, '.', '_' and '-', e.g. leaderboards/digits"
        )
    return stem


def require_file(out: Path) -> None:
    """Check that a path names a board and not the folder that it is to lie in.

    Raises:
        UsageError: its last part is no name of a board, or it is a folder with no board beside it.
    """
    if not place_of(out).exists() and out.is_dir():
        raise UsageError(f"--out '{out}' is a folder; name the leaderboard in it, e.g. {out / 'NAME'}")


def place_of(out: Path) -> Path:
    """The leaderboard's own file, from which its pages are made."""
    stem = stem_of(out)
    return stem.with_name(f"{stem.name}.json")


def files(board: Board, out: Path) -> dict[Path, str]:
    """Every file of a leaderboard with its content."""
    stem = stem_of(out)
    content = {".json": board.to_text(), **pages(board)}
    return {stem.with_name(stem.name + suffix): text for suffix, text in content.items()}


def write(board: Board, out: Path) -> list[Path]:
    """Write all files, each whole; return them."""
    content = files(board, out)
    for path, text in content.items():
        write_text(path, text)
    return list(content)


def check(out: Path, sources: Sequence[Path] = (), *, suite: str = "", partial: bool = False) -> list[str]:
    """Say where the files of a leaderboard differ from what they must be; nothing where all is well.

    Without sources the pages are held against the leaderboard's file, and that against its own hash. With sources all
    of them are held against what the sources give.

    Raises:
        UsageError: there is no such leaderboard, which is no difference from one.
        StoreError: as :func:`assemble`.
    """
    place = place_of(out)
    if not place.exists():
        raise UsageError(
            f"there is no leaderboard {place} to check; correct --out, or build it from sources without --check"
        )
    try:
        committed = load(place)
    except StoreError as error:
        return [str(error)]
    board = assemble(sources, out, suite=suite or committed.suite, partial=partial) if sources else committed
    problems = []
    for path, wanted in files(board, out).items():
        try:
            # As bytes: a changed line ending is a change.
            found = path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            problems.append(f"{path} is missing")
            continue
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{path} cannot be read: {error}")
            continue
        if found != wanted:
            problems.append(
                f"{path} differs from what the results give; the first difference is in line {_first(found, wanted)}"
            )
    return problems


def _first(found: str, wanted: str) -> int:
    a, b = found.split("\n"), wanted.split("\n")
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False), start=1) if x != y), min(len(a), len(b)) + 1)
