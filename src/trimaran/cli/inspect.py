"""`trimaran inspect FILE…`: on which distributions a binary starts, and why not."""

import sys
from collections.abc import Iterable, Sequence

import click

from trimaran.cli import show
from trimaran.cli.inspecting import Answer, Job, is_folder, items
from trimaran.cli.inspecting_print import Ended, Form, form
from trimaran.cli.inspecting_workers import answers
from trimaran.cli.known import measured as at_hand
from trimaran.errors import Exit, Problem, TrimaranError, worst
from trimaran.facts import Distribution, distributions

_FORMATS = ("text", "table", "json", "jsonl", "yaml", "sarif", "junit")


@click.command("inspect")
@click.argument("files", metavar="FILE|DIRECTORY|PACKAGE…", nargs=-1, required=True)
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
@click.option(
    "--wants/--no-wants",
    default=None,
    help="Tell what a program may ask for while it runs: programs, certificates, time zones, names, "
    "libraries. Without this option, told for one program as text.",
)
@click.option("--exit-zero", is_flag=True, help="Exit 0 even if it does not run on a distribution of --for.")
def command(
    files: tuple[str, ...], output: str, wanted: tuple[str, ...], *, wants: bool | None, exit_zero: bool
) -> int:
    """Say on which distributions a binary starts, and why not.

    Reads the headers of each FILE, of every program in a DIRECTORY, and of those in a PACKAGE (deb, rpm, apk,
    tar, zip, wheel, a folder with an OCI image layout), runs nothing, and needs no network. Exits 0 whatever
    the verdicts are; with --for, 1 when a verdict is not "runs"; 2 when a file could not be read (the others
    are shown).
    """
    chosen, measured = _chosen(wanted)
    shape = form(output, counted=bool(wanted))
    alone = output == "text" and len(files) == 1 and not is_folder(files[0])
    job = Job(chosen, shape.say, alone if wants is None else wants, measured)
    # A table is drawn by the process that has seen all its rows.
    doubtful, problems = _print(answers(job, items(files), shared=output != "table"), shape)
    show.problems(problems)
    counted = wanted and doubtful and not exit_zero
    return worst([Exit.FINDINGS if counted else Exit.CLEAN, Exit.ERROR if problems else Exit.CLEAN])


def _print(found: Iterable[Answer], shape: Form) -> tuple[bool, list[Problem]]:
    doubtful, said, passed_over = False, 0, 0
    problems: list[Problem] = []
    _write(shape.head)
    for answer in found:
        if answer.text:
            _write(shape.joint + answer.text if said else answer.text)
            said += 1
        doubtful = doubtful or answer.doubtful
        problems += answer.problems
        passed_over += answer.passed_over
    _write(shape.tail(Ended(said, problems, passed_over)))
    sys.stdout.flush()
    return doubtful, problems


def _write(text: str) -> None:
    # What has no colour need not be looked through for it; click looks whether there is a terminal.
    if "\x1b" in text:
        click.echo(text, nl=False)
    else:
        sys.stdout.write(text)


def _chosen(wanted: Sequence[str]) -> tuple[tuple[Distribution, ...], frozenset[str]]:
    """The distributions that are judged, and which of them were measured in a root file system at hand."""
    measured = at_hand()
    known = {**distributions(), **(measured if wanted else {})}
    names = [name.strip() for text in wanted for name in text.split(",") if name.strip()]
    if wanted and not names:
        raise TrimaranError(
            Problem("TRM0210", "--for names no distribution", f"known are {', '.join(known)}")
        )
    wrong = [name for name in dict.fromkeys(names) if name not in known]
    if wrong:
        from trimaran.portability.predict_request import misspelt

        raise TrimaranError(*(misspelt(name, tuple(known)) for name in wrong))
    chosen = dict.fromkeys(names or known)
    return tuple(measured.get(name) or known[name] for name in chosen), frozenset(
        measured.keys() & chosen.keys()
    )
