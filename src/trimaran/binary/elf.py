"""Reads from an ELF file what the kernel and the dynamic loader read when it starts, and nothing else.

Pure: bytes come through a `Source`. Neither `.symtab` nor debugging sections are ever touched. Every
offset and count is checked against the file's size and against a bound of ours, so a hostile file costs
no more time or memory than an honest one.

The format: System V ABI (gabi), chapter 4 and 5; the GNU extensions: LSB core, symbol versioning.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

# Bounds of ours. Real programs stay far below: the largest seen had 14 segments, 150 needed libraries.
SEGMENTS = 4096
SECTIONS = 16_384
DYNAMIC_ENTRIES = 16_384
NEEDED = 4096
VERSIONS = 16_384
SYMBOLS = 1 << 18
NAME_BYTES = 4096

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_WRITE = 2
DT_NULL, DT_NEEDED, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 4, 5, 6, 14, 15, 29
DT_RELR, DT_VERNEED, DT_VERNEEDNUM, DT_FLAGS_1 = 36, 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFB
SHT_DYNSYM = 11


class BrokenFileError(Exception):
    """The file ends early or contradicts itself.

    Args:
        what: one line, without the file's name.
        truncated: whether the file ends before what it announces.
    """

    def __init__(self, what: str, *, truncated: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.truncated = truncated


class Source(Protocol):
    """The bytes of one file."""

    @property
    def size(self) -> int:
        """In bytes."""
        ...

    def at(self, offset: int, size: int) -> bytes:
        """Exactly `size` bytes; BrokenFileError when the file does not have them."""
        ...


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header: what is mapped where."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int


@dataclass(frozen=True, slots=True)
class Section:
    """A section header; only used to find two sections quickly, never believed when it is absent."""

    name: int
    kind: int
    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Elf:
    """An opened ELF file: its header and program headers, and where to read the rest from."""

    source: Source = field(repr=False)
    bits: int
    order: str
    kind: int
    machine: int
    flags: int
    entry: int
    segments: tuple[Segment, ...]
    section_table: tuple[int, int, int, int]

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        """Numbers in the file's byte order."""
        layout = self.order + layout
        return struct.unpack(layout, self.source.at(offset, struct.calcsize(layout)))

    def offset_of(self, address: int) -> int:
        """Where in the file the byte is that is mapped at `address`."""
        for segment in self.segments:
            if segment.kind == PT_LOAD and segment.address <= address < segment.address + segment.size:
                return segment.offset + address - segment.address
        raise BrokenFileError(f"address {address:#x} is in no segment of the file")

    def text(self, offset: int) -> str:
        """The zero-terminated name at `offset`."""
        left = self.source.size - offset
        for size in (min(128, left), min(NAME_BYTES, left)):
            found, zero, _ = self.source.at(offset, size).partition(b"\0")
            if zero:
                return found.decode("utf-8", "backslashreplace")
        raise BrokenFileError(f"the name at offset {offset:#x} has no end within {NAME_BYTES} bytes")


def read_elf(source: Source) -> Elf:
    """Read the header and the program headers of a file that starts with the ELF magic number."""
    ident = source.at(0, 16)
    bits, order = {1: 32, 2: 64}.get(ident[4], 0), {1: "<", 2: ">"}.get(ident[5], "")
    if not bits or not order:
        raise BrokenFileError(
            f"the ELF header names class {ident[4]} and byte order {ident[5]}; 1 or 2 exist"
        )
    layout = order + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH")
    fields = struct.unpack(layout, source.at(16, struct.calcsize(layout)))
    kind, machine, _, entry, segments_at, sections_at, flags, _, width, count = fields[:10]
    elf = Elf(source, bits, order, kind, machine, flags, entry, (), (sections_at, *fields[10:]))
    return Elf(
        source,
        bits,
        order,
        kind,
        machine,
        flags,
        entry,
        _segments(elf, segments_at, width, count),
        elf.section_table,
    )


def _segments(elf: Elf, offset: int, width: int, count: int) -> tuple[Segment, ...]:
    if not count:
        return ()
    layout = elf.order + ("IIQQQQQQ" if elf.bits == 64 else "IIIIIIII")
    if width != struct.calcsize(layout):
        raise BrokenFileError(f"program headers of {width} bytes; this class has {struct.calcsize(layout)}")
    if count > SEGMENTS:
        raise BrokenFileError(f"{count} program headers; at most {SEGMENTS} are believed")
    rows = struct.iter_unpack(layout, elf.source.at(offset, width * count))
    if elf.bits == 64:
        return tuple(
            Segment(kind, flags, at, address, size) for kind, flags, at, address, _, size, *_ in rows
        )
    return tuple(Segment(kind, flags, at, address, size) for kind, at, address, _, size, _, flags, _ in rows)


def sections(elf: Elf) -> tuple[Section, ...]:
    """The section headers; none when the file has no (or no readable) table, which is no error: it runs."""
    offset, width, count, _ = elf.section_table
    layout = elf.order + ("IIQQQQIIQQ" if elf.bits == 64 else "IIIIIIIIII")
    if not offset or not count or width != struct.calcsize(layout) or count > SECTIONS:
        return ()
    try:
        rows = struct.iter_unpack(layout, elf.source.at(offset, width * count))
    except BrokenFileError:
        return ()
    return tuple(Section(name, kind, address, at, size) for name, kind, _, address, at, size, *_ in rows)


