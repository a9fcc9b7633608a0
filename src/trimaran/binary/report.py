"""What `inspect` says, as a document and as text for people. Pure.

The document's form is `inspect.schema.json` beside this file; a change that could break a reader gets a
new version in `SCHEMA`.
"""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from trimaran.binary.buildinfo import GoBuild
from trimaran.binary.model import File, Kind, Outcome, Verdict
from trimaran.errors import Problem, printable

SCHEMA = "trimaran.dev/inspect/v1"
Inspected = tuple[File, tuple[Verdict, ...]]

_KINDS = {
    Kind.STATIC: "static program",
    Kind.STATIC_PIE: "static position-independent program",
    Kind.DYNAMIC: "dynamic program",
    Kind.PIE: "dynamic position-independent program",
    Kind.LIBRARY: "shared library",
}


def document(inspected: Iterable[Inspected], problems: Iterable[Problem] = ()) -> dict[str, Any]:
    """The whole answer, ready for JSON or YAML."""
    return {
        "schema": SCHEMA,
        "files": [file_document(file, verdicts) for file, verdicts in inspected],
        "problems": [problem_document(problem) for problem in problems],
    }


def file_document(file: File, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """What is said of one file."""
    return {
        "path": file.path,
        "format": file.format,
        "machine": file.machine,
        "kind": str(file.kind),
        "interpreter": file.interpreter,
        "needed": list(file.needed),
        "glibc_floor": file.glibc_floor,
        "go": _go(file),
        "verdicts": [
            {
                "distribution": verdict.distribution,
                "outcome": str(verdict.outcome),
                "rule": str(verdict.rule),
                "reason": verdict.reason,
                "basis": str(verdict.basis),
            }
            for verdict in verdicts
        ],
    }


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


def text(file: File, verdicts: Sequence[Verdict], linux: str | None, width: int) -> list[str]:
    """What is said of one file, for people: lines of at most `width` columns where words allow it.

    Args:
        linux: the oldest Linux that the program's Go release starts on.
        width: at least 40.
    """
    lines = [printable(file.path), *_facts(file, linux, width), ""]
    for group in _groups(verdicts):
        lines += _group(group, width)
    return lines


def _facts(file: File, linux: str | None, width: int) -> list[str]:
    rows = [("file", f"{_KINDS[file.kind]}, {file.format.upper()}, {file.machine}, {_size(file.size_bytes)}")]
    if file.go is not None:
        rows.append(("go", _go_line(file.go)))
    if file.interpreter is not None:
        rows.append(("interpreter", file.interpreter))
        rows.append(("needs", ", ".join(file.needed) or "no library"))
    if file.glibc_floor is not None:
        rows.append(("glibc", f"{file.glibc_floor} or newer"))
    if linux is not None:
        rows.append(("kernel", f"Linux {linux} or newer"))
    if file.runpath:
        rows.append(("looks in", ":".join(file.runpath)))
    return [line for name, value in rows for line in _row(name, printable(value), width)]


def _go_line(build: GoBuild) -> str:
    package = build.package or (build.main.path if build.main is not None else "")
    cgo = {"0": "without cgo", "1": "with cgo"}.get(build.setting("CGO_ENABLED") or "", "")
    return ", ".join(part for part in (build.version, package, cgo) if part)


def _row(name: str, value: str, width: int) -> list[str]:
    return textwrap.wrap(
        value, width, initial_indent=f"  {name:<12} ", subsequent_indent=" " * 15, break_on_hyphens=False
    )


def _groups(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    """Verdicts with the same outcome and the same reason stand together; what runs comes first."""
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.outcome, verdict.rule, shared(verdict)), []).append(verdict)
    order = list(Outcome)
    return sorted(groups.values(), key=lambda group: order.index(group[0].outcome))


def shared(verdict: Verdict) -> str:
    """The reason without what one distribution has: the same text for a whole group."""
    return verdict.reason.removesuffix(f"; there: {verdict.found}") if verdict.found else verdict.reason


def _group(group: Sequence[Verdict], width: int) -> list[str]:
    first = group[0]
    here = {verdict.found for verdict in group if verdict.found}
    one = f" (there: {here.pop()})" if len(here) == 1 else ""
    names = ", ".join(
        verdict.distribution + (f" ({verdict.found})" if verdict.found and not one else "")
        for verdict in group
    )
    proven = "" if first.basis == "predicted" else f", {first.basis}"
    reason = f"{shared(first)}{one} [{first.rule}{proven}]"
    indent = " " * 11
    return [
        *_wrap(names, width, f"  {first.outcome:<8} ", indent),
        *textwrap.wrap(
            printable(reason), width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        ),
    ]


def _wrap(names: str, width: int, first: str, indent: str) -> list[str]:
    # A distribution and what it has stay on one line.
    glued = names.replace(" (", "\0(").replace("glibc ", "glibc\0").replace("musl ", "musl\0")
    lines = textwrap.wrap(
        glued, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count} B"
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"
