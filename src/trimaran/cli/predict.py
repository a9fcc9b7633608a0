"""`trimaran predict [SERVICE.YAML|PACKAGE]`: what a program would need and where it would start, unbuilt."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trimaran.errors import Exit, Where, fail

if TYPE_CHECKING:
    from trimaran.toolchain.model import BuildRequest

_COLOURS = {"runs": "green", "fails": "red", "unknown": "yellow"}
_LIBC = r"musl, glibc-static, or the oldest glibc to serve as glibc-2.28"


@click.command("predict")
@click.argument("subject", metavar="[SERVICE.YAML|PACKAGE]", default="")
@click.option("--package", metavar="FOLDER", help="Of a module, as ./cmd/name.")
@click.option(
    "--for",
    "wanted",
    metavar="IDS",
    multiple=True,
    help="Only these distributions, as debian-12,alpine-3.23; may be repeated. Exit 1 unless it runs on all. "
    "Default for a declaration: its runsOn.",
)
@click.option(
    "--cgo",
    type=click.Choice(("auto", "on", "off")),
    help="Whether C is linked in; auto: if a package outside the standard library needs it.",
)
@click.option("--libc", metavar="NAME", help=f"What C is linked to: {_LIBC}.")
@click.option(
    "--go",
    metavar="VERSION",
    help="As 1.26 or 1.26.8; without it, the first Go that suits the module.",
)
@click.option("--platform", metavar="OS/ARCH", help="What it is built for; default: linux/amd64.")
@click.option("--tags", metavar="TAGS", help="Build tags, separated by commas.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print.",
)
def command(subject: str, wanted: tuple[str, ...], output: str, **how: str | None) -> int:
    """Say before a build where its program would start, and what decides that.

    PACKAGE is a command's folder, as ./cmd/name, or a module as module@version; what a declaration builds is
    taken as it says, and options change it. Go lists what it consists of; nothing is compiled. Both ways to
    build are told, with cgo and without, the one that `trimaran` would take first. Exits 0 whatever the
    verdicts are; with --for or runsOn, 1 when a verdict of that way is not "runs".
    """
    from trimaran.binary import Outcome
    from trimaran.cli import paths
    from trimaran.cli.known import measured
    from trimaran.portability import predict_report
    from trimaran.portability.predict import predict
    from trimaran.portability.predict_request import distributions_named

    name, request, declared = _asked(subject, how)
    given = wanted or declared
    here = measured() if given else {}
    chosen = [here.get(each.id, each) for each in distributions_named(given)]
    found = predict(name, request, chosen, paths.cache(), _tell)
    if output == "json":
        click.echo(json.dumps(predict_report.document(found), indent=1))
    else:
        width = max(40, min(80, shutil.get_terminal_size().columns))
        head, *lines = predict_report.text(found, width)
        click.echo("\n".join((click.style(head, bold=True), *map(_coloured, lines))))
    first = found.ways[0]
    doubtful = bool(first.fault or first.doubt) or any(
        each.outcome is not Outcome.RUNS for each in first.verdicts
    )
    return Exit.FINDINGS if given and doubtful else Exit.CLEAN


def _asked(subject: str, how: Mapping[str, str | None]) -> "tuple[str, BuildRequest, tuple[str, ...]]":
    """What it is called, how it is to be built, and where it is declared to run."""
    from trimaran.portability.predict_request import package_request
    from trimaran.toolchain.model import Cgo

    place = Path(subject or ("service.yaml" if Path("service.yaml").is_file() else "."))
    if subject and place.is_dir() and (place / "service.yaml").is_file():
        place /= "service.yaml"
    changes: dict[str, Any] = {key: how[key] for key in ("go", "libc", "platform") if how[key] is not None}
    changes |= {"cgo": Cgo(how["cgo"])} if how["cgo"] is not None else {}
    changes |= (
        {"tags": tuple(filter(None, (how["tags"] or "").split(",")))} if how["tags"] is not None else {}
    )
    if place.is_file() or place.suffix in {".yaml", ".yml"}:
        changes |= {"package": how["package"]} if how["package"] is not None else {}
        request, declared = _declared(str(place), how["platform"])
        return str(place), replace(request, **changes), declared
    name = subject or "."
    return name, replace(package_request(name, how["package"] or ""), **changes), ()


def _declared(name: str, platform: str | None) -> "tuple[BuildRequest, tuple[str, ...]]":
    from trimaran.deliver import programs
    from trimaran.spec import load

    declared = load.service(name)
    spec = declared.service.spec
    if spec.build is None:
        what = "the service brings an image or a binary that was built elsewhere"
        raise fail("TRM1361", what, "declare spec.build, or name the folder of its source", Where(name))
    first = "linux/amd64" if "linux/amd64" in spec.build.platforms else spec.build.platforms[0]
    return programs.request(declared, spec.build, platform or first), spec.runs_on


def _coloured(line: str) -> str:
    for outcome, colour in _COLOURS.items():
        start = f"    {outcome:<8} "
        if line.startswith(start):
            return f"    {click.style(f'{outcome:<8}', fg=colour, bold=True)} {line[len(start) :]}"
    return line


def _tell(line: str) -> None:
    click.echo(f"predict: {line}", err=True)
