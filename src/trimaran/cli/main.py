"""The command line's front door: which commands there are, and how anything that goes wrong is shown.

A command's module is imported when it is called or asked for its help; the table below holds all that
`--help` needs, because `trimaran --help` must not pay for the platforms.
"""

import atexit
import gc
import importlib
import os
import signal
import sys
from typing import NoReturn

import click

from trimaran import __version__
from trimaran.errors import Exit, Problem, TrimaranError

# command → (module under trimaran.cli, one line for --help). Modules define a click command `command`.
COMMANDS: dict[str, str] = {
    "init": "Read a Go module and write a service.yaml that ships.",
    "inspect": "Say on which distributions a binary starts, and why not.",
    "predict": "Say before a build where its program would start.",
    "verify": "Run a file in root file systems; compare with the prediction.",
    "blame": "Say which module brings each symbol that sets the glibc floor.",
    "fix": "Try every way to build a program; show where each starts.",
    "cc": "Examine the C toolchains that builds with cgo use.",
    "rootfs": "Add, list and measure root file systems of distributions.",
    "go": "List, install and verify Go toolchains.",
    "render": "Write the files for every target; print what is lost.",
    "plan": "Show what apply and ship would change, field by field.",
    "apply": "Deliver services to every target of a fleet, by one plan.",
    "ship": "Build, inspect, render, deliver and measure a service.",
    "down": "Stop and remove what was delivered, and only that.",
    "drift": "Show how targets differ from what was applied and declared.",
    "adopt": "Keep what was changed on a target against its declaration.",
    "revert": "Put back what was applied, where a target has drifted from it.",
    "rollback": "Bring targets back to what they were after an earlier revision.",
    "history": "List the runs that changed targets, and how they ended.",
    "lab": "Run real clusters and a vCenter simulator on this machine.",
    "audit": "Verify the ledger's audit chain.",
    "schema": "Print the JSON Schema of a declaration.",
    "completion": "Print the shell's completion script.",
    "help": "Explain an error code, without a network.",
}


class Commands(click.Group):
    """A group that imports a command only when it is used, and suggests the nearest on a slip."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"trimaran.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(name, COMMANDS, n=1)
            fix = f"did you mean `trimaran {near[0]}`?" if near else "`trimaran --help` lists the commands"
            raise TrimaranError(Problem("TRM0001", f"there is no command {name!r}", fix))
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="trimaran")
@click.option(
    "--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="NO_COLOR means never."
)
@click.pass_context
def cli(ctx: click.Context, color: str) -> None:
    """One deck, three hulls: prove that a Go service starts where it will run, and deliver it there."""
    from trimaran.cli import show

    ctx.color = {"always": True, "never": False}.get(color, _no_colour())
    show.use_colour(ctx.color)


def _no_colour() -> bool | None:
    """False when the environment forbids colour (no-color.org); None leaves it to the terminal."""
    return False if os.environ.get("NO_COLOR") else None


def run() -> NoReturn:
    """The `trimaran` command. Never shows a traceback; ends the process with the status of `Exit`."""
    # A supervisor's SIGTERM ends what we started, and gives leases back, as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # A run builds up values until it ends, and hardly any cycles: a quarter of its time went into the search.
    gc.set_threshold(200_000, 50, 100)
    _end(int(_run(sys.argv[1:])))


def _end(status: int) -> NoReturn:
    """End without taking the interpreter apart first, which takes a tenth of a small command's time."""
    if sys.modules.get("threading") and len(sys._current_frames()) > 1:  # noqa: SLF001 - counts all threads
        # The interpreter waits for them.
        sys.exit(status)
    atexit._run_exitfuncs()  # noqa: SLF001 - what the interpreter itself does first
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        sys.exit(status)
    os._exit(status)


def _run(args: list[str]) -> int:
    try:
        result = cli.main(args=args, prog_name="trimaran", standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return Exit.INTERRUPTED
    except SystemExit:
        # click ends so when the reader has left (`| head`): nobody is there to be told, and that is no error.
        return Exit.CLEAN
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback reaches a user
        return _shown(error, args)
    return result if isinstance(result, int) else Exit.CLEAN


def _shown(error: Exception, args: list[str]) -> Exit:
    from trimaran.cli import show

    match error:
        case TrimaranError():
            show.problems(error.problems)
            return error.status
        case click.ClickException():
            # click does not tell which command an option without its value belongs to.
            word = next((word for word in args if word in COMMANDS), "")
            show.usage(error, f"trimaran {word}".rstrip())
        case OSError():
            show.unwritable(error)
        case _:
            show.internal(error)
    return Exit.ERROR
