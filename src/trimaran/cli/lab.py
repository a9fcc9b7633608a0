"""`trimaran lab`: real clusters and a vCenter simulator on this machine, to try things on."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trimaran.cli import paths
from trimaran.cli.steps import Steps
from trimaran.errors import Exit, printable

if TYPE_CHECKING:
    from trimaran.lab import Desk
    from trimaran.lab.standing import Row

_STYLES = {"up": "green", "starting": "yellow", "stale": "yellow", "down": "red"}


@click.group("lab")
def command() -> None:
    """Run two Kubernetes control planes and a vCenter simulator on this machine.

    They listen on the loopback address only, with certificates and tokens made for them. What is in the
    lab is disposable.
    """


@command.command("up")
@click.option(
    "--fleet",
    "fleet_file",
    default="lab.yaml",
    show_default=True,
    metavar="FLEET.YAML",
    help="The fleet file to write.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def up(fleet_file: str, quiet: bool) -> None:
    """Start what does not run, and write a fleet file that names it.

    The first time this compiles the programs from the Go module proxy, which takes minutes; they are kept
    in the user's cache folder. After that it takes seconds. It may be run again at any time.
    """
    from trimaran import lab
    from trimaran.lab import build, fleetfile

    steps = Steps(quiet)
    desk = _desk()
    fleetfile.check(Path(fleet_file))
    with steps.step("programs") as step:
        made = lab.programs(desk.cache, step.progress)
        build.extracts(desk.cache, step.progress)
        step.say(f"{len(made)} programs in {printable(str(build.folder(desk.cache)))}")
    with steps.step("members") as step:
        running = lab.up(desk, Path(fleet_file), step.progress)
        count = len(running.rows)
        started = len(running.started)
        step.say(f"{count} up, {started} started" if started else f"all {count} were up already")
    click.echo(f"wrote {printable(fleet_file)} with the targets kubernetes, openshift, vsphere and host")
    click.echo(f"for kubectl and govc: . {printable(str(running.environment))}")


@command.command("status")
@click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How to print.",
)
def status(output: str) -> int:
    """Show how each member fares; exits 1 unless all are up."""
    from trimaran import lab
    from trimaran.lab.standing import all_up

    rows = lab.look(_desk())
    if output == "json":
        document = {"schema": "trimaran.dev/lab-status/v1", "up": all_up(rows)}
        click.echo(json.dumps({**document, "members": [_document(row) for row in rows]}, indent=2))
    else:
        for line in _table(rows):
            click.echo(line)
    return Exit.CLEAN if all_up(rows) else Exit.FINDINGS


@command.command("down")
@click.option("--purge", is_flag=True, help="Also remove its data, credentials and fleet file.")
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def down(purge: bool, quiet: bool) -> None:
    """End the lab's processes, and no others; compiled programs and what is in the clusters stay."""
    from trimaran import lab

    with Steps(quiet).step("members") as step:
        ended = lab.down(_desk(), step.progress, purge=purge)
        gone = " and its data is removed" if purge else ""
        step.say(f"{len(ended)} ended{gone}" if ended else f"none was running{gone}")


def _desk() -> "Desk":
    from trimaran.lab import Desk

    return Desk.of(paths.state(), paths.cache())


def _document(row: "Row") -> dict[str, object]:
    return {
        "member": row.member,
        "state": row.state.value,
        "address": row.address or None,
        "version": row.version,
        "pid": row.pid or None,
        "memory_bytes": row.memory or None,
    }


def _table(rows: "tuple[Row, ...]") -> list[str]:
    heads = ("member", "state", "address", "version", "pid", "memory")
    body = [
        (
            row.member,
            row.state.value,
            row.address or "-",
            row.version,
            str(row.pid or "-"),
            _megabytes(row.memory) if row.memory else "-",
        )
        for row in rows
    ]
    widths = [max(len(line[at]) for line in (heads, *body)) for at in range(len(heads))]
    lines = [_line(heads, widths)]
    for cells in body:
        state = click.style(f"{cells[1]:<{widths[1]}}", fg=_STYLES[cells[1]])
        lines.append(_line(cells, widths).replace(f"  {cells[1]:<{widths[1]}}  ", f"  {state}  ", 1))
    total = sum(row.memory for row in rows)
    return [*lines, f"{sum(row.state == 'up' for row in rows)} of {len(rows)} up, {_megabytes(total)}"]


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    left = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells[:4], widths, strict=False))
    return f"{left}  {cells[4]:>{widths[4]}}  {cells[5]:>{widths[5]}}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.0f} MB"
