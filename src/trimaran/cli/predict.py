"""`trimaran predict PACKAGE`: what a program would need, and where it would start, before it is built."""

import json
import shutil
from typing import Any

import click

from trimaran.errors import Exit

_COLOURS = {"runs": "green", "fails": "red", "unknown": "yellow"}


@click.command("predict")
@click.argument("subject", metavar="PACKAGE")
@click.option("--package", default="", metavar="FOLDER", help="Of a module, as ./cmd/name.")
@click.option(
    "--for",
    "wanted",
    metavar="IDS",
    multiple=True,
    help="Only these distributions, as debian-12,alpine-3.23; may be repeated. Exit 1 unless it runs on all.",
)
@click.option(
    "--cgo",
    type=click.Choice(("auto", "on", "off")),
    default="auto",
    show_default=True,
    help="Whether C is linked in; auto: if a package outside the standard library needs it.",
)
@click.option(
    "--go",
    "release",
    metavar="VERSION",
    help="As 1.26 or 1.26.8; without it, the first Go that suits the module.",
)
@click.option(
    "--platform", default="linux/amd64", show_default=True, metavar="OS/ARCH", help="What it is built for."
)
@click.option("--tags", default="", metavar="TAGS", help="Build tags, separated by commas.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print.",
)
def command(subject: str, wanted: tuple[str, ...], **how: Any) -> int:
    """Say before a build where its program would start, and what decides that.

    PACKAGE is a command's folder, as ./cmd/name, or a module as module@version. Go lists what it consists of;
    nothing is compiled. Both ways to build are told, with cgo and without, the one that `trimaran` would take
    first. Exits 0 whatever the verdicts are; with --for, 1 when a verdict of that way is not "runs".
    """
    from dataclasses import replace

    from trimaran.binary import Outcome
    from trimaran.cli import paths
    from trimaran.portability import predict_report
    from trimaran.portability.predict import predict
    from trimaran.portability.predict_request import distributions_named, package_request
    from trimaran.toolchain.model import Cgo

    chosen = distributions_named(wanted)
    tags = tuple(tag for tag in how["tags"].split(",") if tag)
    request = replace(
        package_request(subject, how["package"], Cgo(how["cgo"])),
        go=how["release"],
        platform=how["platform"],
        tags=tags,
    )
    found = predict(subject, request, chosen, paths.cache(), _tell)
    if how["output"] == "json":
        click.echo(json.dumps(predict_report.document(found), indent=1))
    else:
        width = max(40, min(80, shutil.get_terminal_size().columns))
        head, *lines = predict_report.text(found, width)
        click.echo("\n".join((click.style(head, bold=True), *map(_coloured, lines))))
    first = found.ways[0]
    doubtful = bool(first.fault or first.doubt) or any(
        each.outcome is not Outcome.RUNS for each in first.verdicts
    )
    return Exit.FINDINGS if wanted and doubtful else Exit.CLEAN


def _coloured(line: str) -> str:
    for outcome, colour in _COLOURS.items():
        start = f"    {outcome:<8} "
        if line.startswith(start):
            return f"    {click.style(f'{outcome:<8}', fg=colour, bold=True)} {line[len(start) :]}"
    return line


def _tell(line: str) -> None:
    click.echo(f"predict: {line}", err=True)
