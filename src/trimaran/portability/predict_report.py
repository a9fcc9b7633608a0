"""What `predict` says, as a document and as text for people. Pure.

The document's form is `predict.schema.json` beside this file; a change that could break a reader gets a new
version in `SCHEMA`.
"""

import textwrap
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from trimaran.binary import Kind, Outcome, Verdict
from trimaran.binary.model import glibc_number
from trimaran.binary.report_text import shared
from trimaran.errors import printable
from trimaran.portability.predict_model import Brought, Floor, Prediction, Way

SCHEMA = "trimaran.dev/predict/v1"
_INDENT = " " * 13
# So many symbols are named; of the others, their number is.
_NAMED = 6
_ALONE = {
    Kind.STATIC: "a static program",
    Kind.STATIC_PIE: "a static position-independent program",
}


def document(found: Prediction) -> dict[str, Any]:
    """The whole answer, ready for JSON."""
    host = found.host
    return {
        "schema": SCHEMA,
        "subject": found.subject,
        "package": found.package,
        "go": found.go,
        "origin": found.origin,
        "platform": found.platform,
        "packages": found.packages,
        "modules": found.modules,
        "host": {
            "compiler": host.compiler,
            "found": host.found,
            "lacks": host.lacks or None,
            "interpreter": host.interpreter,
            "libc": host.libc or None,
            "newest_version": host.newest or None,
        },
        "brought": [_brought(each) for each in found.brought],
        "ways": [_way(way) for way in found.ways],
        "notes": list(found.notes),
        "commands": list(found.commands),
    }


def _brought(each: Brought) -> dict[str, Any]:
    return {
        "kind": str(each.kind),
        "package": each.package,
        "module": each.module or None,
        "version": each.version or None,
        "evidence": list(each.evidence),
        "certain": each.certain,
    }


def _way(way: Way) -> dict[str, Any]:
    file = way.file
    return {
        "cgo": way.cgo,
        "chosen": way.chosen,
        "why": way.why or None,
        "fault": way.fault or None,
        "doubt": way.doubt or None,
        "linker": "external" if way.external else "internal",
        "libc": way.libc or None,
        "kind": str(file.kind) if file is not None else None,
        "interpreter": file.interpreter if file is not None else None,
        "needed": list(file.needed) if file is not None else [],
        "glibc_at_least": file.glibc_floor if file is not None else None,
        "glibc_at_most": way.most or (file.glibc_floor if file is not None else None),
        "floor": [
            {"symbol": each.name, "version": each.version, "by": each.by, "certain": each.certain}
            for each in way.floor
        ],
        "verdicts": [
            {
                "distribution": verdict.distribution,
                "outcome": str(verdict.outcome),
                "rule": str(verdict.rule),
                "reason": verdict.reason,
                "basis": str(verdict.basis),
            }
            for verdict in way.verdicts
        ],
    }


def text(found: Prediction, width: int) -> list[str]:
    """What is said to people, in lines of at most `width` columns where words allow it."""
    host = found.host
    compiler = host.compiler if host.found else host.lacks
    libc = f", glibc {host.newest}" if host.newest else ""
    declared = next((way.libc for way in found.ways if way.libc), "")
    lines = [
        printable(found.subject),
        *_row(
            "package",
            f"{found.package}, {_count(found.packages, 'package')} of {_count(found.modules, 'module')}",
            width,
        ),
        *_row("go", f"{found.go} ({found.origin}), {found.platform}", width),
        *_row(*("C library", declared) if declared else ("C compiler", f"{compiler}{libc}"), width),
    ]
    if found.brought:
        lines.append("")
    for kind, group in groupby(found.brought, key=lambda each: each.kind):
        for place, each in enumerate(group):
            lines += _thing(str(kind) if not place else "", each, width)
    for way in found.ways:
        lines += ["", *_told(way, width)]
    for note in found.notes:
        lines += ["", *_wrap(note, width, "  ", "  ")]
    return [*lines, "", "  the same with stock tools", *(f"    {printable(line)}" for line in found.commands)]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _thing(kind: str, each: Brought, width: int) -> list[str]:
    version = f" {each.version}" if each.version else ""
    said = f"{each.package}{version}{'' if each.certain else ' (perhaps)'}: {'; '.join(each.evidence)}"
    lines = _wrap(said, width, "    ", "      ")
    return [f"  {kind}", *lines] if kind else lines


