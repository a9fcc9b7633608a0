"""`trimaran verify FILE… --on NAMES [-- ARGS]`: run files and hold predictions against the runs."""

from pathlib import Path
from typing import TypedDict, Unpack

import click

from trimaran.errors import fail

_ARGUMENTS = "trimaran.verify.arguments"


class Options(TypedDict):
    """What the command line says, by name."""

    files: tuple[str, ...]
    wanted: str
    variant: str
    output: str
    network: bool
    seconds: float
    memory: int
    tasks: int
    variables: tuple[str, ...]
    trace: bool
    cpu: str
    kernel: str
    isolation: str
    report: Path | None


class _Command(click.Command):
    """Takes what stands behind `--` for the program, not for us."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = args.index("--") if "--" in args else len(args)
        ctx.meta[_ARGUMENTS] = tuple(args[at + 1 :])
        return super().parse_args(ctx, args[:at])


@click.command("verify", cls=_Command, options_metavar="[OPTIONS]")
@click.argument("files", metavar="FILE… [-- ARGS]", nargs=-1, required=True)
@click.option(
    "--on",
    "wanted",
    metavar="NAMES",
    default="all",
    show_default=True,
    help="Root file systems, as debian-12,alpine-3.23; `trimaran rootfs list` shows them.",
)
@click.option(
    "--variant",
    type=click.Choice(("plain", "enterprise", "both")),
    default="both",
    show_default=True,
    help="Whose name-service configuration: the distribution's own, one with sss and compat, or each.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(("text", "json", "jsonl", "junit")),
    default="text",
    show_default=True,
    help="How to print.",
)
@click.option("--network", is_flag=True, help="Share this machine's network; there is none otherwise.")
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(0.1, 3600),
    default=10.0,
    show_default=True,
    help="Seconds that a program may take; one that is then still there has started.",
)
@click.option(
    "--memory",
    type=click.IntRange(16, 1 << 20),
    default=1024,
    show_default=True,
    help="MB that its processes may use together.",
)
@click.option(
    "--tasks",
    type=click.IntRange(1, 1 << 16),
    default=512,
    show_default=True,
    help="Processes and threads that it may have.",
)
@click.option("--env", "variables", metavar="NAME=VALUE", multiple=True, help="A variable that it sees.")
@click.option("--trace", is_flag=True, help="Tell which programs, libraries and files it asked for (strace).")
@click.option(
    "--cpu",
    metavar="LEVEL",
    default="",
    help="Run it on v1, v2, v3 or a processor that QEMU's user mode plays.",
)
@click.option(
    "--kernel", type=click.Choice(("own", "old")), default="own", help="Let the kernel call itself 2.6."
)
@click.option(
    "--isolation",
    type=click.Choice(("auto", "bubblewrap", "namespaces")),
    default="auto",
    show_default=True,
    help="What makes the sandbox.",
)
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the report about a contradicted prediction.",
)
@click.pass_context
def command(ctx: click.Context, /, **options: Unpack[Options]) -> int:
    """Run each FILE for real in root file systems and compare with what was predicted.

    Each run is cut off from this machine: no network, nothing writable that stays, bounded time, memory and
    processes. A shared library is load-checked by the distribution's own loader. Exits 1 when a file does not
    run somewhere, or when a run contradicts its prediction; 2 when something could not be tried.
    """
    from threading import Event

    from trimaran.cli import verify_runs

    cancelled = Event()
    try:
        return verify_runs.run(options, ctx.meta[_ARGUMENTS], _environment(options["variables"]), cancelled)
    finally:
        # Ctrl-C ends what is running in the sandboxes, too.
        cancelled.set()


def _environment(variables: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in variables:
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise fail("TRM1323", f"{each!r} is no variable", "write --env NAME=VALUE")
        found[name] = value
    return found
