"""Reads Go sources for what matters without cgo: pragmas, and functions that only fail. Pure."""

import re
from dataclasses import dataclass

_PRAGMA = re.compile(rb"^//go:cgo_import_dynamic[ \t]+(\S+)(?:[ \t]+(\S+))?(?:[ \t]+(\S+))?", re.MULTILINE)
_FUNCTION = re.compile(rb"^func [^\n]*\{(?:\n(.*?)^\}|([^\n]*)\}[ \t]*$)", re.MULTILINE | re.DOTALL)
_FAILS = re.compile(
    rb"errors\.New\(|fmt\.Errorf\(|\bpanic\(|log\.Fatal|return\b[^\n]*\b(?:[Ee]rr[A-Z]\w*|\w+\.Err[A-Z]\w*|err\w+)\b"
)
_LONG = 400
_TEXT = re.compile(rb'"((?:[^"\\\n]|\\.){8,200})"')
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
    bodies = [first or second for first, second in _FUNCTION.findall(source)]
    count = sum(len(body) <= _LONG and _FAILS.search(body) is not None for body in bodies)
    imports_end = source.find(b"\n)")
    texts = [text for text in _TEXT.findall(source, max(imports_end, 0)) if b" " in text]
    message = max(texts, key=len, default=b"").decode("utf-8", "replace")
    return Failing(len(bodies), count, message)


_COMMENT = re.compile(rb"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CALL = re.compile(rb"\b[a-z_]\w+\(")
_GO_CALL = re.compile(rb"\bC\.([a-z_]\w*)\(")


def c_calls(source: bytes, *, careful: bool) -> frozenset[str]:
    """Names that look like calls in a C source.

    Args:
        careful: leave comments out; slow for large files.
    """
    text = _COMMENT.sub(b" ", source) if careful else source
    return frozenset(word[:-1].decode("ascii", "replace") for word in set(_CALL.findall(text)))


def cgo_calls(source: bytes) -> frozenset[str]:
    """C functions that a Go file calls through cgo."""
    return frozenset(word.decode("ascii", "replace") for word in set(_GO_CALL.findall(source)))