def section_named(elf: Elf, table: tuple[Section, ...], name: str) -> Section | None:
    """The first section with this name."""
    names = elf.section_table[3]
    if names >= len(table):
        return None
    wanted, strings = name.encode() + b"\0", table[names]
    for section in table:
        if section.name + len(wanted) > strings.size:
            continue
        try:
            if elf.source.at(strings.offset + section.name, len(wanted)) == wanted:
                return section
        except BrokenFileError:
            return None
    return None


def interpreter(elf: Elf) -> str | None:
    """The program that the kernel starts instead of the file; None when it starts the file itself."""
    for segment in elf.segments:
        if segment.kind == PT_INTERP:
            # The kernel refuses less than 2 and more than PATH_MAX bytes.
            if not 2 <= segment.size <= NAME_BYTES:
                raise BrokenFileError(
                    f"an interpreter's name of {segment.size} bytes; 2 to {NAME_BYTES} are allowed"
                )
            name = elf.source.at(segment.offset, segment.size)
            if not name.endswith(b"\0"):
                raise BrokenFileError("the interpreter's name is not terminated")
            return name.partition(b"\0")[0].decode("utf-8", "backslashreplace")
    return None


def dynamic(elf: Elf) -> dict[int, list[int]]:
    """Tag → values of the dynamic section, in the file's order; empty when there is no such section."""
    found: dict[int, list[int]] = {}
    for segment in elf.segments:
        if segment.kind == PT_DYNAMIC:
            layout = elf.order + ("qQ" if elf.bits == 64 else "iI")
            width = struct.calcsize(layout)
            count = min(segment.size // width, DYNAMIC_ENTRIES)
            for tag, value in struct.iter_unpack(layout, elf.source.at(segment.offset, count * width)):
                if tag == DT_NULL:
                    break
                found.setdefault(tag & 0xFFFFFFFF, []).append(value)
            break
    return found


def names(elf: Elf, table: dict[int, list[int]], tag: int) -> tuple[str, ...]:
    """The strings that entries with this tag name."""
    wanted = table.get(tag, [])
    if len(wanted) > NEEDED:
        raise BrokenFileError(f"{len(wanted)} entries of one dynamic tag; at most {NEEDED} are believed")
    if not wanted:
        return ()
    strings = _strings(elf, table)
    return tuple(elf.text(strings + value) for value in wanted)


def _strings(elf: Elf, table: dict[int, list[int]]) -> int:
    if DT_STRTAB not in table:
        raise BrokenFileError("the dynamic section has no string table")
    return elf.offset_of(table[DT_STRTAB][0])


def version_needs(elf: Elf, table: dict[int, list[int]]) -> Iterator[tuple[str, str, bool]]:
    """(library, version, weak) for each symbol version that the loader looks for before the start."""
    if DT_VERNEED not in table:
        return
    strings, at = _strings(elf, table), elf.offset_of(table[DT_VERNEED][0])
    left = VERSIONS
    for _ in range(min(table.get(DT_VERNEEDNUM, [VERSIONS])[0], VERSIONS)):
        _, count, library, first, following = elf.unpack("HHIII", at)
        name, aux = elf.text(strings + library), at + first
        for _ in range(count):
            left -= 1
            if left < 0:
                raise BrokenFileError(f"more than {VERSIONS} symbol versions")
            _, flags, _, version, step = elf.unpack("IHHII", aux)
            yield name, elf.text(strings + version), bool(flags & 2)
            if not step:
                break
            aux += step
        if not following:
            break
        at += following


def undefined_symbols(elf: Elf, table: dict[int, list[int]]) -> tuple[str, ...] | None:
    """Names that some library must bring, without weak ones; None when their number cannot be told."""
    if DT_SYMTAB not in table:
        return ()
    count = _symbol_count(elf, table)
    if count is None:
        return None
    layout = elf.order + ("IBBHQQ" if elf.bits == 64 else "IIIBBH")
    rows = elf.source.at(elf.offset_of(table[DT_SYMTAB][0]), count * struct.calcsize(layout))
    strings, found = _strings(elf, table), []
    for row in struct.iter_unpack(layout, rows):
        binding, section = (row[1], row[3]) if elf.bits == 64 else (row[3], row[5])
        # Binding 1 is global; 2 is weak, and may stay missing. Section 0 is "undefined".
        if row[0] and section == 0 and binding >> 4 == 1:
            found.append(elf.text(strings + row[0]))
    return tuple(found)


def _symbol_count(elf: Elf, table: dict[int, list[int]]) -> int | None:
    """DT_HASH counts symbols; with DT_GNU_HASH alone only the section header does without a long walk."""
    count = None
    if DT_HASH in table:
        count = elf.unpack("II", elf.offset_of(table[DT_HASH][0]))[1]
    else:
        width = 24 if elf.bits == 64 else 16
        for section in sections(elf):
            if section.kind == SHT_DYNSYM and section.address == table[DT_SYMTAB][0]:
                count = section.size // width
    if count is not None and count > SYMBOLS:
        raise BrokenFileError(f"{count} dynamic symbols; at most {SYMBOLS} are believed")
    return count
