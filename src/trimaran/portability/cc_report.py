"""What `trimaran cc doctor` says, for people and as a document. Pure."""

import shlex
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from trimaran.errors import printable
from trimaran.portability.cc_model import Check, Examination, Linked, State
from trimaran.portability.cc_packages import family

SCHEMA = "trimaran.dev/cc/v1"
MARKS = {State.GOOD: "ok", State.WARNING: "warning", State.BAD: "bad", State.LEFT_OUT: "-"}
_ROWS = (
    "compiler", "version", "triplet", "makes", "links", "C library", "needs glibc", "relro", "cgo probe",
    "run",
)  # fmt: skip


def text(found: Examination, width: int) -> Iterator[str]:
    """One examination, line by line: each check with its mark, then what to do and how to see the same."""
    yield f"{printable(found.target.name)}  CC={found.compiler}"
    for check in found.checks:
        head = f"  {MARKS[check.state]:<8} {check.name:<13}"
        yield from textwrap.wrap(
            printable(check.said),
            width,
            initial_indent=head,
            subsequent_indent=" " * 24,
            break_on_hyphens=False,
        )
        for line in check.detail:
            yield from textwrap.wrap(line, width, initial_indent="      | ", subsequent_indent="      |   ")[
                :3
            ]
        if check.fix and check.state is not State.GOOD:
            yield from _fix(check, found.target.distribution, width)
    yield from _linkage(found, width)
    yield ""
    yield "  the same with stock tools:"
    yield from (f"    $ {command}" for command in commands(found))


def _fix(check: Check, distribution: str, width: int) -> Iterator[str]:
    code = f" [{check.code}]" if check.code else ""
    there = check.brings.get(family(distribution), "")
    if there and there not in check.fix.split():
        code = f" (on {distribution}: {there}){code}"
    indent = " " * 24
    yield from textwrap.wrap(
        f"fix: {printable(check.fix)}{code}", width, initial_indent=indent, subsequent_indent=indent,
        break_on_hyphens=False,
    )  # fmt: skip


def _linkage(found: Examination, width: int) -> Iterator[str]:
    for name, each in (("a C program", found.plain), ("the cgo probe", found.probe)):
        if each is not None:
            line = f"{name} is {_words(each)}"
            yield from textwrap.wrap(line, width, initial_indent="  ", subsequent_indent="    ")


def _words(linked: Linked) -> str:
    floor = f", needs glibc {linked.floor} or newer" if linked.floor else ""
    libc = "with its C library linked in" if linked.libc == "linked in" else f"for {linked.libc}"
    return f"{linked.kind}, {libc}{floor}, relro {linked.relro}"


def commands(found: Examination) -> tuple[str, ...]:
    """What a person types to see the same."""
    compiler = found.compiler
    system, _, arch = found.target.platform.partition("/")
    settings = f"CGO_ENABLED=1 GOOS={system} GOARCH={arch} CC={shlex.quote(compiler)}"
    runner = "".join(f"{shlex.quote(word)} " for word in found.runner)
    return (
        f"{compiler} --version",
        f"{compiler} -dumpmachine",
        f"echo '#include <stdlib.h>' | {compiler} -E -x c - -o /dev/null",
        f"echo 'int main(void) {{ return 0; }}' | {compiler} -x c - -o /tmp/plain && readelf -hld /tmp/plain",
        # A package of Go's own with C in it, and its tests, stand for the probe.
        f"{settings} go test -c -o /tmp/probe os/user && {runner}/tmp/probe -test.run TestCurrent",  # noqa: S108
    )


def table(both: Sequence[Examination]) -> list[tuple[str, ...]]:
    """Rows of two toolchains side by side; the first is a head."""
    columns = [_column(each) for each in both]
    return [
        ("", *(printable(each.target.name) for each in both)),
        *((row, *(column[row] for column in columns)) for row in _ROWS),
    ]


def _column(found: Examination) -> dict[str, str]:
    plain, probe = found.plain, found.probe or found.plain
    checks = {check.name: check for check in found.checks}
    return {
        "compiler": found.compiler,
        "version": found.version or "-",
        "triplet": found.triplet or "-",
        "makes": plain.machine if plain else "-",
        "links": plain.kind if plain else "-",
        "C library": plain.libc if plain else "-",
        "needs glibc": (probe.floor or "no") if probe else "-",
        "relro": plain.relro if plain else "-",
        "cgo probe": _outcome(checks.get("probe")),
        "run": _outcome(checks.get("run")),
    }


def _outcome(check: Check | None) -> str:
    if check is None or check.state is State.LEFT_OUT:
        return "not tried"
    return "good" if check.state is State.GOOD else check.said


def compared(both: Sequence[Examination], width: int) -> Iterator[str]:
    """Two toolchains side by side; a row in which they differ begins with a mark."""
    rows = table(both)
    first = max(len(row[0]) for row in rows) + 2
    each = (width - first - 4) // 2
    for place, row in enumerate(rows):
        mark = "≠ " if place and row[1] != row[2] else "  "
        left, right = (textwrap.wrap(word, each) or [""] for word in row[1:])
        for line in range(max(len(left), len(right))):
            cells = [part[line] if line < len(part) else "" for part in (left, right)]
            head = mark + row[0] if not line else ""
            yield f"{head:<{first}}  {cells[0]:<{each}}  {cells[1]}".rstrip()
    for found in both:
        for check in found.bad:
            yield ""
            yield f"{printable(found.target.name)}: {check.name}: {check.said} [{check.code}]"
            yield f"  fix: {printable(check.fix)}"


def document(found: Sequence[Examination]) -> dict[str, Any]:
    """The examinations for programs; `cc.schema.json` beside this file describes it."""
    return {"schema": SCHEMA, "toolchains": [_document(each) for each in found]}


def _document(found: Examination) -> dict[str, Any]:
    return {
        "target": found.target.name,
        "platform": found.target.platform,
        "distribution": found.target.distribution or None,
        "compiler": found.compiler,
        "version": found.version or None,
        "triplet": found.triplet or None,
        "sysroot": found.sysroot or None,
        "good": not any(found.bad),
        "checks": [_check(check) for check in found.checks],
        "c_program": _linked(found.plain),
        "cgo_probe": _linked(found.probe),
        "commands": list(commands(found)),
    }


def _check(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "state": check.state,
        "said": check.said,
        "code": check.code or None,
        "fix": check.fix or None,
        "brings": check.brings,
        "detail": list(check.detail),
    }


def _linked(linked: Linked | None) -> dict[str, Any] | None:
    if linked is None:
        return None
    return {
        "machine": linked.machine,
        "kind": linked.kind,
        "libc": linked.libc,
        "glibc_floor": linked.floor,
        "relro": linked.relro,
    }
