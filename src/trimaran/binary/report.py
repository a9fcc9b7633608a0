"""What `inspect` says, as a document. Pure; `report_text` says the same for people.

The document's form is `inspect.schema.json` beside this file; a change that could break a reader gets a
new version in `SCHEMA`.
"""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from trimaran.binary.model import File, Rule, Verdict
from trimaran.binary.report_rules import CODES, Commands, commands
from trimaran.errors import Problem

if TYPE_CHECKING:
    from trimaran.binary.wants import Want

SCHEMA = "trimaran.dev/inspect/v1"


class Inspected(NamedTuple):
    """What is said of one file.

    Args:
        wants: what it may ask for while it runs; None when nobody looked.
        measured: ids of the distributions whose facts were measured in a root file system at hand.
    """

    file: File
    verdicts: tuple[Verdict, ...]
    wants: "tuple[Want, ...] | None" = None
    measured: frozenset[str] = frozenset()


def document(
    inspected: Iterable[Inspected], problems: Iterable[Problem] = (), passed_over: int = 0
) -> dict[str, Any]:
    """The whole answer, ready for JSON or YAML.

    Args:
        passed_over: how many files of directories and packages are no programs.
    """
    return {
        "schema": SCHEMA,
        "files": [file_document(each) for each in inspected],
        "problems": [problem_document(problem) for problem in problems],
        "passed_over": passed_over,
    }


def file_document(inspected: Inspected) -> dict[str, Any]:
    """What is said of one file."""
    measured = inspected.measured
    found = _needs(inspected)
    found["verdicts"] = [_verdict(verdict, measured) for verdict in inspected.verdicts]
    return found


def file_json(inspected: Inspected) -> str:
    """`file_document` as JSON in one line, written many times as quickly."""
    measured = inspected.measured
    rows = []
    for each in inspected.verdicts:
        known = each.distribution in measured
        # Members of enums are one object each; their own hash is computed in Python, and takes long.
        frame = _frames.get((each.distribution, known, id(each.rule), id(each.outcome), id(each.basis)))
        before, after = frame or _frame(each, known)
        rows.append(f"{before}{_quoted(each.reason)}{after}")
    return f'{json.dumps(_needs(inspected))[:-1]}, "verdicts": [{", ".join(rows)}]}}'


_frames: dict[tuple[str, bool, int, int, int], tuple[str, str]] = {}
_FRAMES = 4096
_quoted = json.encoder.encode_basestring_ascii


def _frame(verdict: Verdict, known: bool) -> tuple[str, str]:
    """What stands before and behind the reason; kept, because only few are different."""
    if len(_frames) >= _FRAMES:
        _frames.clear()
    document = _verdict(verdict._replace(reason=""), frozenset({verdict.distribution} if known else ()))
    before, _, after = json.dumps(document).partition('"reason": ""')
    key = (verdict.distribution, known, id(verdict.rule), id(verdict.outcome), id(verdict.basis))
    found = _frames[key] = f'{before}"reason": ', after
    return found


def _verdict(verdict: Verdict, measured: frozenset[str]) -> dict[str, str]:
    return {
        "distribution": verdict.distribution,
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "code": CODES[verdict.rule],
        "reason": verdict.reason,
        "basis": verdict.basis,
        "facts": "measured" if verdict.distribution in measured else "recorded",
    }


def _needs(inspected: Inspected) -> dict[str, Any]:
    file = inspected.file
    found: dict[str, Any] = {
        "path": file.path,
        "format": file.format,
        "machine": file.machine,
        "kind": file.kind,
        "interpreter": file.interpreter,
        "needed": file.needed,
        "glibc_floor": file.glibc_floor,
        "go": _go(file),
        "commands": {
            rule: {"here": each.here, "there": each.there} for rule, each in checks(inspected).items()
        },
    }
    if inspected.wants is not None:
        found["wants"] = [_want(want) for want in inspected.wants]
    return found


def checks(inspected: Inspected) -> dict[Rule, Commands]:
    """What reproduces the verdicts, for each rule that decided one."""
    first: dict[Rule, Verdict] = {}
    for verdict in inspected.verdicts:
        first.setdefault(verdict.rule, verdict)
    return {rule: commands(inspected.file, verdict) for rule, verdict in first.items()}


def problem_document(problem: Problem) -> dict[str, Any]:
    """One file that could not be inspected."""
    place = problem.where.file if problem.where is not None else None
    return {"path": place, "code": problem.code, "what": problem.what, "fix": problem.fix}


def _go(file: File) -> dict[str, Any] | None:
    build = file.go
    if build is None:
        return None
    return {
        "version": build.version,
        "package": build.package or None,
        "module": build.main.path if build.main is not None else None,
        "module_version": build.main.version or None if build.main is not None else None,
        "settings": dict(build.settings),
    }


def _want(want: "Want") -> dict[str, Any]:
    return {
        "asks": want.asks,
        "confidence": want.confidence,
        "names": want.names,
        "evidence": want.evidence,
        "note": want.note,
    }
