"""What `go` says when it fails, read into problems that say what to do. Pure.

The texts are those of Go's own sources (cmd/go, golang.org/x/mod); what is not known is shown as it is.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from trimaran.errors import Problem, printable

_SHOWN_LINES = 20


class Fault(Enum):
    """What went wrong, where the caller can do something about it before it gives up."""

    ABSENT = auto()
    REPLACES = auto()
    NEEDS_NEWER_GO = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Reading:
    """A failure as it was understood.

    Args:
        fault: its kind.
        problem: what a user is told when nothing helps.
        needs: with NEEDS_NEWER_GO, the version that is wanted, as written; else empty.
    """

    fault: Fault
    problem: Problem
    needs: str = ""


_NEEDS = re.compile(r"requires go >= (\d[\w.]*)")
_ABSENT = re.compile(
    r"40[34] (?:Forbidden|Not Found)|410 Gone|unknown revision|invalid version: "
    "|no matching versions for query|unrecognized import path"
    r"|disallowed version string|malformed module path"
)

# The first that fits decides; the order goes from the certain to the vague.
_KNOWN: tuple[tuple[str, str, str, str], ...] = (
    (
        "TRM0316",
        r"[Nn]o space left on device|[Dd]isk quota exceeded",
        "the disk is full",
        "free some space; `go clean -cache` empties Go's own cache",
    ),
    (
        "TRM0308",
        r"checksum mismatch|SECURITY ERROR|verifying (?:module|go\.mod).*: invalid|misbehaving server",
        "the proxy sent something else than the checksum database knows for {source}",
        "do not use this proxy; `go env GOPROXY` shows which it is",
    ),
    (
        "TRM0305",
        r"module lookup disabled by GOPROXY=off|GOPROXY list is not the empty string",
        "no module proxy is configured, and {source} is not in the module cache",
        "set GOPROXY to the address of a module proxy",
    ),
    (
        "TRM0301",
        r"unsupported GOOS/GOARCH pair",
        "{platform} is no platform that this Go builds for",
        "`go tool dist list` names them; the common ones are linux/amd64 and linux/arm64",
    ),
    (
        "TRM0318",
        r'cgo: C compiler .* not found|exec: "[^"]*(?:cc|clang|zig|\+\+)[^"]*": executable file not found',
        "C is to be linked in, but there is no C compiler for {platform}",
        "install one and name it in CC, or say cgo: off if the service works without",
    ),
    (
        "TRM0313",
        (
            r"does not contain package|no required module provides package|is not in std|directory not found"
            "|no Go files in|matched no packages|cannot find (?:package|module providing)"
        ),
        "{source} has no package {package}",
        "look which packages of the module are commands; most keep them under ./cmd",
    ),
    (
        "TRM0335",
        r"build constraints exclude all Go files",
        "package {package} of {source} has no file for {platform}",
        "the package is made for other platforms, or only for cgo: try cgo: on",
    ),
    (
        "TRM0314",
        r"is not a main package",
        "package {package} of {source} is a library, not a command",
        "name a package that is `package main`",
    ),
    (
        "TRM0309",
        r"i/o timeout|TLS handshake timeout|Client\.Timeout|deadline exceeded",
        "the module proxy did not answer in time",
        "try again; `go env GOPROXY` shows which proxy it is",
    ),
    (
        "TRM0310",
        r"unexpected EOF|connection reset|zip: not a valid zip file|content-length",
        "the module proxy broke off in the middle of an answer",
        "try again; what has arrived whole is kept",
    ),
    (
        "TRM0306",
        r"dial tcp|no such host|connection refused|network is unreachable|x509:|proxyconnect|: EOF",
        "the module proxy cannot be reached",
        "check the network, and the address in `go env GOPROXY`",
    ),
    (
        "TRM0307",
        r"\b(?:5\d\d|429|401|407) [A-Z][A-Za-z ]+",
        "the module proxy answered with an error",
        "try again later, or use another proxy",
    ),
    (
        "TRM0304",
        r"parsing go\.mod|go\.mod:\d+:|updates to go\.mod needed|missing go\.sum entry|inconsistent vend",
        "the module's go.mod or go.sum is not in order",
        "run `go mod tidy` in the module",
    ),
)
_CERTAIN = _KNOWN[:5]
# The compiler's own output comes under a line with the package's name.
_COMPILED = re.compile(r"(?m)^# \S+")
_COMPILING = re.compile(r"(?m)^\S+\.(?:go|c|cc|cpp|s|S):\d+(?::\d+)?: ")


def read(text: str, source: str, package: str, platform: str) -> Reading:
    """What the error output of `go` means.

    Args:
        text: everything the command wrote to standard error, or the error in its JSON.
        source: what was built, for the message; likewise `package` and `platform`.
    """
    lines = _telling(text)
    names = {"source": source, "package": package, "platform": platform}
    needed = _NEEDS.search(text)
    if needed:
        what = f"{source} needs Go {needed[1]} or newer"
        problem = Problem("TRM0315", what, "declare that version, or leave `go` out")
        return Reading(Fault.NEEDS_NEWER_GO, problem, needed[1].rstrip("."))
    if "replace directives" in text or "exclude directives" in text:
        return Reading(Fault.REPLACES, _other(lines, source))
    certain = _match(_CERTAIN, text, names, lines)
    if certain is not None:
        return Reading(Fault.OTHER, certain)
    if _COMPILED.search(text):
        return Reading(Fault.OTHER, _uncompiled(lines, source, platform))
    if _ABSENT.search(text):
        return Reading(Fault.ABSENT, _absent(lines, source))
    likely = _match(_KNOWN, text, names, lines)
    if likely is None and _COMPILING.search(text):
        likely = _uncompiled(lines, source, platform)
    return Reading(Fault.OTHER, likely or _other(lines, source))


def _match(
    known: tuple[tuple[str, str, str, str], ...], text: str, names: dict[str, str], lines: tuple[str, ...]
) -> Problem | None:
    for code, pattern, what, fix in known:
        if re.search(pattern, text):
            return Problem(code, what.format(**names), fix, None, lines)
    return None


def _uncompiled(lines: tuple[str, ...], source: str, platform: str) -> Problem:
    what = f"{source} does not compile for {platform}"
    return Problem("TRM0317", what, "mend what the compiler names", None, lines)


def _absent(lines: tuple[str, ...], source: str) -> Problem:
    return Problem("TRM0312", f"there is no {source}", "check the module's path and version", None, lines)


def _other(lines: tuple[str, ...], source: str) -> Problem:
    return Problem("TRM0319", f"building {source} failed", "see what go says below", None, lines)


def _telling(text: str) -> tuple[str, ...]:
    """The lines worth showing: no progress, at most 20, the first ones."""
    lines = [printable(line.expandtabs(4)) for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"go: (?:downloading|finding|extracting) ", line)]
    if len(lines) > _SHOWN_LINES:
        lines = [*lines[:_SHOWN_LINES], f"… and {len(lines) - _SHOWN_LINES} more lines"]
    return tuple(lines)
