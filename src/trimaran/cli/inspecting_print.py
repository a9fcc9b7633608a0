"""The forms in which `inspect` prints: each says one file at a time, so a thousand take no more memory."""

import json
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from trimaran.binary import Kind, Outcome, linux_floor, report
from trimaran.binary.report import Inspected
from trimaran.binary.report_rules import CODES
from trimaran.errors import Problem, printable
from trimaran.facts import go_kernels

COLOURS = {Outcome.RUNS: "green", Outcome.FAILS: "red", Outcome.UNKNOWN: "yellow"}


class Ended(NamedTuple):
    """What is known when the last file has been said.

    Args:
        files: how many were said.
        passed_over: how many files of directories are no programs.
    """

    files: int
    problems: Sequence[Problem] = ()
    passed_over: int = 0


class Form(NamedTuple):
    """A form of output.

    Args:
        say: what is printed of one file; told whether it is one of many.
        head: what stands before the first file.
        joint: what stands between two.
        tail: what stands behind the last.
    """

    say: Callable[[Inspected, bool], str]
    head: str = ""
    joint: str = ""
    tail: Callable[[Ended], str] = lambda _: ""


def form(name: str, *, counted: bool) -> Form:
    """The form of that name.

    Args:
        counted: whether verdicts count, because the user named distributions.
    """
    return {"text": _text, "json": _json, "jsonl": _jsonl, "yaml": _yaml, "table": _table}.get(
        name, lambda: _junit(counted=counted) if name == "junit" else _sarif(counted=counted)
    )()


def _text() -> Form:
    import shutil

    from trimaran.binary.report_text import brief, text

    width = max(40, min(80, shutil.get_terminal_size().columns))
    kernels = go_kernels()

    def say(inspected: Inspected, many: bool) -> str:
        if many:
            head, *lines = brief(inspected, width)
        else:
            head, *lines = text(inspected, linux_floor(inspected.file, kernels), width)
        return "\n".join((click.style(head, bold=True), *map(_coloured, lines), ""))

    return Form(say, joint="\n", tail=_summary)


def _summary(ended: Ended) -> str:
    if not ended.passed_over:
        return ""
    files = "1 file" if ended.files == 1 else f"{ended.files:,} files"
    return f"\n{files} inspected; {ended.passed_over:,} passed over, which are no programs\n"


def _coloured(line: str) -> str:
    for outcome, colour in COLOURS.items():
        start = f"  {outcome:<8} "
        if line.startswith(start):
            return f"  {click.style(f'{outcome:<8}', fg=colour, bold=True)} {line[len(start) :]}"
    return click.style(line, dim=True) if line.startswith(" " * 11 + "$ ") else line


def _json() -> Form:
    def tail(ended: Ended) -> str:
        rows = ",\n  ".join(json.dumps(report.problem_document(problem)) for problem in ended.problems)
        return f'\n ],\n "problems": [{rows}],\n "passed_over": {ended.passed_over}\n}}\n'

    head = f'{{\n "schema": {json.dumps(report.SCHEMA)},\n "files": [\n  '
    return Form(lambda each, _: report.file_json(each), head, ",\n  ", tail)


def _jsonl() -> Form:
    start = {"schema": report.SCHEMA}
    first = json.dumps(start)[:-1]

    def tail(ended: Ended) -> str:
        rows = (start | {"problem": report.problem_document(problem)} for problem in ended.problems)
        return "".join(json.dumps(row) + "\n" for row in rows)

    return Form(lambda each, _: f"{first}, {report.file_json(each)[1:]}\n", tail=tail)


def _yaml() -> Form:
    import yaml

    def dumped(value: Any) -> str:
        # What JSON knows is what the safe form of YAML knows.
        text: str = yaml.safe_dump(json.loads(json.dumps(value)), sort_keys=False, width=100)
        return text

    def tail(ended: Ended) -> str:
        rows = [report.problem_document(problem) for problem in ended.problems]
        return ("" if ended.files else "  []\n") + dumped(
            {"problems": rows, "passed_over": ended.passed_over}
        )

    return Form(
        lambda each, _: dumped([report.file_document(each)]), f"schema: {report.SCHEMA}\nfiles:\n", "", tail
    )


