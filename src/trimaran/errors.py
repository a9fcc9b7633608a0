"""What a user reads when something is wrong: what, where, how to mend it, and a stable code.

A function that finds several things wrong with one input raises one `TrimaranError` that carries all
of them, so that a file is mended in one sitting.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """The exit status of a command; the same for every output format.

    When several apply, `worst` decides: 130 > 2 > 4 > 3 > 1 > 0.
    """

    CLEAN = 0
    FINDINGS = 1
    ERROR = 2
    PARTIAL = 3
    AUTHENTICATION = 4
    INTERRUPTED = 130


_SEVERITY = (Exit.CLEAN, Exit.FINDINGS, Exit.PARTIAL, Exit.AUTHENTICATION, Exit.ERROR, Exit.INTERRUPTED)


def worst(statuses: Iterable[Exit]) -> Exit:
    """The status that a command ends with when it met all of `statuses`; clean when it met none."""
    return max(statuses, key=_SEVERITY.index, default=Exit.CLEAN)


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in an input.

    Args:
        file: the input's name as the user gave it (`-` for standard input).
        line: counted from 1; 0 when the input has no lines.
        column: counted from 1 in characters; 0 when unknown.
        path: the field inside a document, as `spec.workload.replicas`; empty when there is none.
    """

    file: str
    line: int = 0
    column: int = 0
    path: str = ""

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}  {self.path}" if self.path else place


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    Args:
        code: `TRM` and four digits, explained by `trimaran help CODE` and never reused.
        what: what happened, one line, without a full stop.
        fix: what the user can do about it, one line; empty only when nothing can be done.
        where: the place in the input, when there is one.
        detail: further lines to show as they are (the last lines of a log, what a tool printed).
    """

    code: str
    what: str
    fix: str = ""
    where: Where | None = None
    detail: tuple[str, ...] = ()


class TrimaranError(Exception):
    """One or more problems that end what was asked for.

    Args:
        problems: at least one; shown in the order given.
        status: the exit status of the command that meets it.
    """

    def __init__(self, *problems: Problem, status: Exit = Exit.ERROR) -> None:
        if not problems:
            raise ValueError("an error needs at least one problem")
        super().__init__("; ".join(f"{p.code}: {p.what}" for p in problems))
        self.problems = problems
        self.status = status


def fail(code: str, what: str, fix: str = "", where: Where | None = None) -> TrimaranError:
    """The common case, an error with a single problem; the caller raises it."""
    return TrimaranError(Problem(code, what, fix, where))


_CONTROL = dict.fromkeys((*range(32), 127, *range(128, 160)), "\N{REPLACEMENT CHARACTER}")
# Directional overrides can make a name read as another.
_CONTROL |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """`text` without anything that could steer a terminal or break its encoding.

    Names from outside (files, clusters, binaries, packages) pass through here before they are shown.
    """
    return text.translate(_CONTROL).encode("utf-8", "replace").decode("utf-8")
