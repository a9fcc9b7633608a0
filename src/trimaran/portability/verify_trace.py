"""What a program asked the system for, from the lines of `strace -f -y`. Pure."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trimaran.errors import printable

CALLS = "execve,execveat,open,openat,openat2,access,faccessat,faccessat2,stat,lstat,newfstatat,statx,readlink"
_MOST = 500
_LINE = re.compile(r"^(\d+)\s+(\w+)\((.*)\)\s+=\s+(-?\d+|\?)(?:<[^>]*>)?\s*(E[A-Z0-9]+)?")
_HALF = re.compile(r"^(\d+)\s+(\w+)\((.*)\s+<unfinished \.\.\.>$")
_REST = re.compile(r"^(\d+)\s+<\.\.\. (\w+) resumed>(.*)$")
_PATH = re.compile(r'^(?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"')
_OPENS = frozenset({"open", "openat", "openat2"})
_STARTS = frozenset({"execve", "execveat"})
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-f]{2}|.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "a": "\a", "b": "\b", "e": "\x1b"}
_LIBRARY = re.compile(r"\.so(\.\d+)*$")


@dataclass(frozen=True, slots=True)
class Trace:
    """What was asked for, each once, in the order of the first time; at most 500 of a kind.

    Args:
        programs: that were started, the file itself first.
        libraries: shared libraries that were opened.
        name_services: modules of glibc's name-service switch that were looked for, found or not.
        files: other files and folders that were opened.
        missing: that were asked for and are not there.
    """

    programs: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    name_services: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Call:
    pid: str
    name: str
    path: str
    error: str | None


def parse(lines: Iterable[str], first: str) -> Trace:
    """What a program did, from its own start on.

    Args:
        first: the program's path, as the tracer saw it started.
    """
    found: dict[str, dict[str, None]] = {name: {} for name in Trace.__dataclass_fields__}
    opened: set[str] = set()
    makers: set[str] = set()  # processes that make the sandbox are no part of the program
    begun = False
    for call in _calls(lines):
        if not begun:
            begun = call.name in _STARTS and call.path == first and call.error is None
            (makers.discard if begun else makers.add)(call.pid)
        if begun and call.pid not in makers:
            _sort(call, found, opened)
    missing = _missing([path for path in found["missing"] if path not in opened], found)
    kinds = {name: tuple(list(paths)[:_MOST]) for name, paths in found.items()}
    return Trace(**kinds | {"missing": tuple(missing[:_MOST])})


def _missing(paths: list[str], found: dict[str, dict[str, None]]) -> list[str]:
    """Without the many places where the loader and the PATH look; a library that is nowhere is told once."""
    got = {posixpath.basename(path) for kind in ("programs", "libraries") for path in found[kind]}
    folders = {posixpath.dirname(path) for path in paths if _looked_for(path, got)}
    told = []
    for path in paths:
        base = posixpath.basename(path)
        if base in got or path in folders:
            continue
        if _LIBRARY.search(base):
            got.add(base)
        told.append(path)
    return told


def _looked_for(path: str, got: set[str]) -> bool:
    base = posixpath.basename(path)
    return base in got or bool(_LIBRARY.search(base))


def _sort(call: _Call, found: dict[str, dict[str, None]], opened: set[str]) -> None:
    base = posixpath.basename(call.path)
    if base.startswith("libnss_"):
        found["name_services"][base] = None
    if call.error is not None:
        if call.error in {"ENOENT", "ENOTDIR"}:
            found["missing"][call.path] = None
        return
    if call.name in _STARTS:
        found["programs"][call.path] = None
    elif call.name in _OPENS:
        opened.add(call.path)
        found["libraries" if _LIBRARY.search(base) else "files"][call.path] = None


def _calls(lines: Iterable[str]) -> Iterator[_Call]:
    for line in _whole(lines):
        parts = _LINE.match(line)
        path = _PATH.match(parts[3]) if parts else None
        if parts and path and path[2]:
            yield _Call(parts[1], parts[2], _name(path[1] or "", path[2]), parts[5])


def _whole(lines: Iterable[str]) -> Iterator[str]:
    """Lines of which the tracer printed two halves, because another process came between, as one."""
    waiting: dict[str, str] = {}
    for line in lines:
        if half := _HALF.match(line):
            waiting[half[1]] = f"{half[1]} {half[2]}({half[3]}"
        elif (rest := _REST.match(line)) and rest[1] in waiting:
            yield waiting.pop(rest[1]) + rest[3]
        else:
            yield line


def _name(folder: str, name: str) -> str:
    return printable(posixpath.normpath(posixpath.join(_plain(folder), _plain(name))))


def _plain(escaped: str) -> str:
    return _ESCAPE.sub(_byte, escaped).encode("latin-1", "replace").decode("utf-8", "replace")


def _byte(escape: "re.Match[str]") -> str:
    code = escape[1]
    if code[0] in "01234567":
        return chr(int(code, 8) & 0xFF)
    return chr(int(code[1:], 16)) if len(code) == 3 else _LETTERS.get(code, code)
