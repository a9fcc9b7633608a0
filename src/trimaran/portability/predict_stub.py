"""Reads Go sources for what matters without cgo: pragmas, and functions that only fail. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_PRAGMA = re.compile(rb"^//go:cgo_import_dynamic[ \t]+(\S+)(?:[ \t]+(\S+))?(?:[ \t]+(\S+))?", re.MULTILINE)
_FAILS = re.compile(
    rb"errors\.New\(|fmt\.Errorf\(|\bpanic\(|log\.Fatal|return\b[^\n]*\b(?:[Ee]rr[A-Z]\w*|\w+\.Err[A-Z]\w*|err\w+)\b"
)
_LONG = 400
_TEXT = re.compile(rb'"((?:[^"\\\n]|\\.){8,200})"')
_COMMENT = re.compile(rb"/[*/]")
_MARKER = b"//go:cgo_import_dynamic"


@dataclass(frozen=True, slots=True)
class Pragma:
    """A `cgo_import_dynamic` pragma.

    Args:
        symbol: of the library; `_` when the library alone is asked for.
        library: as `libdl.so.2`; may be empty.
    """

    symbol: str
    library: str


def pragmas(source: bytes) -> tuple[Pragma, ...]:
    """The libraries and symbols that a Go file makes its program load."""
    if _MARKER not in source:
        return ()
    found = []
    for local, remote, library in _PRAGMA.findall(source):
        name = (remote or local).decode("utf-8", "replace").partition("#")[0]
        found.append(Pragma(name, library.decode("utf-8", "replace").strip('"')))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Failing:
    """How many of a file's functions only fail.

    Args:
        functions: how many have a body.
        failing: how many of them are short and do nothing but fail.
        message: the longest text in the file that may be shown then; empty when there is none.
    """

    functions: int
    failing: int
    message: str = ""


def failing(source: bytes) -> Failing:
    """What the functions of a file do, as far as its form tells."""
    bodies = _bodies(source)
    count = sum(len(body) <= _LONG and _FAILS.search(body) is not None for body in bodies)
    imports_end = source.find(b"\n)")
    texts = [text for text in _TEXT.findall(source, max(imports_end, 0)) if b" " in text]
    message = max(texts, key=len, default=b"").decode("utf-8", "replace")
    return Failing(len(bodies), count, message)


def _bodies(source: bytes) -> list[bytes]:
    """What stands in the functions of a file that is formatted as Go formats it."""
    found = []
    inside: list[bytes] | None = None
    for line in source.splitlines():
        if inside is not None and line.startswith(b"}"):
            found.append(b"\n".join(inside))
            inside = None
        elif inside is not None:
            inside.append(line)
        elif line.startswith(b"func ") and line.endswith(b"{"):
            inside = []
        elif line.startswith(b"func ") and line.endswith(b"}"):
            found.append(line.partition(b"{")[2][:-1])
    return found


_CALL = re.compile(rb"\b[a-z_]\w+\(")
_GO_CALL = re.compile(rb"\bC\.([a-z_]\w*)\(")


def c_calls(source: bytes, *, careful: bool) -> frozenset[str]:
    """Names that look like calls in a C source.

    Args:
        careful: leave comments out.
    """
    text = b" ".join(_without_comments(source)) if careful else source
    return frozenset(word[:-1].decode("ascii", "replace") for word in set(_CALL.findall(text)))


def _without_comments(source: bytes) -> Iterator[bytes]:
    at = 0
    while (found := _COMMENT.search(source, at)) is not None:
        yield source[at : found.start()]
        end = b"*/" if found[0] == b"/*" else b"\n"
        at = source.find(end, found.end())
        if at < 0:
            return
        at += len(end)
    yield source[at:]


def cgo_calls(source: bytes) -> frozenset[str]:
    """C functions that a Go file calls through cgo."""
    return frozenset(word.decode("ascii", "replace") for word in set(_GO_CALL.findall(source)))
