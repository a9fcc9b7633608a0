"""What `trimaran fix` says: a table of ways and distributions for people, and a document. Pure."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trimaran.binary import Basis, Outcome, Verdict
from trimaran.errors import printable
from trimaran.portability.fix_model import Subject, Tried, change_line, changes

SCHEMA = "trimaran.dev/fix/v1"
_SEEN = {Outcome.RUNS: "ran", Outcome.FAILS: "failed", Outcome.UNKNOWN: "unclear"}


@dataclass(frozen=True, slots=True)
class Report:
    """All that was found out.

    Args:
        before: the build as it is now.
        ways: what was tried or refused, the best first.
        wanted: ids of the distributions.
        commands: name of a way → the commands that reproduce it with stock tools.
        instead: what would help and changes the program's own code, one line each.
    """

    subject: Subject
    before: Tried
    ways: tuple[Tried, ...]
    wanted: tuple[str, ...]
    commands: dict[str, tuple[str, ...]]
    instead: tuple[str, ...] = ()

    @property
    def chosen(self) -> Tried | None:
        """The way to take; None when nothing has to change, or when none serves."""
        if self.before.serves:
            return None
        return next((each for each in self.ways if each.serves), None)


def cell(verdict: Verdict | None, tried: Tried) -> str:
    """One word: in the past when it was seen in a run, in the present when it is predicted."""
    if verdict is None:
        return "refused" if tried.way.refused else "no build"
    if verdict.basis is Basis.PROVEN:
        return _SEEN[verdict.outcome]
    return str(verdict.outcome)


def table(report: Report) -> list[tuple[str, ...]]:
    """Rows of words: a head, then one for each distribution; a column for each way, `before` first."""
    columns = [report.before, *report.ways]
    rows = [("", *(each.way.name for each in columns))]
    rows += [(name, *(cell(each.verdict(name), each) for each in columns)) for name in report.wanted]
    rows.append(("size", *(_size(each) for each in columns)))
    return rows


def text(report: Report, width: int) -> Iterator[str]:
    """The report for people, line by line."""
    rows = table(report)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(f"{word:<{widths[place]}}" for place, word in enumerate(row)).rstrip()
    yield ""
    yield from _wrapped(
        "ran, failed: seen in a run there; runs, fails, unknown: predicted from the file", width
    )
    yield from _refusals(report, width)
    yield from _reasons(report, width)
    if report.instead:
        yield ""
        yield from _wrapped("other ways change the program's own code:", width)
        for line in report.instead:
            yield from _wrapped(line, width, "    ")
    yield ""
    yield from _conclusion(report, width)


def _size(tried: Tried) -> str:
    return f"{tried.size_bytes / 1e6:.1f} MB" if tried.path else "-"


def _reasons(report: Report, width: int) -> Iterator[str]:
    """Why the build before fails, what each way costs, and what contradicts."""
    for each in (report.before, *report.ways):
        lines = list(_about(each))
        if lines:
            yield ""
            head = f"{each.way.name}: {each.way.title}" + (f"; {each.how}" if each.how else "")
            yield from _wrapped(head, width)
            for line in lines:
                yield from _wrapped(line, width, "    ")


def _about(tried: Tried) -> Iterator[str]:
    if tried.problem is not None:
        yield f"not built: {tried.problem.what}"
        yield from tried.problem.detail[:3]
        return
    if tried.path:
        yield from tried.way.caveats
    seen: dict[str, list[str]] = {}
    for verdict in tried.verdicts:
        if verdict.outcome is not Outcome.RUNS:
            seen.setdefault(f"{verdict.reason} [{verdict.rule}]", []).append(verdict.distribution)
    for reason, names in seen.items():
        yield f"{', '.join(names)}: {reason}"
    yield from tried.notes


def _refusals(report: Report, width: int) -> Iterator[str]:
    refused = [each for each in report.ways if each.way.refused]
    for each in refused:
        yield ""
        yield from _wrapped(f"{each.way.name}: refused", width)
        yield from _wrapped(each.way.refused, width, "    ")


def _conclusion(report: Report, width: int) -> Iterator[str]:
    chosen = report.chosen
    if chosen is None:
        good = "it starts wherever it is wanted: nothing to change"
        yield from _wrapped(good if report.before.serves else "no way serves all of them", width)
        return
    change = change_line(changes(chosen.way, report.subject.declared))
    where = report.subject.place or "a service.yaml"
    yield from _wrapped(f"take {chosen.way.name}. In {where}, below spec.build:", width)
    yield f"    {change}"
    commands = report.commands.get(chosen.way.name, ())
    if commands:
        yield ""
        yield "  the same with stock tools:"
        # Building, looking, and one run; the document has the run of each root file system.
        yield from (f"    $ {command}" for command in commands[:3])


def _wrapped(line: str, width: int, indent: str = "  ") -> list[str]:
    return textwrap.wrap(
        printable(line), width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def document(report: Report) -> dict[str, Any]:
    """The report for programs; `fix.schema.json` beside this file describes it."""
    chosen = report.chosen
    change = changes(chosen.way, report.subject.declared) if chosen is not None else {}
    return {
        "schema": SCHEMA,
        "subject": {
            "name": report.subject.name,
            "package": report.subject.package,
            "module": report.subject.module or None,
            "platform": report.subject.platform,
            "arguments": list(report.subject.arguments),
        },
        "wanted": list(report.wanted),
        "before": _tried(report.before, report, 0),
        "ways": [_tried(each, report, rank) for rank, each in enumerate(report.ways, start=1)],
        "instead": list(report.instead),
        "serves": report.before.serves or chosen is not None,
        "chosen": chosen.way.name if chosen is not None else None,
        "change": {"place": report.subject.place or None, "build": change} if chosen is not None else None,
    }


def _tried(tried: Tried, report: Report, rank: int) -> dict[str, Any]:
    way = tried.way
    return {
        "name": way.name,
        "title": way.title,
        "rank": rank,
        "build": {"cgo": way.cgo, "tags": list(way.tags), "libc": way.libc or None},
        "refused": way.refused or None,
        "needs": way.needs or None,
        "caveats": list(way.caveats),
        "problem": _problem(tried),
        "program": _program(tried) if tried.path else None,
        "verdicts": [_verdict(each) for each in tried.verdicts],
        "notes": list(tried.notes),
        "commands": list(report.commands.get(way.name, ())),
    }


def _problem(tried: Tried) -> dict[str, Any] | None:
    problem = tried.problem
    return None if problem is None else {"code": problem.code, "what": problem.what, "fix": problem.fix}


def _program(tried: Tried) -> dict[str, Any]:
    return {
        "path": tried.path,
        "digest": tried.digest,
        "size_bytes": tried.size_bytes,
        "kind": tried.kind,
        "glibc_floor": tried.floor,
        "with_c": tried.with_c,
        "how": tried.how,
    }


def _verdict(verdict: Verdict) -> dict[str, str]:
    fields = ("distribution", "outcome", "rule", "reason", "basis")
    return {field: str(getattr(verdict, field)) for field in fields}
