"""What `inspect` says, as text for people. Pure."""

import textwrap
from collections.abc import Sequence

from trimaran.binary.buildinfo import GoBuild
from trimaran.binary.model import File, Kind, Outcome, Verdict
from trimaran.binary.report import Inspected
from trimaran.binary.report_rules import Commands, commands
from trimaran.binary.wants import WORDS, Want
from trimaran.errors import printable

_KINDS = {
    Kind.STATIC: "static program",
    Kind.STATIC_PIE: "static position-independent program",
    Kind.DYNAMIC: "dynamic program",
    Kind.PIE: "dynamic position-independent program",
    Kind.LIBRARY: "shared library",
}
_INDENT = " " * 11
# A shell command that is broken over lines cannot be copied; a name that is so long makes the line long.
_CHECK = f"{_INDENT}$ "
# One file of many names this many distributions of a group, and counts more.
_NAMED = 4


def text(inspected: Inspected, linux: str | None, width: int) -> list[str]:
    """What is said of one file, for people: lines of at most `width` columns where words allow it.

    Args:
        linux: the oldest Linux that the program's Go release starts on.
        width: at least 40.
    """
    file = inspected.file
    lines = [printable(file.path), *_facts(file, linux, width)]
    for want in inspected.wants or ():
        lines += _row(WORDS[want.asks], _want(want), width)
    lines.append("")
    told: set[Commands] = set()
    for group in _groups(inspected.verdicts):
        lines += _group(group, inspected.measured, width)
        check = commands(file, group[0])
        if check not in told:
            told.add(check)
            lines += [f"{_CHECK}{printable(line)}" for line in check.here]
    return lines


def brief(inspected: Inspected, width: int) -> list[str]:
    """The same for one file of many: what it is, and who runs it, in few lines."""
    file = inspected.file
    rows = [_KINDS[file.kind], file.machine]
    rows += [file.go.version] if file.go is not None else []
    rows += [f"glibc {file.glibc_floor}"] if file.glibc_floor is not None else []
    lines = [f"{printable(file.path)}  ({printable(', '.join(rows))})"]
    for want in inspected.wants or ():
        lines += _row(WORDS[want.asks], _want(want), width)
    told: set[Commands] = set()
    for group in _groups(inspected.verdicts):
        check = commands(file, group[0])
        checked = [f"{_CHECK}{printable(line)}" for line in check.here] if check not in told else []
        told.add(check)
        if len(group) <= _NAMED:
            lines += [*_group(group, inspected.measured, width), *checked]
            continue
        counted = f"on {len(group)} of {len(inspected.verdicts)}: {shared(group[0])} [{group[0].rule}]"
        lines += textwrap.wrap(
            printable(counted),
            width,
            initial_indent=f"  {group[0].outcome:<8} ",
            subsequent_indent=_INDENT,
            break_on_hyphens=False,
        )
        lines += checked
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


def _want(want: Want) -> str:
    evidence = "; ".join(part for part in (*want.evidence, want.note) if part)
    named = f"{', '.join(want.names)} ({evidence})" if want.names else evidence
    return printable(f"{want.confidence}: {named}")


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


def _group(group: Sequence[Verdict], measured: frozenset[str], width: int) -> list[str]:
    first = group[0]
    here = {verdict.found for verdict in group if verdict.found}
    one = f" (there: {here.pop()})" if len(here) == 1 else ""
    names = ", ".join(_name(verdict, measured, found=not one) for verdict in group)
    proven = "" if first.basis == "predicted" else f", {first.basis}"
    reason = f"{shared(first)}{one} [{first.rule}{proven}]"
    return [
        *_wrap(names, width, f"  {first.outcome:<8} ", _INDENT),
        *textwrap.wrap(
            printable(reason),
            width,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
            break_on_hyphens=False,
        ),
    ]


def _name(verdict: Verdict, measured: frozenset[str], *, found: bool) -> str:
    more = [verdict.found] if verdict.found and found else []
    more += ["measured"] if verdict.distribution in measured else []
    return f"{verdict.distribution} ({', '.join(more)})" if more else verdict.distribution


def _wrap(names: str, width: int, first: str, indent: str) -> list[str]:
    # A distribution and what it has stay on one line.
    glued = names.replace(" (", "\0(").replace("glibc ", "glibc\0").replace("musl ", "musl\0")
    glued = glued.replace(", measured", ",\0measured")
    lines = textwrap.wrap(
        glued, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count} B"
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{count / 1e3:.0f} kB"
