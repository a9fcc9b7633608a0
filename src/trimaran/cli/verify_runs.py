"""What `trimaran verify` does: files, root file systems and variants, a few at a time, told in order."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING

import click

from trimaran.binary import File, NameService, Outcome, inspect_file
from trimaran.cli import junit, paths, show
from trimaran.errors import Exit, Problem, TrimaranError, Where, fail, printable, worst
from trimaran.portability import verify_report, verify_text
from trimaran.portability.verify import How, Limits, Proof, verify
from trimaran.rootfs import Root, find, roots
from trimaran.rootfs.sandbox_plan import Isolation

if TYPE_CHECKING:
    from trimaran.cli.verify import Options

_MB = 1 << 20
_COLOURS = {Outcome.RUNS: "green", Outcome.FAILS: "red", Outcome.UNKNOWN: "yellow"}


@dataclass(slots=True)
class _Done:
    """What has become of the command so far."""

    cancelled: Event
    problems: list[Problem] = field(default_factory=list)
    statuses: list[Exit] = field(default_factory=list)
    contradicted: list[tuple[Proof, Root]] = field(default_factory=list)
    files: list[tuple[File, Sequence[Proof]]] = field(default_factory=list)


def run(
    options: "Options", arguments: tuple[str, ...], environment: Mapping[str, str], cancelled: Event
) -> int:
    """Try everything that was asked for; the exit status."""
    chosen = _roots(options["wanted"])
    done = _Done(cancelled)
    jobs = _jobs(options, arguments, environment, cancelled)
    for file, proofs in _tried(options, chosen, jobs, done):
        done.statuses.append(verify_report.status(proofs))
        done.contradicted += [(proof, chosen[proof.root]) for proof in proofs if not proof.agree]
        _PRINT[options["output"]](file, proofs, done)
    _END[options["output"]](done)
    sys.stdout.flush()
    show.problems(done.problems)
    if done.contradicted:
        _report(options, done, [*arguments, *environment.values()])
    return worst([*done.statuses, Exit.ERROR if done.problems else Exit.CLEAN])


def _roots(wanted: str) -> dict[str, Root]:
    store = paths.data() / "rootfs"
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    found = roots(store) if "all" in names else {name: find(store, name) for name in names}
    if not found:
        fix = "`trimaran rootfs add debian-12 --from debian:bookworm` adds one"
        raise fail("TRM1324", "no root file system is at hand to run it in", fix)
    return found


def _jobs(
    options: "Options", arguments: tuple[str, ...], environment: Mapping[str, str], cancelled: Event
) -> Callable[[str, Root, NameService], Proof]:
    isolation = None if options["isolation"] == "auto" else Isolation(options["isolation"])
    how = How(
        network=options["network"], environment=environment, isolation=isolation, cpu=options["cpu"],
        old_kernel=options["kernel"] == "old", trace=options["trace"], cancelled=cancelled.is_set,
    )  # fmt: skip
    limits = Limits(options["seconds"], options["memory"] * _MB, options["tasks"])

    def job(name: str, root: Root, variant: NameService) -> Proof:
        from pathlib import Path

        return verify(Path(name), root, arguments, variant=variant, limits=limits, how=how)

    return job


def _tried(
    options: "Options",
    chosen: Mapping[str, Root],
    job: Callable[[str, Root, NameService], Proof],
    done: _Done,
) -> Iterator[tuple[File, Sequence[Proof]]]:
    """Each file with its runs, in the order of the command; what could not be tried goes to the problems."""
    variants = [each for each in NameService if options["variant"] in {"both", each.value}]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        begun: list[tuple[str, File, list[Future[Proof]]]] = []
        for name in dict.fromkeys(options["files"]):
            file = _inspected(name, done)
            if file is not None:
                runs = [pool.submit(job, name, root, each) for root in chosen.values() for each in variants]
                begun.append((name, file, runs))
        try:
            for name, file, runs in begun:
                proofs = _finished(name, runs, done)
                if proofs:
                    yield file, proofs
        finally:
            # After Ctrl-C nothing is waited for; otherwise nothing is left to end.
            done.cancelled.set()
            pool.shutdown(wait=False, cancel_futures=True)


def _inspected(name: str, done: _Done) -> File | None:
    try:
        return inspect_file(name)
    except TrimaranError as error:
        done.problems += error.problems
        return None


def _finished(name: str, runs: Sequence["Future[Proof]"], done: _Done) -> list[Proof]:
    proofs: list[Proof] = []
    for each in runs:
        try:
            proofs.append(each.result())
        except TrimaranError as error:
            # What holds for the file is told once, not for each root.
            new = [
                Problem(found.code, found.what, found.fix, found.where or Where(name), found.detail)
                for found in error.problems
            ]
            done.problems += [problem for problem in new if problem not in done.problems]
    return proofs


def _text(file: File, proofs: Sequence[Proof], done: _Done) -> None:
    width = max(40, min(80, shutil.get_terminal_size().columns))
    head, *lines = verify_text.text(file, proofs, width)
    click.echo(("\n" if len(done.statuses) > 1 else "") + click.style(head, bold=True))
    for line in lines:
        click.echo(_coloured(line))


def _coloured(line: str) -> str:
    if line.startswith("  CONTRADICTED"):
        return click.style(line, fg="red", bold=True)
    for outcome, colour in _COLOURS.items():
        start = f"  {outcome:<8} "
        if line.startswith(start):
            return f"  {click.style(f'{outcome:<8}', fg=colour, bold=True)} {line[len(start) :]}"
    return line


def _kept(file: File, proofs: Sequence[Proof], done: _Done) -> None:
    done.files.append((file, proofs))


def _jsonl(file: File, proofs: Sequence[Proof], _: _Done) -> None:
    row = {"schema": verify_report.SCHEMA} | verify_report.file_document(file, proofs)
    click.echo(json.dumps(row))


def _nothing(done: _Done) -> None:
    """All has been printed."""


def _json(done: _Done) -> None:
    click.echo(json.dumps(verify_report.document(done.files, done.problems), indent=1))


def _jsonl_end(done: _Done) -> None:
    for problem in done.problems:
        row = {"schema": verify_report.SCHEMA, "problem": verify_report.problem_document(problem)}
        click.echo(json.dumps(row))


def _junit(done: _Done) -> None:
    rows = [junit.suite(file.path, [_case(proof) for proof in proofs]) for file, proofs in done.files]
    if done.problems:
        rows.append(junit.suite("not tried", [_error(problem) for problem in done.problems]))
    click.echo(junit.HEAD + "".join(rows) + junit.TAIL, nl=False)


def _case(proof: Proof) -> junit.Test:
    name = f"{proof.root} ({proof.variant})"
    detail = "\n".join([*verify_report.tail(proof.output), f"again: {proof.command}"])
    if not proof.agree:
        predicted = f"predicted {proof.predicted.outcome} [{proof.predicted.rule}]: {proof.predicted.reason}"
        message = f"contradicted: {predicted}; seen: {proof.seen.what}"
        return junit.Test(name, junit.Result.FAILURE, message, "contradicted", detail)
    verdict = proof.verdict
    if verify_report.status([proof]) is Exit.CLEAN:
        return junit.Test(name, junit.Result.PASSED)
    result = junit.Result.SKIPPED if verdict.outcome is Outcome.UNKNOWN else junit.Result.FAILURE
    return junit.Test(name, result, verdict.reason, str(verdict.rule), detail)


def _error(problem: Problem) -> junit.Test:
    name = problem.where.file if problem.where is not None else problem.code
    return junit.Test(name, junit.Result.ERROR, problem.what, problem.code, problem.fix)


def _report(options: "Options", done: _Done, hidden: Sequence[str]) -> None:
    from trimaran.cli import verify_sending

    path = options["report"] or paths.state() / "verify-report.json"
    verify_sending.write(path, done.contradicted, hidden)
    many = "predictions are" if len(done.contradicted) > 1 else "prediction is"
    click.echo(f"{len(done.contradicted)} {many} contradicted.", err=True)
    click.echo(
        "  Unless the program itself is at fault, that is a bug in Trimaran or in its facts:", err=True
    )
    click.echo(f"  please read {printable(str(path))} and send it.", err=True)


_PRINT: dict[str, Callable[[File, Sequence[Proof], _Done], None]] = {
    "text": _text,
    "json": _kept,
    "jsonl": _jsonl,
    "junit": _kept,
}
_END: dict[str, Callable[[_Done], None]] = {
    "text": _nothing,
    "json": _json,
    "jsonl": _jsonl_end,
    "junit": _junit,
}
