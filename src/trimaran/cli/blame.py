"""`trimaran blame FILE --source DIR`: which module brings each symbol that sets the glibc floor."""

import json
import shutil
from typing import Any

import click

from trimaran.errors import Exit, fail


@click.command("blame")
@click.argument("file", metavar="FILE")
@click.option(
    "--source",
    metavar="DIR",
    required=True,
    help="What it was built from: a folder with a go.mod, or a module as module@version.",
)
@click.option(
    "--package", default="", metavar="PACKAGE", help="As ./cmd/name; without it, the one that FILE names."
)
@click.option(
    "--for",
    "wanted",
    metavar="ID",
    help="Only what keeps it from starting on this distribution, as debian-11. Exit 1 when there is any.",
)
@click.option("--all", "everything", is_flag=True, help="Every versioned symbol, and not only newer ones.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print.",
)
def command(file: str, source: str, package: str, wanted: str | None, **how: Any) -> int:
    """Say which module brings each symbol that sets the glibc floor of a Go program.

    Asks Go for the packages that FILE was compiled from, as it was built, and reads the object files in
    them. What is not in Go's build cache is compiled; nothing is linked or run. Exits 2 when FILE or its
    source cannot be read.
    """
    from trimaran.cli import paths
    from trimaran.portability import blame_report
    from trimaran.portability.blame import blame
    from trimaran.portability.predict_request import request

    least = _least(wanted)
    found = blame(file, request(source, package), paths.cache(), _tell)
    newer = blame_report.above(found, least)
    if how["output"] == "json":
        click.echo(json.dumps(blame_report.document(found), indent=1))
    else:
        width = max(40, min(80, shutil.get_terminal_size().columns))
        head, *lines = blame_report.text(found, found.symbols if how["everything"] else newer, width)
        click.echo("\n".join((click.style(head, bold=True), *lines)))
    return Exit.FINDINGS if wanted and any(not each.weak for each in newer) else Exit.CLEAN


def _least(wanted: str | None) -> tuple[int, ...]:
    """The glibc that is not to be blamed for. Raises TRM0210 and TRM1345."""
    from trimaran.binary.model import number
    from trimaran.facts import Libc
    from trimaran.portability.blame_report import OLDEST
    from trimaran.portability.predict_request import distributions_named

    if wanted is None:
        return OLDEST
    chosen = distributions_named([wanted])
    glibc = [number(each.libc_version) or () for each in chosen if each.libc is Libc.GLIBC]
    if len(glibc) < len(chosen):
        others = ", ".join(each.id for each in chosen if each.libc is not Libc.GLIBC)
        what = f"{others} has no glibc to compare with"
        raise fail("TRM1345", what, "`trimaran inspect` tells why it does not start there")
    return min(glibc)


def _tell(line: str) -> None:
    click.echo(f"blame: {line}", err=True)
