"""``ganbench runs``."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ganbench.cleaning import clean, clean_line
from ganbench.cli.completers import complete_trials
from ganbench.cli.outputs import print_written, require_no_input, require_suffix
from ganbench.cli.values import PATH, TEXT

if TYPE_CHECKING:
    from ganbench.store.lease_file import Seen

OUT = click.option(
    "--out", type=PATH, default=Path("runs"), show_default=True, metavar="DIR",
    help="Folder of trials.",
)  # fmt: skip


@click.group()
def runs() -> None:
    """List, inspect, verify, prune, export and import the trials of a folder.

    TRIAL is a trial's folder, its name under --out or the beginning of that name.

    \b
    Examples:
      ganbench runs list --status failed
      ganbench runs verify
    """


@runs.command(short_help="Print a key for a CI's cache of trials.")
def key() -> int:
    """Print what trials' numbers depend on besides their names: a key for a CI's cache of trials.

    A trial's name holds its recipe, its data and the code of its components. The key holds the code of ganbench's own
    training and evaluation and the versions of PyTorch, torch-fidelity and NumPy. Trials under equal keys may be mixed.

    \b
    Examples:
      ganbench runs key
      ganbench run --suite grid.toml --out "runs/$(ganbench runs key)"
    """
    from ganbench.provenance.versions import key as found

    click.echo(found())
    return 0


@runs.command("list", short_help="List the trials with their status.")
@OUT
@click.option(
    "--status",
    "wanted",
    type=TEXT,
    multiple=True,
    metavar="STATUS,...",
    help="List only these: done, failed, timeout, ...",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_runs(out: Path, wanted: tuple[str, ...], as_json: bool) -> int:
    """List every trial with its status, who works on it, and why it is not done.

    \b
    Examples:
      ganbench runs list
      ganbench runs list --status failed,timeout
    """
    from ganbench.errors import UsageError, did_you_mean
    from ganbench.grid import split_list
    from ganbench.spec import STATUSES
    from ganbench.store.leases import holder
    from ganbench.store.results import read_rows

    chosen = split_list(wanted)
    for status in chosen:
        if status not in STATUSES:
            raise UsageError(f"there is no status '{status}'{did_you_mean(status, STATUSES)}")
    rows, problems = read_rows(out)
    found: list[dict[str, Any]] = []
    for row in rows:
        if chosen and row.status not in chosen:
            continue
        owner = holder(row.folder)
        found.append(
            {"trial_id": row.trial_id, "status": row.status, "trial": row.name, "reason": row.reason,
             "held_by": str(owner) if owner else "", "time": row.since}
        )  # fmt: skip
    if as_json:
        click.echo(json.dumps(found, indent=2))
    else:
        width = max((len(one["trial_id"]) for one in found), default=0)
        for one in found:
            begin = f"{one['status']:13} {one['trial_id']:{width}}  {_when(one['time'])}"
            holding = f"held by {one['held_by']}" if one["held_by"] else ""
            click.echo(clean_line("  ".join(filter(None, (begin, holding, one["reason"])))))
    for problem in problems:
        click.echo(f"ganbench: unreadable: {clean(problem)}", err=True)
    return 1 if problems else 0


@runs.command(short_help="Show one trial: status, attempts, files, log.")
@click.argument("trial", type=TEXT, shell_complete=complete_trials)
@OUT
def show(trial: str, out: Path) -> int:
    """Show one trial: what it is, what became of it, its attempts, its files and the end of its log.

    \b
    Examples:
      ganbench runs show hinge-dcgan-digits-s0-0123456789ab
    """
    from ganbench.files import read_lines
    from ganbench.records.finding import find_trial
    from ganbench.store.leases import holder
    from ganbench.store.results import read_row

    folder = find_trial(trial, out, option="--out")
    row = read_row(folder)
    result = folder.read_result()
    owner = holder(folder.path)
    facts: list[tuple[str, Any]] = [
        ("trial", row.trial_id),
        ("what", row.name),
        ("status", row.status),
        ("since", _when(row.since)),
        ("reason", row.reason),
        ("held by", owner or "nobody"),
        ("attempts", len(read_lines(folder.attempts))),
        ("protocol", row.protocol.sentence(row.dataset) if row.protocol else ""),
    ]
    facts += [(f"recipe {key}", value) for key, value in row.recipe.items()]
    facts += [(f"metric {key}", value) for key, value in row.metrics.items()]
    facts += [(f"cost {key}", value) for key, value in row.cost.items()]
    stated = result.get("determinism")
    # The conditions of several parts are in the statement, as far as they differ.
    shown = {key: value for key, value in stated.items() if key != "parts"} if isinstance(stated, dict) else {}
    facts += [(f"determinism {key}", value) for key, value in shown.items()]
    facts += [("warning", warning) for warning in row.warnings]
    facts += [
        (f"file {path.name}", f"{path.stat().st_size:,} bytes")
        for path in sorted(folder.path.iterdir())
        if path.is_file()
    ]
    for key, value in facts:
        if value not in ("", None):
            click.echo(clean_line(f"{key:28} {value}"))
    for line in folder.log_tail():
        click.echo(clean_line(f"{'log':28} {line}"))
    return 0


@runs.command(short_help="Hash every file again and compare.")
@click.argument("trials", type=TEXT, nargs=-1, shell_complete=complete_trials)
@OUT
def verify(trials: tuple[str, ...], out: Path) -> int:
    """Hash every file again and compare with what was written. Exit code 1 if something is damaged.

    \b
    Examples:
      ganbench runs verify
      ganbench runs verify hinge-dcgan-digits-s0-0123456789ab
    """
    from ganbench.records.finding import find_trial
    from ganbench.records.folder import TrialFolder
    from ganbench.store.listing import trial_paths
    from ganbench.store.verification import verify as check
    from ganbench.tables.wording import counted

    named = [find_trial(trial, out, option="--out") for trial in trials]
    named = list({folder.path.resolve(): folder for folder in named}.values())  # each trial once, whatever names it
    folders = named or [TrialFolder(path) for path in trial_paths(out)]
    damaged = 0
    for folder in folders:
        found = check(folder)
        damaged += bool(found.damage)
        for line in found.damage:
            click.echo(clean_line(f"damaged: {line}"))
        for line in found.unverified:
            click.echo(clean_line(f"unverified: {line}"))
    click.echo(f"{counted(len(folders), 'trial')}, {damaged} damaged")
    return 1 if damaged else 0


@runs.command(short_help="Remove failed and superseded trials.")
@OUT
@click.option("--yes", is_flag=True, help="Remove them without asking.")
def prune(out: Path, yes: bool) -> int:
    """Remove trials that failed, and those that were done again with a later version of a component.

    Trials that somebody works on, that diverged or that go on from a checkpoint are kept.

    \b
    Examples:
      ganbench runs prune
      ganbench runs prune --yes
    """
    from ganbench.errors import StoreError
    from ganbench.store.pruning import candidates, remove
    from ganbench.store.results import read_rows

    seen: dict[Path, Seen] = {}
    chosen = candidates(read_rows(out)[0], seen)
    if _watched(seen):
        chosen = candidates(read_rows(out)[0], seen)
    if not chosen:
        click.echo("nothing to prune")
        return 0
    for row, why in chosen:
        click.echo(clean_line(f"{row.trial_id}  {why}"))
    these = f"these {len(chosen)} trials with all their files" if len(chosen) > 1 else "this trial with all its files"
    try:
        agreed = yes or click.confirm(f"remove {these}?", default=False)
    except click.Abort as error:
        if not isinstance(error.__context__, EOFError):  # Ctrl-C
            raise
        click.echo("\nganbench: nothing was removed; --yes removes without asking", err=True)
        return 1
    if not agreed:
        click.echo("nothing was removed")
        return 0
    removed, problems = 0, 0
    for row, _ in chosen:
        try:
            removed += remove(row, seen)
        except StoreError as error:  # of another user's trial, for example
            problems += 1
            click.echo(f"ganbench: {clean_line(str(error))}", err=True)
    click.echo(f"{removed} removed")
    return 1 if problems else 0


@runs.command("export", short_help="Write one trial to an archive.")
@click.argument("trial", type=TEXT, shell_complete=complete_trials)
@OUT
@click.option("--to", type=PATH, metavar="FILE.zip", help="The archive to write.  [default: TRIAL.zip]")
def export_trial(trial: str, out: Path, to: Path | None) -> int:
    """Write one trial to an archive that 'ganbench runs import' reads elsewhere.

    \b
    Examples:
      ganbench runs export hinge-dcgan-digits-s0-0123456789ab --to hinge.zip
    """
    from ganbench.records.finding import find_trial
    from ganbench.store.archive import write_archive
    from ganbench.store.leases import holder

    folder = find_trial(trial, out, option="--out")
    path = to if to is not None else Path(f"{folder.path.resolve().name}.zip")
    require_suffix("--to", path, ".zip")
    require_no_input("--to", path, folder.path)
    seen: dict[Path, Seen] = {}
    holder(folder.path, seen)
    _watched(seen)
    write_archive(folder, path, seen)
    print_written(path)
    return 0


@runs.command("import", short_help="Take one trial from an archive.")
@click.argument("archive", type=PATH)
@OUT
def import_trial(archive: Path, out: Path) -> int:
    """Take one trial from an archive. It is verified first; a trial that is there already is left as it is.

    \b
    Examples:
      ganbench runs import hinge.zip
    """
    from ganbench.store.archive import read_archive

    print_written(read_archive(archive, out).path)
    return 0


def _watched(seen: "dict[Path, Seen]") -> bool:
    """Wait, where leases are dated in the future, until a look tells whether anybody touches them; were there any?"""
    from ganbench.store.lease_file import STALE_SECONDS
    from ganbench.tables.wording import counted, duration

    ahead = [one.ahead for one in seen.values() if one.ahead > STALE_SECONDS]
    if ahead:
        click.echo(
            f"ganbench: of {counted(len(ahead), 'trial')} the lease is dated up to {duration(max(ahead))} in the "
            f"future, as where a clock was set back; looking for {STALE_SECONDS:g} s whether anybody touches it",
            err=True,
        )
        time.sleep(STALE_SECONDS + 1)
    return bool(ahead)


def _when(moment: float | None) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment is not None else "-"
    except (ValueError, OverflowError, OSError):  # beyond what this system's calendar has
        return "-"
