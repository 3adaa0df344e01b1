"""``ganbench plugins check``."""

import json
import textwrap
from typing import TYPE_CHECKING

import click

from ganbench.cli.values import TEXT

if TYPE_CHECKING:
    from ganbench.spec import Scalar

COLOURS = {"ok": "green", "failed": "red", "skipped": "yellow"}


@click.command(short_help="Run the conformance kit on a package.")
@click.argument("package", type=TEXT)
@click.option(
    "--only", type=TEXT, multiple=True, metavar="NAME[parameters]",
    help="Check only this component (kind/NAME where two share it; NAME:PATH where it takes one), perhaps with "
    "parameters; may be repeated.",
)  # fmt: skip
@click.option(
    "--skip", type=TEXT, multiple=True, metavar="CHECK=REASON", help="Skip a check, with the reason; may be repeated."
)
@click.option("--quiet", is_flag=True, help="Print only what failed, and the counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def check(package: str, only: tuple[str, ...], skip: tuple[str, ...], quiet: bool, as_json: bool) -> int:
    """Run the conformance kit on everything that PACKAGE registers. Exit code 1 if something fails.

    Each failure says what a user would see go wrong.

    \b
    Examples:
      ganbench plugins check ganbench-rpgan
      ganbench plugins check ganbench-r3gan --only 'r3gan[width=16]'
      ganbench plugins check ganbench --only hinge --json
      ganbench plugins check ganbench --only 'architecture/pacgan[pack=2]'
      ganbench plugins check ganbench --only 'folder:photos[size=32]'
    """
    from ganbench.testing.package import check_package

    counts = {"ok": 0, "failed": 0, "skipped": 0}
    listing = []
    parameters, texts = _parameters(only)
    for report in check_package(package, only=parameters, texts=texts, skip=_reasons(skip)):
        heading = "" if as_json else click.style(f"{report.kind} {report.name}", bold=True)
        checks: list[dict[str, str]] = []
        listing.append({"kind": report.kind, "name": report.name, "checks": checks})
        for one in report.outcomes:  # as each is known: those of large networks take minutes
            counts[one.status] += 1
            checks.append({"check": one.check, "title": one.title, "status": one.status, "message": one.message})
            if as_json or (quiet and one.status != "failed"):
                continue
            if heading:
                click.echo(heading)
                heading = ""
            click.echo(f"  {click.style(f'{one.status:7}', fg=COLOURS[one.status])}  {one.check:16}  {one.title}")
            if one.message:
                click.echo(textwrap.indent(textwrap.fill(one.message, 100), " " * 11))
    if as_json:
        click.echo(json.dumps({"package": package, **counts, "components": listing}, indent=2))
    else:
        click.echo(f"{counts['ok']} ok, {counts['failed']} failed, {counts['skipped']} skipped")
    return int(counts["failed"] > 0)


def _parameters(only: tuple[str, ...]) -> "tuple[dict[str, dict[str, Scalar]], dict[str, dict[str, str]]]":
    """The parameters of each component that ``--only`` names; and how numbers among them were typed."""
    from ganbench.errors import UsageError
    from ganbench.grid import is_typed_otherwise, read_parameters, split_parameters

    parameters: dict[str, dict[str, Scalar]] = {}
    texts: dict[str, dict[str, str]] = {}
    for text in only:
        name, items = split_parameters(text)
        given, typed = parameters.setdefault(name, {}), texts.setdefault(name, {})
        for key, alternatives in read_parameters(text, items).items():
            if len(alternatives) > 1:
                raise UsageError(f"{key} in '{text}' has {len(alternatives)} values; a check takes one at a time")
            (given[key], as_typed), *_ = alternatives
            if is_typed_otherwise(given[key], as_typed):
                typed[key] = as_typed
            else:
                typed.pop(key, None)
    return parameters, texts


def _reasons(skip: tuple[str, ...]) -> dict[str, str]:
    """The reason for which ``--skip`` leaves out each check."""
    from ganbench.errors import UsageError

    reasons = {}
    for text in skip:
        name, equals, reason = text.partition("=")
        if not equals or not reason.strip():
            raise UsageError(f"--skip {text} must be CHECK=REASON; every skipped check needs a reason")
        reasons[name.strip()] = reason.strip()
    return reasons
