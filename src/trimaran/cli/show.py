"""How problems are shown: on standard error, in one form, with colour only where it helps."""

import os
import sys
from collections.abc import Iterable

import click

from trimaran.errors import Problem, TrimaranError, printable


def problems(found: Iterable[Problem]) -> None:
    """Print each problem as `error[CODE]: what`, then where, fix and detail."""
    for problem in found:
        head = click.style(f"error[{problem.code}]", fg="red", bold=True)
        lines = [f"{head}: {printable(problem.what)}"]
        if problem.where is not None:
            lines.append(f"  at  {printable(str(problem.where))}")
        if problem.fix:
            lines.append(f"  fix {printable(problem.fix)}")
        lines.extend(f"  |   {printable(line)}" for line in problem.detail)
        click.echo("\n".join(lines), err=True, color=_colour[0])


# What --color and NO_COLOR said; None leaves it to the terminal.
# A misspelt command is told before --color is read.
_colour: list[bool | None] = [False if os.environ.get("NO_COLOR") else None]


def use_colour(wanted: bool | None) -> None:
    """Remember the choice for errors, which are shown when the command that knew it has ended."""
    _colour[0] = wanted


def usage(error: click.ClickException, called: str) -> None:
    """Print a wrong option or argument in the form of every other problem.

    Args:
        called: the command that the user called, as far as that is known.
    """
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True, color=_colour[0])
        return
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else called
    problems([Problem("TRM0002", error.format_message().rstrip("."), f"`{path} --help` shows the usage")])


def unwritable(error: OSError) -> None:
    """Print what the system refused, such as output to a full disk."""
    what = f"{error.filename or 'the output'}: {error.strerror or error}"
    problems([Problem("TRM0005", what, "make room or mend the permissions, then run it again")])


def internal(error: Exception) -> None:
    """Print a bug of ours as a problem; the traceback goes to a file that can be sent."""
    import traceback

    from trimaran.cli import paths

    fix = "this is a bug in Trimaran"
    try:
        report = paths.state() / "crash.txt"
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text("".join(traceback.format_exception(error)), "utf-8")
        fix += f"; please report it with {report}"
    except (OSError, TrimaranError):
        fix += "; please report it"
    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})"  # noqa: PTH119
    problems([Problem("TRM0003", what, fix)])
    sys.stderr.flush()
