"""The steps of a long command: progress while they run, and a line with its time for each at the end.

The line is what was asked for and goes to standard output; progress goes to standard error, as one line
that is rewritten on a terminal and as plain lines elsewhere.
"""

import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from trimaran.errors import printable

_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
_NAME = 10  # columns for a step's name, with two blanks before it
_TIME = 8  # columns for its time
_PAUSE_S = 2.0  # between two progress lines in a log, where they do not replace each other
_LONGEST_PAUSE_S = 30.0  # a long wait does not fill a log


def width() -> int:
    """The columns to write in: the terminal's, at most 100; 80 where there is none."""
    return min(shutil.get_terminal_size((80, 24)).columns, 100) if sys.stdout.isatty() else 80


class Step:
    """One step: `say` its result, `add` lines below it."""

    def __init__(self, name: str, quiet: bool) -> None:
        self.name, self.quiet = name, quiet
        self.text = ""
        self.lines: list[str] = []
        self.started = time.monotonic()
        self.seconds = 0.0
        self.told = -_PAUSE_S
        self.pause = _PAUSE_S

    def say(self, text: str) -> None:
        """The result, one line."""
        self.text = text

    def add(self, line: str) -> None:
        """A further line below the result; may hold styles."""
        self.lines.append(line)

    def progress(self, line: str) -> None:
        """Show what is going on; nothing remains of it on a terminal."""
        if self.quiet:
            return
        text = f"  {self.name:<{_NAME}}{printable(line)}"
        if sys.stderr.isatty():
            columns = shutil.get_terminal_size((80, 24)).columns
            click.echo(f"\r\x1b[2K{text[: columns - 1]}", nl=False, err=True)
        elif time.monotonic() - self.told >= self.pause:
            self.told = time.monotonic()
            self.pause = min(self.pause * 1.5, _LONGEST_PAUSE_S)
            click.echo(text, err=True)

    def clear(self) -> None:
        """Take the progress line away."""
        if not self.quiet and sys.stderr.isatty():
            click.echo("\r\x1b[2K", nl=False, err=True)


class Steps:
    """The steps of one command, shown one after the other."""

    def __init__(self, quiet: bool = False, silent: bool = False) -> None:
        """Begin.

        Args:
            quiet: no progress.
            silent: no lines either, because the result is printed in another form.
        """
        self.quiet, self.silent = quiet, silent
        self.done: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        step = Step(name, self.quiet)
        try:
            yield step
        finally:
            step.clear()
        step.seconds = time.monotonic() - step.started
        self.done.append(step)
        if not self.silent:
            _print(step)

    @property
    def seconds(self) -> float:
        return sum(step.seconds for step in self.done)


def _print(step: Step) -> None:
    room = width() - _NAME - 2 - _TIME
    first, *rest = textwrap.wrap(printable(step.text), room, break_on_hyphens=False) or [""]
    name = click.style(f"{step.name:<{_NAME}}", bold=True)
    spent = click.style(f"{step.seconds:{_TIME - 2}.1f} s", dim=True)
    click.echo(f"  {name}{first:<{room}}{spent}")
    indent = " " * (_NAME + 2)
    for line in rest:
        click.echo(indent + line)
    for line in step.lines:
        click.echo(indent + line)


def below(text: str, **style: object) -> list[str]:
    """`text` as lines that fit below a step, each with the style; long ones are wrapped."""
    return _wrapped(text, width() - _NAME - 2, "", style)


def wrapped(text: str, indent: int = 2, **style: object) -> list[str]:
    """`text` as lines of the whole width, indented by some blanks; 2 is as the steps are."""
    return _wrapped(text, width(), " " * indent, style)


def short(text: str) -> str:
    """`text` with each digest cut to what tells it from others."""
    return _DIGEST.sub(r"\1…", text)


def _wrapped(text: str, room: int, indent: str, style: dict[str, object]) -> list[str]:
    lines = textwrap.wrap(
        printable(text), room, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )
    return [click.style(line, **style) for line in lines]  # type: ignore[arg-type] # click's own style names
