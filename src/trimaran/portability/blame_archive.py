"""Reads `ar` archives: the object files in what Go compiles and in static libraries, and Go's cgo directives.

Pure: bytes come through a `Source`. The form of a Go archive: cmd/internal/archive; of the directives that
stand in front of Go's own object: cmd/link/internal/ld, `ldpkg`.
"""

import json
from collections.abc import Iterator
from typing import NamedTuple

from trimaran.binary.elf import BrokenFileError, Source

MEMBERS = 1 << 16
NAMES_BYTES = 16 << 20
DIRECTIVES_BYTES = 16 << 20
DIRECTIVES = 1 << 16

_MAGIC, _HEADER = b"!<arch>\n", 60
_CGO, _END = b"\n$$  // cgo\n", b"\n!\n"
_HEAD_BYTES = 4096


class Part:
    """A range of another source's bytes."""

    __slots__ = ("_source", "_start", "size")

    def __init__(self, source: Source, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size = size

    def at(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            what = f"ends after {self.size} bytes; its headers name bytes {offset} to {offset + size}"
            raise BrokenFileError(what, truncated=True)
        return self._source.at(self._start + offset, size)


class Member(NamedTuple):
    """A file in an archive."""

    name: str
    source: Part


class Import(NamedTuple):
    """A symbol that the dynamic loader binds, as a `cgo_import_dynamic` directive names it.

    Args:
        local: what the Go code calls it.
        remote: the library's name for it, without its version.
        library: as `libc.so.6`; may be empty.
    """

    local: str
    remote: str
    library: str


def members(source: Source) -> Iterator[Member]:
    """The files in an archive, without its own tables. Raises BrokenFileError."""
    if source.at(0, min(8, source.size)) != _MAGIC:
        raise BrokenFileError("this is no ar archive with its files in it")
    at, names = 8, b""
    for _ in range(MEMBERS):
        if at >= source.size:
            return
        header = source.at(at, _HEADER)
        size = _number(header[48:58])
        if header[58:] != b"`\n" or size is None:
            raise BrokenFileError(f"the archive's header at {at:#x} is damaged")
        part = Part(source, at + _HEADER, size)
        raw = header[:16].rstrip(b" ")
        at += _HEADER + size + size % 2
        if at - size % 2 > source.size:
            raise BrokenFileError("the archive ends inside a file", truncated=True)
        if raw == b"//":
            names = part.at(0, size) if size <= NAMES_BYTES else b""
        elif raw not in {b"/", b"/SYM64/", b"__.SYMDEF"}:
            yield _member(raw, names, part)
    raise BrokenFileError(f"an archive of more than {MEMBERS} files")


def _number(text: bytes) -> int | None:
    text = text.strip()
    return int(text) if text.isdigit() else None


def _member(raw: bytes, names: bytes, part: Part) -> Member:
    place = _number(raw[1:]) if raw.startswith(b"/") else None
    if place is not None:
        name = names[place : names.find(b"/\n", place)]
    elif raw.startswith(b"#1/") and (length := _number(raw[3:])) is not None and length <= part.size:
        # BSD's form: the name stands in front of the file.
        name = part.at(0, min(length, 4096)).rstrip(b"\0")
        part = Part(part, length, part.size - length)
    else:
        name = raw.rstrip(b"/")
    return Member(name.decode("utf-8", "backslashreplace"), part)


def directives(source: Source) -> tuple[tuple[str, ...], ...]:
    """What cgo and pragmas ask of the linker, from the text in front of Go's own object (`_go_.o`).

    Raises BrokenFileError when it is there and cannot be read.
    """
    head = source.at(0, min(_HEAD_BYTES, source.size))
    if not head.startswith(b"go object "):
        return ()
    # Without directives the text ends within its first lines.
    start, end = head.find(_CGO), head.find(_END)
    if start < 0 or 0 <= end < start:
        return ()
    start += len(_CGO)
    text = source.at(start, min(DIRECTIVES_BYTES, source.size - start))
    try:
        found = json.loads(text[: text.index(b"\n\n$$")])
        if not isinstance(found, list) or len(found) > DIRECTIVES:
            raise ValueError("no list")  # noqa: TRY301 - as for any wrong JSON
        return tuple(tuple(map(str, each)) for each in found if isinstance(each, list) and each)
    except (ValueError, RecursionError):
        raise BrokenFileError("the cgo directives in a Go archive cannot be read") from None


def imports(found: tuple[tuple[str, ...], ...]) -> tuple[Import, ...]:
    """The symbols that directives ask the dynamic loader for."""
    asked = []
    for directive in found:
        if directive[0] == "cgo_import_dynamic" and 2 <= len(directive) <= 4 and directive[1] != "_":
            remote = directive[2] if len(directive) > 2 else directive[1]
            library = directive[3] if len(directive) > 3 else ""
            asked.append(Import(directive[1], remote.partition("#")[0], library))
    return tuple(asked)