def _table() -> Form:
    # The width of a column depends on all rows.
    held: list[Inspected] = []

    def say(each: Inspected, _: bool) -> str:
        held.append(each)
        return ""

    def tail(_: Ended) -> str:
        if held:
            _print_table(held)
        return ""

    return Form(say, tail=tail)


def _print_table(found: Sequence[Inspected]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    names = ("file", "distribution", "outcome", "rule", "reason")
    # A path that is cut cannot be copied; a long word goes on in the next line.
    columns = (Column(name, overflow="fold") for name in names)
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for each in found:
        for verdict in each.verdicts:
            outcome = Text(verdict.outcome, style=COLOURS[verdict.outcome])
            cells = (Text(printable(part)) for part in (verdict.rule, verdict.reason))
            table.add_row(Text(printable(each.file.path)), verdict.distribution, outcome, *cells)
    Console(highlight=False, soft_wrap=False).print(table)


def _junit(*, counted: bool) -> Form:
    from trimaran.cli import junit
    from trimaran.cli.junit import Result, Test

    def result(outcome: Outcome, kind: Kind) -> Result:
        if outcome is Outcome.RUNS:
            return Result.PASSED
        library = kind is Kind.LIBRARY and outcome is Outcome.UNKNOWN
        return Result.FAILURE if counted and not library else Result.SKIPPED

    def say(each: Inspected, _: bool) -> str:
        checks = report.checks(each)
        cases = [
            Test(
                verdict.distribution,
                result(verdict.outcome, each.file.kind),
                f"{verdict.outcome}: {verdict.reason} [{verdict.rule}, {CODES[verdict.rule]}]",
                verdict.rule,
                "\n".join(checks[verdict.rule].here),
            )
            for verdict in each.verdicts
        ]
        return junit.suite(each.file.path, cases)

    def tail(ended: Ended) -> str:
        broken = [
            junit.suite(
                problem.where.file if problem.where is not None else "trimaran",
                [Test("inspect", Result.ERROR, problem.what, problem.code, problem.fix)],
            )
            for problem in ended.problems
        ]
        return "".join(broken) + junit.TAIL

    return Form(say, junit.HEAD, tail=tail)


def _sarif(*, counted: bool) -> Form:
    from trimaran.cli import sarif
    from trimaran.cli.sarif import Finding

    def say(each: Inspected, _: bool) -> str:
        checks = report.checks(each)
        rows = []
        for verdict in each.verdicts:
            if verdict.outcome is Outcome.RUNS:
                continue
            level = "error" if counted and verdict.outcome is Outcome.FAILS else "warning"
            found = Finding(
                CODES[verdict.rule],
                level if counted else "note",
                f"{verdict.outcome} on {verdict.distribution}: {printable(verdict.reason)}",
                each.file.path,
                identity=(each.file.path, verdict.distribution, verdict.rule),
                properties=(("distribution", verdict.distribution), ("commands", checks[verdict.rule].here)),
            )
            rows.append(sarif.result(found))
        return ",\n".join(rows)

    def tail(ended: Ended) -> str:
        broken = [
            sarif.result(
                Finding(
                    problem.code,
                    "error",
                    printable(f"{problem.what}; {problem.fix}"),
                    problem.where.file if problem.where is not None else "",
                )
            )
            for problem in ended.problems
        ]
        between = ",\n" if broken and ended.files else ""
        codes = (*CODES.values(), *(problem.code for problem in ended.problems))
        return between + ",\n".join(broken) + sarif.tail(codes, complete=not ended.problems)

    return Form(say, sarif.head(), ",\n", tail)
