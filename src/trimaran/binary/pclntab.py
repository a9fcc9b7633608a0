"""Reads which functions the Go linker kept in a program, from the table behind its stack traces. Pure.

A stripped program has the table too, because the Go runtime needs it. A function stands in it when code
that can be reached calls it, also where the compiler inlined it; that it is ever called nobody can tell.

The layout: Go's `debug/gosym` (versions 1.2, 1.16, 1.18 and 1.20 of the table).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from trimaran.binary.elf import PF_EXEC, PT_LOAD, BrokenFileError, Elf, Section, section_named

# Read in pieces; the longest name that we look for is far shorter than what two pieces share.
WINDOW = 1 << 20
SHARED = 256
# The largest table of names seen had 9 MB (kube-apiserver 1.35).
NAMES_BYTES = 48 << 20
SEARCH_BYTES = 64 << 20
_OLDEST, _OLD = 0xFFFFFFFB, 0xFFFFFFFA
_MAGICS = (_OLDEST, _OLD, 0xFFFFFFF0, 0xFFFFFFF1)
_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")


@dataclass(frozen=True, slots=True)
class Table:
    """Where the table is in the file, and where its names are; offsets in bytes from the file's start.

    Args:
        start: of the table.
        names: first byte of the names.
        names_size: at most this many bytes of names.
        functions: first byte of the functions' own table; 0 where its layout is older than Go 1.18.
        count: how many functions there are.
        size: at most this many bytes of the whole table.
    """

    start: int
    names: int
    names_size: int
    functions: int = 0
    count: int = 0
    size: int = 0


def find(elf: Elf) -> Table | None:
    """The table of a Go program; None when it has none that can be read."""
    section = section_named(elf, *_SECTIONS)
    try:
        if section is not None:
            return _header(elf, section.offset, section)
        return _searched(elf)
    except BrokenFileError:
        return None


def linked(elf: Elf, table: Table, wanted: frozenset[bytes]) -> frozenset[str]:
    """Those of `wanted` that are linked in."""
    found: set[bytes] = set()
    for piece in windows(elf, table.names, table.names_size):
        found |= wanted.intersection(piece.split(b"\0"))
        if len(found) == len(wanted):
            break
    return frozenset(name.decode("ascii", "replace") for name in found)


def windows(elf: Elf, start: int, size: int) -> Iterator[bytes]:
    """The bytes from `start` in pieces that share their ends, so that nothing short is cut in two."""
    end = min(start + size, elf.source.size)
    while start < end:
        yield elf.source.at(start, min(WINDOW, end - start))
        start += WINDOW - SHARED


def constants(elf: Elf, most: int) -> Iterator[bytes]:
    """What the file maps and does not execute, in pieces, `most` bytes of it at the most."""
    for segment in elf.segments:
        if segment.kind == PT_LOAD and not segment.flags & PF_EXEC and most > 0:
            yield from windows(elf, segment.offset, min(segment.size, most))
            most -= segment.size


def contained(pieces: Iterable[bytes], wanted: Iterable[bytes]) -> frozenset[bytes]:
    """Those of `wanted` that stand in the pieces."""
    left, found = set(wanted), set[bytes]()
    for piece in pieces:
        found |= {each for each in left if each in piece}
        left -= found
        if not left:
            break
    return frozenset(found)


def _header(elf: Elf, at: int, section: Section | None) -> Table | None:
    magic, zeros, quantum, width = elf.unpack("IHBB", at)
    if magic not in _MAGICS or zeros or quantum not in {1, 2, 4} or width not in {4, 8}:
        return None
    size = section.size if section is not None else elf.source.size - at
    if magic == _OLDEST:
        # Names stand between the other tables, so all of it is looked through.
        return Table(at, at, min(size, NAMES_BYTES))
    words = elf.unpack("Q" * 8 if width == 8 else "I" * 8, at + 8)
    names, after = words[2:4] if magic == _OLD else words[3:5]
    if not names < after <= size:
        return None
    functions = 0 if magic == _OLD or words[7] >= size else at + words[7]
    return Table(at, at + names, min(after - names, NAMES_BYTES), functions, words[0], size)


def _searched(elf: Elf) -> Table | None:
    # A program without section headers still has the table, at a multiple of 16.
    order = "little" if elf.order == "<" else "big"
    heads = [magic.to_bytes(4, "little" if order == "little" else "big") + b"\0\0" for magic in _MAGICS]
    pattern = re.compile(b"(?:" + b"|".join(map(re.escape, heads)) + rb")[\1\2\4][\4\x08]")
    left = SEARCH_BYTES
    for segment in elf.segments:
        if segment.kind != PT_LOAD or segment.flags & PF_EXEC or left <= 0:
            continue
        at = segment.offset
        for piece in windows(elf, segment.offset, min(segment.size, left)):
            for match in pattern.finditer(piece):
                table = _header(elf, at + match.start(), None)
                if table is not None:
                    return table
            at += WINDOW - SHARED
        left -= segment.size
    return None