def _told(way: Way, width: int) -> list[str]:
    name = "with cgo" if way.cgo else "without cgo"
    head = f"  {name}, which would be built: {way.why}" if way.chosen else f"  {name}"
    lines = _wrap(head.strip(), width, "  ", "  ")
    if way.fault:
        return [*lines, *_wrap(f"does not build: {way.fault}", width, "    ", "      ")]
    if way.doubt:
        lines += _wrap(way.doubt, width, "    ", "      ")
    file = way.file
    if file is None:
        return lines
    if file.interpreter is None:
        what = _ALONE.get(file.kind, "a program of another C library")
    else:
        by = "the C compiler" if way.external else "Go"
        needed = ", ".join(file.needed) or "no library"
        what = f"a dynamic program, linked by {by}: {file.interpreter}, needs {needed}"
    lines += _wrap(what, width, "    ", "      ")
    lines += _floor(way, width)
    for group in _groups(way.verdicts):
        lines += _group(group, width)
    return lines


def _floor(way: Way, width: int) -> list[str]:
    floor = way.file.glibc_floor if way.file is not None else None
    if floor is None and way.most is None:
        return []
    top = glibc_number(f"GLIBC_{floor}") if floor is not None else None
    least = f"glibc {floor or 'of any age'}"
    least += " at least" if way.most is not None else " or newer"
    setters = [each for each in way.floor if each.certain and glibc_number(each.version) == top]
    lines = _wrap(f"{least}: {_setters(setters)}" if setters else least, width, "    ", "      ")
    if way.most is not None:
        mine = {(each.name, each.version) for each in setters}
        perhaps = [
            each
            for each in way.floor
            if not each.certain
            and (top is None or (glibc_number(each.version) or ()) >= top)
            and (each.name, each.version) not in mine
        ]
        more = f"; calls of C code that is not compiled yet: {_setters(perhaps)}" if perhaps else ""
        what = "is declared" if way.libc else "this machine has"
        lines += _wrap(f"glibc {way.most} at most, which is what {what}{more}", width, "    ", "      ")
    return lines


def _setters(found: Sequence[Floor]) -> str:
    owners: dict[str, list[str]] = {}
    for each in found:
        owners.setdefault(each.by, []).append(each.name)
    parts = []
    for by, names in owners.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        parts.append(f"{', '.join(names[:_NAMED])}{more} ({by})")
    return ", ".join(parts)


def _groups(verdicts: Sequence[Verdict]) -> list[list[Verdict]]:
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.outcome, verdict.rule, shared(verdict)), []).append(verdict)
    order = list(Outcome)
    return sorted(groups.values(), key=lambda group: order.index(group[0].outcome))


def _group(group: Sequence[Verdict], width: int) -> list[str]:
    here = {verdict.found for verdict in group if verdict.found}
    one = f" (there: {here.pop()})" if len(here) == 1 else ""
    # A distribution and what it has stay on one line.
    names = ", ".join(
        f"{verdict.distribution}\0({verdict.found.replace(' ', chr(0))})"
        if verdict.found and not one
        else verdict.distribution
        for verdict in group
    )
    lines = textwrap.wrap(
        names,
        width,
        initial_indent=f"    {group[0].outcome:<8} ",
        subsequent_indent=_INDENT,
        break_on_hyphens=False,
    )
    reason = f"{shared(group[0])}{one} [{group[0].rule}]"
    return [*(line.replace("\0", " ") for line in lines), *_wrap(reason, width, _INDENT, _INDENT)]


def _row(name: str, value: str, width: int) -> list[str]:
    return _wrap(value, width, f"  {name:<12} ", " " * 15)


def _wrap(line: str, width: int, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        printable(line),
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        break_long_words=False,
    )
