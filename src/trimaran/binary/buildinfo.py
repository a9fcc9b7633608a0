"""Reads what the Go linker wrote about a build: the release, the modules, the settings.

Pure. Two layouts exist: since Go 1.18 the strings stand in the file behind the header; before, the header
points at two Go strings. Both are found by a magic number at a multiple of 16 in the first writable
segment, so a stripped file still tells.
"""

import re
from typing import NamedTuple

from trimaran.binary.elf import PF_WRITE, PT_LOAD, BrokenFileError, Elf, section_named, section_names

MAGIC = b"\xff Go buildinf:"
HEADER = 32
# How far to look for the magic number where no section names its place.
SEARCH = 1 << 20
# In the names of the sections that every Go program has; one that has none of them is in another language.
_SECTIONS = (b".go.", b"gopclntab")
VERSION_BYTES = 4096
SETTINGS_BYTES = 1 << 20


class Module(NamedTuple):
    """A Go module in a build; `replaced` tells that its code came from somewhere else than its name says."""

    path: str
    version: str = ""
    sum: str = ""
    replaced: "Module | None" = None


class GoBuild(NamedTuple):
    """What a Go program says about its build.

    Args:
        version: the Go release, as `go1.26.8`.
        package: the main package's import path; empty before Go 1.18 and without modules.
        main: the module that it is in.
        modules: every other module that is compiled in.
        settings: as `CGO_ENABLED` → `0`; empty before Go 1.18.
    """

    version: str
    package: str = ""
    main: Module | None = None
    modules: tuple[Module, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def setting(self, key: str) -> str | None:
        """The value of a build setting; None when the file does not tell."""
        return dict(self.settings).get(key)

    @property
    def minor(self) -> int | None:
        """26 for `go1.26.8`; None for a development version."""
        found = re.match(r"go1\.(\d{1,4})", self.version)
        return int(found[1]) if found else None


def read_build(elf: Elf) -> GoBuild | None:
    """The build information of a Go program; None for other programs."""
    try:
        at = _find(elf)
        if at is None:
            return None
        header = elf.source.at(at, HEADER)
        if header[15] & 2:
            version, after = _inline(elf, at + HEADER, VERSION_BYTES)
            settings, _ = _inline(elf, after, SETTINGS_BYTES)
        else:
            version, settings = _pointed(elf, at, header)
    except BrokenFileError as error:
        # The program starts all the same: what is broken is only what it tells about itself.
        if error.truncated:
            raise
        return None
    return _parse(version.decode("utf-8", "backslashreplace"), settings) if version else None


def _find(elf: Elf) -> int | None:
    data = next((each for each in elf.segments if each.kind == PT_LOAD and each.flags & PF_WRITE), None)
    # Go's own linker puts it first, where one page tells without the section headers at the file's end.
    if data is not None and (at := _search(elf, data.offset, min(data.size, HEADER))) is not None:
        return at
    section = section_named(elf, ".go.buildinfo")
    if section is not None and (at := _search(elf, section.offset, min(section.size, SEARCH))) is not None:
        return at
    names = section_names(elf)
    if data is None or (names and not any(each in names for each in _SECTIONS)):
        return None
    # With a section table that does not name it, it is not far from the start, if at all.
    return _search(elf, data.offset, min(data.size, 1 << 16 if elf.section_table[0] else SEARCH))


def _search(elf: Elf, start: int, size: int) -> int | None:
    size = min(size, elf.source.size - start)
    if size < HEADER:
        return None
    chunk = elf.source.at(start, size)
    at = chunk.find(MAGIC)
    while at >= 0:
        if at % 16 == 0 and at + HEADER <= size:
            return start + at
        at = chunk.find(MAGIC, at + 1)
    return None


def _inline(elf: Elf, at: int, most: int) -> tuple[bytes, int]:
    size = shift = 0
    for byte in elf.source.at(at, min(10, elf.source.size - at)):
        at += 1
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    if size > most:
        raise BrokenFileError(f"build information of {size} bytes; at most {most} are believed")
    return elf.source.at(at, size), at + size


def _pointed(elf: Elf, at: int, header: bytes) -> tuple[bytes, bytes]:
    order, width = ("big" if header[15] & 1 else "little"), header[14]
    if width not in {4, 8}:
        raise BrokenFileError(f"build information with pointers of {width} bytes")

    def number(offset: int) -> int:
        return int.from_bytes(elf.source.at(offset, width), "big" if order == "big" else "little")

    def string(pointer: int, most: int) -> bytes:
        if not pointer:
            return b""
        place = elf.offset_of(pointer)
        size = number(place + width)
        if size > most:
            raise BrokenFileError(f"build information of {size} bytes; at most {most} are believed")
        return elf.source.at(elf.offset_of(number(place)), size) if size else b""

    return string(number(at + 16), VERSION_BYTES), string(number(at + 16 + width), SETTINGS_BYTES)


def _parse(version: str, framed: bytes) -> GoBuild:
    # 16 bytes of frame on both sides, so that the text is also found in a running program.
    body = framed[16:-16] if len(framed) >= 33 and framed[-17] == 0x0A else b""
    package, main, modules, settings = "", None, list[Module](), list[tuple[str, str]]()
    for line in body.decode("utf-8", "backslashreplace").split("\n"):
        kind, _, rest = line.partition("\t")
        if kind == "path":
            package = rest
        elif kind == "mod":
            main = _module(rest)
        elif kind == "dep":
            modules.append(_module(rest))
        elif kind == "=>" and modules:
            last = modules[-1]
            modules[-1] = Module(last.path, last.version, last.sum, _module(rest))
        elif kind == "build":
            settings.append(_setting(rest))
    return GoBuild(version, package, main, tuple(modules), tuple(settings))


def _module(text: str) -> Module:
    path, version, digest = (*text.split("\t"), "", "", "")[:3]
    return Module(path, version, digest)


_PAIR = r'("(?:[^"\\]|\\.)*"|[^="]*)=("(?:[^"\\]|\\.)*"|`[^`]*`|.*)'
_ESCAPE = r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))"
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


def _setting(text: str) -> tuple[str, str]:
    if '"' not in text and "`" not in text:
        key, sign, value = text.partition("=")
        return (key, value) if sign else (text, "")
    found = re.fullmatch(_PAIR, text, re.DOTALL)
    return (_unquote(found[1]), _unquote(found[2])) if found else (text, "")


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "`":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(_ESCAPE, _unescape, text[1:-1], flags=re.DOTALL)
    return text


def _unescape(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits is None:
        return _PLAIN.get(found[4], found[4])
    number = int(digits, 16)
    return chr(number) if number <= 0x10FFFF else "\N{REPLACEMENT CHARACTER}"
