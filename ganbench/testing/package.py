"""Running the kit on all that one distribution registers."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from importlib.metadata import distribution as distribution_of
from typing import Any, NamedTuple

from ganbench import components, plugins
from ganbench.errors import UsageError, did_you_mean
from ganbench.hookspecs import GROUP
from ganbench.parameters import merge
from ganbench.plugins import Plugin
from ganbench.registry import KINDS, Entry
from ganbench.spec import Scalar
from ganbench.testing.importing import changes, heavy
from ganbench.testing.judging import Outcome, run
from ganbench.testing.kit import checks_of, subject_of_entry


class Report(NamedTuple):
    """The outcomes of one component's checks, or of those of the package itself (``kind`` is then ``package``).

    ``outcomes`` can be iterated once: each check runs when its outcome is asked for.
    """

    kind: str
    name: str
    outcomes: Iterator[Outcome]


def check_package(
    distribution: str,
    *,
    only: Mapping[str, Mapping[str, Scalar]] | None = None,
    texts: Mapping[str, Mapping[str, str]] | None = None,
    skip: Mapping[str, str] | None = None,
) -> Iterator[Report]:
    """Run the kit on a distribution's plugins and components, one report and one check at a time.

    Args:
        distribution: the installed package's name.
        only: what to build components with, by their names: as ``kind/name`` where two kinds share one, with their
            argument after a colon where they take one (``folder:PATH``). All of them, by default, as they are.
        texts: by the same names, how numbers among these were typed; a parameter that is a text gets this.
        skip: checks to leave out, with the reason.

    Raises:
        UsageError: it is not installed or registers nothing; ``only`` names a component that it does not register, or
            gives one an argument or parameters that it does not take; ``skip`` names no check of its components.
    """
    only, texts, skip = only or {}, texts or {}, skip or {}
    loaded = plugins.load(environ={"GANBENCH_PLUGINS": distribution})
    name = plugins.normalised(distribution)
    own = [plugin for plugin in loaded.plugins if plugin.distribution == name]
    if not own:
        packages = sorted({plugin.distribution for plugin in loaded.plugins})
        if _is_installed(name):
            raise UsageError(
                f"the package '{name}' is installed, but none of its entry points is in the group '{GROUP}'; write "
                f"[project.entry-points.{GROUP}] in its pyproject.toml and install it again"
            )
        raise UsageError(f"no installed plugin comes from a package '{name}'{did_you_mean(name, packages)}")
    entries = [entry for kind in KINDS for entry in loaded.registry.entries(kind) if entry.distribution == name]
    chosen = _chosen(name, entries, only, texts)
    if skip:
        _require_checks(skip, [entry for entry, _ in chosen])
    yield Report("package", name, _check_itself(own, [entry for entry, _ in chosen]))
    for entry, parameters in chosen:
        yield Report(entry.kind, entry.name, _check(entry, parameters, skip))


def _is_installed(name: str) -> bool:
    """Whether there is a package of this name of which no entry point is a plugin."""
    try:
        points = distribution_of(name).entry_points
    except (PackageNotFoundError, OSError, ValueError):  # or what is there of it is damaged
        return False
    return all(point.group != GROUP for point in points)


def _require_checks(names: Iterable[str], entries: Iterable[Entry]) -> None:
    """Refuse a name that is none of a check of these components.

    Raises:
        UsageError: says which is near.
    """
    contracts: set[tuple[str, Any]] = set()
    for entry in entries:
        try:
            contracts.add((entry.kind, subject_of_entry(entry).cls))
        except UsageError:  # as the check of its target says: it may be any of its kind
            contracts |= {(entry.kind, contract) for contract in components.CONTRACTS.get(entry.kind, (None,))}
    known = {one.name for kind, contract in contracts for one in checks_of(kind, contract)}
    for name in names:
        if name not in known:
            raise UsageError(f"no component that is checked has a check '{name}'{did_you_mean(name, known)}")


def _chosen(
    package: str,
    entries: list[Entry],
    only: Mapping[str, Mapping[str, Scalar]],
    texts: Mapping[str, Mapping[str, str]],
) -> list[tuple[Entry, dict[str, Scalar]]]:
    """The components to check, and what each is to be built with."""
    if not only:
        return [(entry, {}) for entry in entries]
    asked = {called.partition(":")[0] for called in only}
    known = {called for entry in entries for called in _names(entry)}
    if unknown := min(asked - known, default=""):
        near = known if "/" in unknown else {entry.name for entry in entries}
        raise UsageError(f"{package} registers no '{unknown}'{did_you_mean(unknown, near, listed_by='ganbench list')}")
    chosen = [(entry, _given(entry, only)) for entry in entries if asked & set(_names(entry))]
    return [(entry, _as_a_run(entry, given, _typed(entry, texts)) if given else given) for entry, given in chosen]


def _names(entry: Entry) -> tuple[str, str]:
    """How a component may be named here."""
    return entry.name, f"{entry.kind}/{entry.name}"


def _given(entry: Entry, asked: Mapping[str, Mapping[str, Scalar]]) -> dict[str, Scalar]:
    """What a component is to be built with: its argument, where it was named with one, and its parameters."""
    found: dict[str, Scalar] = {}
    for called, parameters in asked.items():
        name, colon, argument = called.partition(":")
        if name not in _names(entry):
            continue
        if colon and not entry.argument:
            raise UsageError(f"{entry.kind} '{entry.name}' takes no argument, but '{called}' gives it one")
        found |= {**({entry.argument: argument} if argument else {}), **parameters}
    return found


def _typed(entry: Entry, texts: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """How numbers among what a component is to be built with were typed."""
    return {
        key: text
        for called, typed in texts.items()
        if called.partition(":")[0] in _names(entry)
        for key, text in typed.items()
    }


def _as_a_run(entry: Entry, given: dict[str, Scalar], texts: Mapping[str, str]) -> dict[str, Scalar]:
    """The parameters that a component is to be checked with, read as a run reads them.

    Raises:
        UsageError: the component does not take them.
    """
    try:
        subject = subject_of_entry(entry, parameters=given)
    except UsageError:
        return given  # the check of its target says so
    merged = merge(entry.kind, entry.name, subject.cls, given, texts)
    subject = replace(subject, parameters={key: merged[key] for key in given})
    subject.build_as_a_run()
    return dict(subject.parameters)


def _check_itself(own: Iterable[Plugin], chosen: Iterable[Entry]) -> Iterator[Outcome]:
    yield from map(_imports, own)
    yield _settings(chosen)


def _check(entry: Entry, parameters: Mapping[str, Scalar], skip: Mapping[str, str]) -> Iterator[Outcome]:
    title = "Its target can be imported and implements the contract of its kind"
    try:
        subject = subject_of_entry(entry, parameters=parameters)
    except UsageError as error:
        yield _outcome("target", title, str(error))
        return
    if not entry.summary:
        message = "it is registered without a summary; `ganbench list` would show a bare name"
        yield _outcome("summary", "It is registered with a summary", message)
    checks = {one.name for one in checks_of(subject.kind, subject.cls)}
    yield from run(subject, skip={check: why for check, why in skip.items() if check in checks})


def _imports(plugin: Plugin) -> Outcome:
    """Whether a plugin's module registers, and quickly."""
    module, message = plugin.module.partition(":")[0], ""
    if plugin.status != "ok":
        message = f"entry point '{plugin.name}' is {plugin.status}: {plugin.reason}"
    elif found := heavy(module):
        message = (
            f"{module} imports {' and '.join(found)}, so every command, even `ganbench --help`, would wait for "
            "it; name components by 'module:Class', which is imported when it is used"
        )
    return _outcome("registration", "Its entry point registers, and imports nothing heavy", message)


def _settings(entries: Iterable[Entry]) -> Outcome:
    """Whether importing components leaves torch's settings alone."""
    message = ""
    if found := changes(entry.target.partition(":")[0] for entry in entries):
        told = "; ".join(f"importing {module} calls {' and '.join(calls)}" for module, calls in found.items())
        message = (
            f"{told}: whatever runs in the same process would compute differently; set it only where it is needed, "
            "and restore it there"
        )
    return _outcome("settings", "Importing its components changes no setting of the whole process", message)


def _outcome(check: str, title: str, message: str) -> Outcome:
    """A failure if there is a message, else a success."""
    return Outcome(check=check, title=title, status="failed" if message else "ok", message=message)
