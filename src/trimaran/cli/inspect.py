"""`trimaran inspect FILE…`: on which distributions a binary starts, and why not."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import click

from trimaran.binary import File, Outcome, inspect_file, linux_floor, report, verdicts
from trimaran.cli import show
from trimaran.errors import Exit, Problem, TrimaranError, Where, printable, worst
from trimaran.facts import Distribution, distributions, go_kernels

_FORMATS = ("text", "table", "json", "jsonl", "yaml")
_COLOURS = {Outcome.RUNS: "green", Outcome.FAILS: "red", Outcome.UNKNOWN: "yellow"}


@click.command("inspect")
@click.argument("files", metavar="FILE…", nargs=-1, required=True)
@click.option(
    "-o", "--output", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to print."
)
@click.option(
    "--for",
    "wanted",
    metavar="IDS",
    multiple=True,
    help="Only these distributions, as debian-12,alpine-3.23; may be repeated. Exit 1 unless it runs on all.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 even if it does not run on a distribution of --for.")
def command(files: tuple[str, ...], output: str, wanted: tuple[str, ...], *, exit_zero: bool) -> int:
    """Say on which distributions a binary starts, and why not.

    Reads the headers of each FILE, runs nothing, and needs no network. Exits 0 whatever the verdicts are;
    with --for, 1 when a verdict is not "runs"; 2 when a file could not be read (the others are shown).
    """
    chosen = _chosen(wanted)
    problems: list[Problem] = []
    doubtful = False

    def inspected() -> Iterator[report.Inspected]:
        nonlocal doubtful
        for name in files:
            try:
                file = _inspect(name)
            except TrimaranError as error:
                problems.extend(error.problems)
                continue
            found = verdicts(file, chosen)
            doubtful = doubtful or any(verdict.outcome is not Outcome.RUNS for verdict in found)
            yield file, found

    _PRINT[output](inspected(), problems)
    sys.stdout.flush()
    show.problems(problems)
    counted = wanted and doubtful and not exit_zero
    return worst([Exit.FINDINGS if counted else Exit.CLEAN, Exit.ERROR if problems else Exit.CLEAN])


def _chosen(wanted: Sequence[str]) -> tuple[Distribution, ...]:
    known = distributions()
    names = [name.strip() for text in wanted for name in text.split(",") if name.strip()]
    if wanted and not names:
        raise TrimaranError(
            Problem("TRM0210", "--for names no distribution", f"known are {', '.join(known)}")
        )
    wrong = [name for name in dict.fromkeys(names) if name not in known]
    if wrong:
        raise TrimaranError(*(_misspelt(name, tuple(known)) for name in wrong))
    return tuple(known[name] for name in dict.fromkeys(names or known))


def _misspelt(name: str, known: Sequence[str]) -> Problem:
    import difflib

    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return Problem(
        "TRM0210", f"nothing is known of a distribution {name!r}", f"{hint}known are {', '.join(known)}"
    )


def _inspect(name: str) -> File:
    if name == "-":
        what = "standard input cannot be inspected: headers stand at both ends of a program"
        raise TrimaranError(Problem("TRM0202", what, "name the program's file", Where("-")))
    return inspect_file(name)


def _text(found: Iterable[report.Inspected], _: Sequence[Problem]) -> None:
    import shutil

    width = max(40, min(80, shutil.get_terminal_size().columns))
    kernels = go_kernels()
    for place, (file, given) in enumerate(found):
        head, *lines = report.text(file, given, linux_floor(file, kernels), width)
        click.echo(("\n" if place else "") + click.style(head, bold=True))
        for line in lines:
            click.echo(_coloured(line))


def _coloured(line: str) -> str:
    for outcome, colour in _COLOURS.items():
        start = f"  {outcome:<8} "
        if line.startswith(start):
            return f"  {click.style(f'{outcome:<8}', fg=colour, bold=True)} {line[len(start) :]}"
    return line


def _table(found: Iterable[report.Inspected], _: Sequence[Problem]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    names = ("file", "distribution", "outcome", "rule", "reason")
    # A path that is cut cannot be copied; a long word goes on in the next line.
    columns = (Column(name, overflow="fold") for name in names)
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for file, given in found:
        for verdict in given:
            outcome = Text(verdict.outcome, style=_COLOURS[verdict.outcome])
            cells = (Text(printable(part)) for part in (verdict.rule, verdict.reason))
            table.add_row(Text(printable(file.path)), verdict.distribution, outcome, *cells)
    Console(highlight=False, soft_wrap=False).print(table)


def _json(found: Iterable[report.Inspected], problems: Sequence[Problem]) -> None:
    # A list of a thousand files is printed as it grows, so the memory does not.
    write = sys.stdout.write
    write(f'{{\n "schema": {json.dumps(report.SCHEMA)},\n "files": [')
    comma = "\n  "
    for file, given in found:
        write(comma + json.dumps(report.file_document(file, given)))
        comma = ",\n  "
    rows = ",\n  ".join(json.dumps(report.problem_document(problem)) for problem in problems)
    write(f'\n ],\n "problems": [{rows}]\n}}\n')


def _jsonl(found: Iterable[report.Inspected], problems: Sequence[Problem]) -> None:
    for file, given in found:
        sys.stdout.write(json.dumps({"schema": report.SCHEMA} | report.file_document(file, given)) + "\n")
    for problem in problems:
        row = {"schema": report.SCHEMA, "problem": report.problem_document(problem)}
        sys.stdout.write(json.dumps(row) + "\n")


def _yaml(found: Iterable[report.Inspected], problems: Sequence[Problem]) -> None:
    import yaml

    files = list(found)
    yaml.safe_dump(report.document(files, problems), sys.stdout, sort_keys=False, width=100)


_PRINT: dict[str, Callable[[Iterable[report.Inspected], Sequence[Problem]], None]] = {
    "text": _text,
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "yaml": _yaml,
}
