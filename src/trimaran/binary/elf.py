"""Reads from an ELF file what the kernel and the dynamic loader read when it starts, and nothing else.

Pure: bytes come through a `Source`. Neither `.symtab` nor debugging sections are ever touched. Every
offset and count is checked against the file's size and against a bound of ours, so a hostile file costs
no more time or memory than an honest one.

The format: System V ABI (gabi), chapter 4 and 5; the GNU extensions: LSB core, symbol versioning.
"""

import struct
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

# Bounds of ours. Real programs stay far below: the largest seen had 14 segments, 150 needed libraries.
SEGMENTS = 4096
SECTIONS = 16_384
NAMES_BYTES = 1 << 20
NAME_BYTES = 4096

ET_REL, ET_EXEC, ET_DYN, ET_CORE = 1, 2, 3, 4
PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PF_EXEC, PF_WRITE = 1, 2
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


class Segment(NamedTuple):
    """A program header: what is mapped where. A tuple, because files have many and tuples are quick."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int


class Section(NamedTuple):
    """A section header; only used to find two sections quickly, never believed when it is absent."""

    name: int
    kind: int
    address: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Elf:
    """An opened ELF file: its header and program headers, and where to read the rest from.

    Args:
        table: where its program headers stand.
        system: the header's byte for the system that it was made for (EI_OSABI).
    """

    source: Source = field(repr=False)
    bits: int
    order: str
    kind: int
    machine: int
    flags: int
    entry: int
    table: int
    segments: tuple[Segment, ...]
    section_table: tuple[int, int, int, int]
    system: int = 0

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

    def text(self, offset: int, most: int = NAME_BYTES) -> str:
        """The zero-terminated name at `offset`, of at most `most` bytes."""
        left = self.source.size - offset
        for size in (min(128, left), min(most, left)):
            found, zero, _ = self.source.at(offset, size).partition(b"\0")
            if zero:
                return found.decode("utf-8", "backslashreplace")
        raise BrokenFileError(f"the name at offset {offset:#x} has no end within {most} bytes")


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
    if not count and kind in {ET_EXEC, ET_DYN}:
        raise BrokenFileError("has no program headers, so the system finds nothing to load")
    segments = _segments(
        source, order + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"), segments_at, width, count
    )
    for segment in segments:
        if segment.kind == PT_LOAD and segment.offset + segment.size > source.size:
            # The kernel maps it all the same, and ends the program at the first byte that is not there.
            what = f"ends after {source.size} bytes; a segment reaches to {segment.offset + segment.size}"
            raise BrokenFileError(what, truncated=True)
    section_table = (sections_at, *fields[10:])
    return Elf(
        source, bits, order, kind, machine, flags, entry, segments_at, segments, section_table, ident[7]
    )


def _segments(source: Source, layout: str, offset: int, width: int, count: int) -> tuple[Segment, ...]:
    if not count:
        return ()
    if width != struct.calcsize(layout):
        raise BrokenFileError(f"program headers of {width} bytes; this class has {struct.calcsize(layout)}")
    if count > SEGMENTS:
        raise BrokenFileError(f"{count} program headers; at most {SEGMENTS} are believed")
    rows = struct.iter_unpack(layout, source.at(offset, width * count))
    if "Q" in layout:
        return tuple(
            Segment(kind, flags, at, address, size, memory)
            for kind, flags, at, address, _, size, memory, _ in rows
        )
    return tuple(
        Segment(kind, flags, at, address, size, memory)
        for kind, at, address, _, size, memory, flags, _ in rows
    )


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
    return tuple(
        Section(name, kind, address, at, size) for name, kind, _, address, at, size, _, _, _, _ in rows
    )


def section_named(elf: Elf, *wanted: str) -> Section | None:
    """The first section with the first of these names that any has."""
    names = section_names(elf)
    for name in wanted:
        raw = name.encode() + b"\0"
        # Most files have no such section, and need not have all their headers read to know.
        if raw in names:
            found = next((each for each in sections(elf) if names.startswith(raw, each.name)), None)
            if found is not None:
                return found
    return None


def section_names(elf: Elf) -> bytes:
    """The names of the sections, each with a zero behind it; empty when the file tells none."""
    offset, width, count, index = elf.section_table
    layout = "IIQQQQIIQQ" if elf.bits == 64 else "IIIIIIIIII"
    if not offset or index >= count or count > SECTIONS or width != struct.calcsize(elf.order + layout):
        return b""
    try:
        row = elf.unpack(layout, offset + width * index)
        return elf.source.at(row[4], row[5]) if row[5] <= NAMES_BYTES else b""
    except BrokenFileError:
        return b""


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
